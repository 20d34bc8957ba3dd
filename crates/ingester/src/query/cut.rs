//! Traces that are larger than their tenant's limits, or the memory for them, let them be shown.
//!
//! They are cut here and nowhere before: a span that was acknowledged is stored whatever trace it is
//! of, and another limit, or a query over all spans, brings the rest to light.

use tributary_query::api::Found;
use tributary_query::join;
use tributary_span::columns::{Builder, Translation};

/// Leaves the first `most` spans of a trace, by their start, and says so, and `why`. Whether any were
/// left out.
pub(super) fn cut(found: &mut Found, most: usize, why: &str) -> bool {
    if found.parts.iter().map(|part| part.len()).sum::<usize>() <= most {
        return false;
    }
    // Of spans that are in several parts the first one's counts, as in the answer.
    let whole = join(&found.parts, |_| true).spans;
    let all = whole.len();
    if all <= most {
        found.parts = vec![whole];
        return false;
    }
    let (mut first, mut known) = (Builder::new(), Translation::default());
    (0..most).for_each(|row| first.copy_span(&whole, row, &mut known));
    found.parts = vec![first.take()];
    found
        .missing
        .push(format!("the trace has {all} spans, of which {why} lets the first {most} be shown"));
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_span::columns::{SpanFields, Text};
    use tributary_span::{Columns, SpanId, TraceId};

    /// Spans of one trace, each with the number of its start as its id.
    fn spans(starts: &[u64]) -> Columns {
        let mut b = Builder::new();
        let resource = b.end_resource(0, Text::EMPTY, Text::EMPTY);
        let scope = b.end_scope(Text::EMPTY, Text::EMPTY, 0, Text::EMPTY);
        for start in starts {
            let (trace, id) = (TraceId([1; 16]), SpanId(start.to_be_bytes()));
            b.end_span(SpanFields {
                trace,
                resource,
                scope,
                id,
                start: *start,
                ..SpanFields::default()
            });
        }
        b.take()
    }

    #[test]
    fn the_first_spans_are_left() {
        // Parts, how many may be shown, and what is, if that is not all.
        type Row = (&'static [&'static [u64]], usize, Option<&'static [u64]>);
        let table: [Row; 6] = [
            (&[], 1, None),
            (&[&[3, 1, 2]], 3, None),
            (&[&[3, 1, 2]], 2, Some(&[1, 2])),
            (&[&[3, 1], &[2, 4]], 3, Some(&[1, 2, 3])),
            // What is there twice counts once.
            (&[&[3, 1], &[1, 3]], 2, None),
            (&[&[3, 1], &[1, 3]], 1, Some(&[1])),
        ];
        for (parts, most, expected) in table {
            let parts = parts.iter().map(|starts| spans(starts)).collect();
            let mut found = Found { parts, ..Found::default() };
            assert_eq!(
                cut(&mut found, most, "a limit"),
                expected.is_some(),
                "{parts:?} {most}",
                parts = found.parts.len()
            );
            assert_eq!(found.missing.len(), usize::from(expected.is_some()));
            if let Some(expected) = expected {
                assert_eq!(found.parts.len(), 1);
                assert_eq!(found.parts[0].spans.start, expected);
            }
        }
    }
}
