//! One trace out of its parts.
//!
//! See [`crate::join()`], which does the same for many.

use crate::join;
use tributary_span::{Columns, TraceId};

/// A trace made of all its parts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Combined {
    /// The trace's spans, each once, ordered by start, then span id, then kind.
    pub trace: Columns,
    /// Spans left out because one with the same id and kind stood in an earlier part, or earlier
    /// in the same one.
    pub duplicates: u64,
}

/// Merges what `parts` hold of trace `id`. Spans of other traces in them are passed over. Of
/// spans with the same id and kind the first counts, whatever the others say.
pub fn combine<'c>(id: TraceId, parts: impl IntoIterator<Item = &'c Columns>) -> Combined {
    let joined = join(parts, |trace| *trace == id);
    Combined { trace: joined.spans, duplicates: joined.duplicates }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use tributary_span::SpanId;
    use tributary_span::columns::{Builder, SpanFields};

    const TRACE: TraceId = TraceId([7; 16]);

    /// A part with spans of (id, kind, start, name).
    fn part(trace: TraceId, service: &str, spans: &[(u8, i32, u64, &str)]) -> Columns {
        let mut b = Builder::new();
        let key = b.text(b"service.name");
        let value = u64::from(b.text(service.as_bytes()).0);
        let value_type = tributary_span::columns::ValueType::Str;
        b.resource_attr(tributary_span::columns::Attr { key, value_type, value });
        let resource = b.end_resource(0, Default::default(), Default::default());
        let scope = b.end_scope(Default::default(), Default::default(), 0, Default::default());
        for &(id, kind, start, name) in spans {
            let name = b.text(name.as_bytes());
            let id = SpanId([id; 8]);
            b.end_span(SpanFields {
                trace,
                resource,
                scope,
                id,
                kind,
                start,
                name,
                ..Default::default()
            });
        }
        b.take()
    }

    fn names(c: &Columns) -> Vec<&str> {
        c.spans.name.iter().map(|&n| c.texts.str(n)).collect()
    }

    #[test]
    fn parts_become_one_trace_ordered_by_start() {
        let memory = part(TRACE, "a", &[(3, 1, 30, "late"), (1, 1, 10, "root")]);
        let block = part(TRACE, "b", &[(2, 1, 20, "middle")]);
        let got = combine(TRACE, [&memory, &block]);
        assert_eq!(names(&got.trace), ["root", "middle", "late"]);
        assert_eq!(got.duplicates, 0);
        assert_eq!(got.trace.check(), Ok(()));
        assert_eq!(got.trace.resources.attrs_end.len(), 2);
    }

    #[test]
    fn the_first_of_equal_id_and_kind_counts() {
        let first = part(TRACE, "a", &[(1, 2, 10, "server"), (1, 3, 5, "client")]);
        let second = part(TRACE, "a", &[(1, 2, 1, "server again"), (2, 2, 20, "other")]);
        let got = combine(TRACE, [&first, &second, &first]);
        assert_eq!(names(&got.trace), ["client", "server", "other"]);
        assert_eq!(got.duplicates, 3);
        assert_eq!(got.trace.resources.attrs_end.len(), 1, "equal resources are one");
    }

    #[test]
    fn other_traces_and_empty_parts_are_passed_over() {
        let other = part(TraceId([8; 16]), "a", &[(1, 1, 1, "other")]);
        let empty = Columns::default();
        assert_eq!(combine(TRACE, [&other, &empty]), Combined::default());
        assert_eq!(combine(TRACE, []), Combined::default());
    }

    proptest! {
        #[test]
        fn each_id_and_kind_is_there_once(
            parts in proptest::collection::vec(
                proptest::collection::vec((1u8..6, 0i32..3, 0u64..5), 0..8), 0..4)
        ) {
            let given: BTreeSet<_> = parts.iter().flatten().map(|&(id, kind, _)| (id, kind)).collect();
            let total: usize = parts.iter().map(Vec::len).sum();
            let columns: Vec<_> = parts
                .iter()
                .map(|spans| {
                    let spans: Vec<_> = spans.iter().map(|&(i, k, s)| (i, k, s, "n")).collect();
                    part(TRACE, "s", &spans)
                })
                .collect();
            let got = combine(TRACE, &columns);
            let spans = &got.trace.spans;
            let seen: BTreeSet<_> = spans.id.iter().zip(&spans.kind).map(|(i, &k)| (i.0[0], k)).collect();
            prop_assert_eq!(&seen, &given);
            prop_assert_eq!(spans.id.len(), given.len());
            prop_assert_eq!(got.duplicates as usize, total - given.len());
            prop_assert!(spans.start.is_sorted());
            prop_assert_eq!(got.trace.check(), Ok(()));
        }
    }
}
