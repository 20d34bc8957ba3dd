//! Which spans of which batches make which trace: the rows of the block, in order.

use tributary_span::{Columns, TraceId};

/// A span in the batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) batch: u32,
    pub(super) row: u32,
}

/// All traces, ascending by id, each with its spans in order of arrival.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) traces: Vec<TraceId>,
    /// End of each trace's spans in `spans`.
    pub(super) ends: Vec<u32>,
    pub(super) spans: Vec<At>,
}

impl Plan {
    /// Groups the spans of all batches.
    pub(super) fn new(batches: &[&Columns]) -> Self {
        // A counting sort by trace inside each batch, then a sort of (trace, batch): far fewer of
        // those than spans.
        let mut groups = Vec::with_capacity(batches.iter().map(|b| b.traces.len()).sum());
        let mut sorted = Vec::with_capacity(batches.len());
        for (number, batch) in (0u32..).zip(batches) {
            let (rows, ends) = by_trace(batch);
            groups.extend(batch.traces.iter().zip(0u32..).map(|(&id, trace)| (id, number, trace)));
            sorted.push((rows, ends));
        }
        groups.sort_unstable();
        let mut plan = Plan::default();
        plan.spans.reserve(batches.iter().map(|b| b.len()).sum());
        for (id, batch, trace) in groups {
            let Some((rows, ends)) = sorted.get(batch as usize) else { continue };
            let range = tributary_span::columns::owned(ends, trace as usize);
            let rows = rows.get(range).unwrap_or_default();
            if rows.is_empty() {
                continue;
            }
            plan.spans.extend(rows.iter().map(|&row| At { batch, row }));
            let end = u32::try_from(plan.spans.len()).unwrap_or(u32::MAX);
            match plan.ends.last_mut() {
                Some(last) if plan.traces.last() == Some(&id) => *last = end,
                _ => {
                    plan.traces.push(id);
                    plan.ends.push(end);
                }
            }
        }
        plan
    }

    /// The spans of trace `n`.
    pub(super) fn spans_of(&self, n: usize) -> &[At] {
        self.spans.get(tributary_span::columns::owned(&self.ends, n)).unwrap_or_default()
    }
}

/// Rows of a batch in order of their traces, and where each trace's end.
fn by_trace(batch: &Columns) -> (Vec<u32>, Vec<u32>) {
    let mut ends = vec![0u32; batch.traces.len()];
    for &trace in &batch.spans.trace {
        if let Some(count) = ends.get_mut(trace as usize) {
            *count += 1;
        }
    }
    let mut sum = 0;
    let mut starts: Vec<u32> = ends
        .iter_mut()
        .map(|count| {
            let start = sum;
            sum += *count;
            *count = sum;
            start
        })
        .collect();
    let mut rows = vec![0u32; sum as usize];
    for (&trace, row) in batch.spans.trace.iter().zip(0u32..) {
        if let Some(start) = starts.get_mut(trace as usize) {
            if let Some(slot) = rows.get_mut(*start as usize) {
                *slot = row;
            }
            *start += 1;
        }
    }
    (rows, ends)
}
