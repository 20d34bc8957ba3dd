//! How large a span is as OTLP's protobuf, without writing it.
//!
//! The same fields as `tributary_span::otlp::encode` writes, but for a status with nothing in it,
//! which counts as none.

use tributary_span::columns::{Attr, Columns, ValueType};

/// Bytes of a varint.
fn varint(n: u64) -> usize {
    let bits = u64::BITS - (n | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// Bytes of a field with so many bytes in it, its tag included; fields 1 to 15.
fn field(len: usize) -> usize {
    1 + varint(len as u64) + len
}

fn text(len: usize) -> usize {
    if len == 0 { 0 } else { field(len) }
}

fn uint(n: u64) -> usize {
    if n == 0 { 0 } else { 1 + varint(n) }
}

/// Of 8 or 4 bytes.
fn fixed(is_set: bool, len: usize) -> usize {
    if is_set { 1 + len } else { 0 }
}

/// Bytes of the message `Span` of a row.
pub(crate) fn of_span(columns: &Columns, row: usize) -> u64 {
    fn pick<T: Copy + Default>(column: &[T], row: usize) -> T {
        column.get(row).copied().unwrap_or_default()
    }
    let (spans, len) = (&columns.spans, |t| columns.texts.get(t).len());
    let mut size = field(16) + field(8);
    size += text(len(pick(&spans.trace_state, row)));
    size += if pick(&spans.parent, row).is_zero() { 0 } else { field(8) };
    size += text(len(pick(&spans.name, row)));
    size += uint(i64::from(pick(&spans.kind, row)).cast_unsigned());
    size += fixed(pick(&spans.start, row) != 0, 8) + fixed(pick(&spans.end, row) != 0, 8);
    size += attributes(columns, columns.attrs_of_span(row));
    size += uint(pick(&spans.dropped_attrs, row).into());
    for i in columns.events_of(row) {
        let events = &columns.events;
        size += field(
            fixed(pick(&events.time, i) != 0, 8)
                + text(len(pick(&events.name, i)))
                + attributes(columns, columns.attrs_of_event(i))
                + uint(pick(&events.dropped_attrs, i).into()),
        );
    }
    size += uint(pick(&spans.dropped_events, row).into());
    for i in columns.links_of(row) {
        let links = &columns.links;
        size += field(
            if pick(&links.trace, i).is_zero() { 0 } else { field(16) }
                + if pick(&links.span, i).is_zero() { 0 } else { field(8) }
                + text(len(pick(&links.trace_state, i)))
                + attributes(columns, columns.attrs_of_link(i))
                + uint(pick(&links.dropped_attrs, i).into())
                + fixed(pick(&links.flags, i) != 0, 4),
        );
    }
    size += uint(pick(&spans.dropped_links, row).into());
    let status = text(len(pick(&spans.status_message, row)))
        + uint(i64::from(pick(&spans.status_code, row)).cast_unsigned());
    size += if status == 0 { 0 } else { field(status) };
    // Its tag has two bytes.
    size += fixed(pick(&spans.flags, row) != 0, 5);
    size as u64
}

fn attributes(columns: &Columns, attrs: impl Iterator<Item = Attr>) -> usize {
    let texts = &columns.texts;
    let size = |attr: Attr| {
        // What is set at its default still says which type the value has.
        let value = match attr.value_type {
            ValueType::Empty => 0,
            ValueType::Str | ValueType::Bytes => field(texts.get(attr.text()).len()),
            ValueType::Bool | ValueType::Int => 1 + varint(attr.value),
            ValueType::Double => 1 + 8,
            ValueType::Any => texts.get(attr.text()).len(),
        };
        field(text(texts.get(attr.key).len()) + field(value))
    };
    attrs.map(size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_span::columns::Builder;
    use tributary_span::otlp::decode::{Limits, append_all};
    use tributary_span::otlp::encode;
    use tributary_span::protobuf::put;
    use tributary_testkit::recordings;

    #[test]
    fn sizes_are_those_of_the_bytes_that_would_be_written() {
        let (mut spans, mut seen) = (0usize, 0u64);
        for recording in recordings().unwrap() {
            for request in recording.records.iter().step_by(5) {
                let mut builder = Builder::new();
                append_all(&mut builder, request, &Limits::default()).unwrap();
                let columns = builder.take();
                for row in 0..columns.len() {
                    let mut bytes = Vec::new();
                    encode::span(&mut bytes, &columns, row);
                    let status = columns.spans.status_code[row] != 0
                        || !columns.spans.status_message[row].is_empty();
                    let nothing = if status { 0 } else { 2 };
                    assert_eq!(of_span(&columns, row), (bytes.len() - nothing) as u64);
                    seen += of_span(&columns, row);
                }
                spans += columns.len();
            }
        }
        assert!(spans > 30_000 && seen > 5_000_000, "{spans} spans, {seen} bytes");
    }

    #[test]
    fn varints_are_as_long_as_they_are_written() {
        for shift in 0..64 {
            for n in [1u64 << shift, (1u64 << shift) - 1, u64::MAX] {
                let mut out = Vec::new();
                put::uint(&mut out, 1, n);
                assert_eq!(varint(n), out.len() - 1, "{n}");
            }
        }
    }
}
