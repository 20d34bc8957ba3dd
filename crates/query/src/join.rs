//! Traces out of their parts, many at a time.
//!
//! The spans of a trace may lie in the memory of several ingesters and in several blocks, and a
//! span that was sent again may lie in more than one of them. Tempo's rule for what is the same
//! span holds: equal span id and equal kind. (The kind counts because Zipkin's two sides of one
//! call share a span id.)

use tributary_span::columns::{Builder, Translation};
use tributary_span::{Columns, SpanId, TraceId};

/// Traces made of all their parts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Joined {
    /// Their spans, each once: those of a trace together, ordered by start, then span id, then kind.
    /// Traces rise by id.
    pub spans: Columns,
    /// Spans left out because one with the same id and kind stood in an earlier part, or earlier
    /// in the same one.
    pub duplicates: u64,
}

/// A span, and where it stands.
struct Candidate {
    trace: TraceId,
    id: SpanId,
    kind: i32,
    start: u64,
    part: usize,
    row: usize,
}

/// Joins what `parts` hold of the traces that are `wanted`. Of spans with the same id and kind the
/// first counts, whatever the others say.
pub fn join<'c>(
    parts: impl IntoIterator<Item = &'c Columns>,
    mut wanted: impl FnMut(&TraceId) -> bool,
) -> Joined {
    let parts: Vec<&Columns> = parts.into_iter().collect();
    let mut found: Vec<Candidate> = Vec::new();
    for (part, columns) in parts.iter().enumerate() {
        let which: Vec<bool> = columns.traces.iter().map(&mut wanted).collect();
        if !which.contains(&true) {
            continue;
        }
        let spans = &columns.spans;
        let fields = spans.id.iter().zip(&spans.kind).zip(&spans.start).zip(&spans.trace);
        for (row, (((&id, &kind), &start), &trace)) in fields.enumerate() {
            if which.get(trace as usize) == Some(&true) {
                let trace = columns.trace_of(row);
                found.push(Candidate { trace, id, kind, start, part, row });
            }
        }
    }
    let all = found.len();
    found.sort_unstable_by_key(|c| (c.trace, c.id, c.kind, c.part, c.row));
    found.dedup_by_key(|c| (c.trace, c.id, c.kind));
    found.sort_unstable_by_key(|c| (c.trace, c.start, c.id, c.kind));

    let mut known = vec![Translation::default(); parts.len()];
    let mut spans = Builder::new();
    for candidate in &found {
        if let (Some(from), Some(known)) =
            (parts.get(candidate.part), known.get_mut(candidate.part))
        {
            spans.copy_span(from, candidate.row, known);
        }
    }
    Joined { spans: spans.take(), duplicates: (all - found.len()) as u64 }
}
