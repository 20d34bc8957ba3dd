//! Traces out of their parts, many at a time.
//!
//! The spans of a trace may lie in the memory of several ingesters and in several blocks, and a
//! span that was sent again may lie in more than one of them. Tempo's rule for what is the same
//! span holds: equal span id and equal kind. (The kind counts because Zipkin's two sides of one
//! call share a span id.)

use std::ops::Range;
use tributary_span::columns::{Builder, Translation};
use tributary_span::{Columns, TraceId};

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

/// Spans of one trace that stand together.
struct Run {
    trace: TraceId,
    part: usize,
    rows: Range<usize>,
}

/// A span of a trace, and where it stands.
struct Candidate {
    /// Its id as a number, which is compared faster and sorts alike.
    id: u64,
    kind: i32,
    start: u64,
    part: usize,
    row: usize,
}

/// The runs of a part's spans whose traces are wanted.
fn runs(part: usize, columns: &Columns, wanted: impl FnMut(&TraceId) -> bool, to: &mut Vec<Run>) {
    let which: Vec<bool> = columns.traces.iter().map(wanted).collect();
    if !which.contains(&true) {
        return;
    }
    let mut row = 0;
    for some in columns.spans.trace.chunk_by(|a, b| a == b) {
        let rows = row..row + some.len();
        row = rows.end;
        if some.first().and_then(|trace| which.get(*trace as usize)) == Some(&true) {
            to.push(Run { trace: columns.trace_of(rows.start), part, rows });
        }
    }
}

/// Joins what `parts` hold of the traces that are `wanted`. Of spans with the same id and kind the
/// first counts, whatever the others say.
pub fn join<'c>(
    parts: impl IntoIterator<Item = &'c Columns>,
    mut wanted: impl FnMut(&TraceId) -> bool,
) -> Joined {
    let parts: Vec<&Columns> = parts.into_iter().collect();
    let mut all: Vec<Run> = Vec::new();
    for (part, columns) in parts.iter().enumerate() {
        runs(part, columns, &mut wanted, &mut all);
    }
    // Parts of a trace are few and mostly in order: spans are sorted trace by trace.
    all.sort_by_key(|run| (run.trace, run.part));

    let mut known = vec![Translation::default(); parts.len()];
    let (mut spans, mut duplicates) = (Builder::new(), 0);
    let mut found: Vec<Candidate> = Vec::new();
    for of_trace in all.chunk_by(|a, b| a.trace == b.trace) {
        found.clear();
        for run in of_trace {
            let Some(columns) = parts.get(run.part) else { continue };
            let of = &columns.spans;
            let fields = of.id.iter().zip(&of.kind).zip(&of.start).enumerate();
            let fields = fields.skip(run.rows.start).take(run.rows.len());
            found.extend(fields.map(|(row, ((id, &kind), &start))| Candidate {
                id: u64::from_be_bytes(id.0),
                kind,
                start,
                part: run.part,
                row,
            }));
        }
        let with_duplicates = found.len();
        found.sort_unstable_by_key(|c| (c.id, c.kind, c.part, c.row));
        found.dedup_by_key(|c| (c.id, c.kind));
        duplicates += (with_duplicates - found.len()) as u64;
        found.sort_unstable_by_key(|c| (c.start, c.id, c.kind));
        for candidate in &found {
            if let (Some(from), Some(known)) =
                (parts.get(candidate.part), known.get_mut(candidate.part))
            {
                spans.copy_span(from, candidate.row, known);
            }
        }
    }
    Joined { spans: spans.take(), duplicates }
}
