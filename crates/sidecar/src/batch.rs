//! When open columns become a frame, and how large ones are cut.

use std::time::Duration;
use tokio::time::Instant;
use tributary_span::Columns;
use tributary_span::columns::{Builder, Translation};

/// When open columns become a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// This long after their first span came.
    pub age: Duration,
    /// As soon as they hold so many bytes.
    pub bytes: usize,
}

/// What to do with open columns now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// There is nothing in them.
    Nothing,
    /// Wait, but not beyond this.
    At(Instant),
    /// Make a frame of them.
    Now,
}

impl BatchLimits {
    /// What to do with columns of `bytes` bytes whose first span came at `opened`. When the end
    /// is near (`closing`) nothing waits for company.
    pub(crate) fn cut(
        &self,
        bytes: usize,
        opened: Option<Instant>,
        now: Instant,
        closing: bool,
    ) -> Cut {
        match opened {
            None => Cut::Nothing,
            Some(opened) if closing || bytes >= self.bytes || now >= opened + self.age => Cut::Now,
            Some(opened) => Cut::At(opened + self.age),
        }
    }
}

/// Hands `columns` on in parts of about `most` bytes: whole when they are not much larger. A
/// single request may be hundreds of times the size of a batch, and a frame must fit into what an
/// ingester takes in one message. A part holds one span at least.
pub(crate) fn in_parts(columns: &Columns, most: usize, mut part: impl FnMut(&Columns)) {
    if columns.bytes() <= most.saturating_mul(2) {
        return part(columns);
    }
    let mut builder = Builder::new();
    let mut known = Translation::default();
    for row in 0..columns.len() {
        builder.copy_span(columns, row, &mut known);
        if builder.columns().bytes() >= most {
            part(builder.columns());
            builder.clear();
            known = Translation::default();
        }
    }
    if !builder.is_empty() {
        part(builder.columns());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_span::columns::SpanFields;
    use tributary_span::{SpanId, TraceId};

    #[test]
    fn cuts() {
        let limits = BatchLimits { age: Duration::from_millis(200), bytes: 1000 };
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let table = [
            (0, None, at(0), false, Cut::Nothing),
            (0, None, at(0), true, Cut::Nothing),
            (1, Some(at(0)), at(0), false, Cut::At(at(200))),
            (999, Some(at(50)), at(199), false, Cut::At(at(250))),
            (1, Some(at(0)), at(200), false, Cut::Now),
            (1, Some(at(0)), at(999), false, Cut::Now),
            (1000, Some(at(0)), at(0), false, Cut::Now),
            (1, Some(at(0)), at(0), true, Cut::Now),
        ];
        for (bytes, opened, now, closing, expected) in table {
            let cut = limits.cut(bytes, opened, now, closing);
            assert_eq!(cut, expected, "{bytes} bytes since {opened:?} at {now:?}, {closing}");
        }
    }

    fn columns(spans: u8, name: usize) -> Columns {
        let mut b = Builder::new();
        for i in 1..=spans {
            let resource = b.end_resource(0, Default::default(), Default::default());
            let scope = b.end_scope(Default::default(), Default::default(), 0, Default::default());
            let name = b.text(&vec![i; name]);
            b.end_span(SpanFields {
                trace: TraceId([i; 16]),
                id: SpanId([i; 8]),
                resource,
                scope,
                name,
                ..SpanFields::default()
            });
        }
        b.take()
    }

    #[test]
    fn parts_hold_all_spans_in_order() {
        let whole = columns(100, 200);
        for (most, parts) in [(usize::MAX, 1), (whole.bytes(), 1), (whole.bytes() / 4, 4), (1, 100)]
        {
            let mut ids = Vec::new();
            let mut count = 0;
            in_parts(&whole, most, |part| {
                assert_eq!(part.check(), Ok(()));
                ids.extend_from_slice(&part.spans.id);
                count += 1;
            });
            assert_eq!(ids, whole.spans.id, "{most}");
            assert!((parts..=parts + 1).contains(&count), "{most}: {count} parts");
        }
    }
}
