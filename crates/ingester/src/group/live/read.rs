//! Spans in memory as queries and metrics see them.

use super::LiveSpans;
use std::sync::Arc;
use tokio::time::Instant;
use tributary_span::columns::{Builder, Translation};
use tributary_span::{Columns, TraceId};

/// What is in memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct LiveTotals {
    /// Generations that have segments.
    pub generations: usize,
    /// Their spans, as received.
    pub spans: u64,
    /// Memory of those that are not evicted, bytes.
    pub bytes: usize,
    /// Durable segments that no slot covers.
    pub uncovered: usize,
}

impl LiveSpans {
    /// Batches that have spans of a trace.
    pub fn find(&self, tenant: &str, trace: &TraceId) -> Vec<Arc<Columns>> {
        let inner = self.lock();
        let mut found = Vec::new();
        inner.all().for_each(|g| g.find(tenant, trace, &mut found));
        found
    }

    /// All batches of a tenant.
    pub fn batches(&self, tenant: &str) -> Vec<Arc<Columns>> {
        let inner = self.lock();
        inner.all().filter_map(|g| g.tenants.get(tenant)).flatten().cloned().collect()
    }

    /// The spans of a trace in memory, if there are any.
    pub(crate) fn trace(&self, tenant: &str, trace: &TraceId) -> Option<Columns> {
        spans_of_trace(self.find(tenant, trace).iter().map(Arc::as_ref), trace)
    }

    /// When the oldest spans in memory became durable.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.lock().all().filter_map(|generation| generation.since).min()
    }

    /// How much is in memory, and how many segments wait for a slot.
    pub fn totals(&self) -> LiveTotals {
        let inner = self.lock();
        let mut totals = LiveTotals::default();
        for generation in inner.all().filter(|generation| generation.since.is_some()) {
            totals.generations += 1;
            totals.spans += generation.spans;
            totals.bytes += generation.bytes;
        }
        totals.uncovered = inner.writers.iter().map(|writer| writer.core.uncovered()).sum();
        totals
    }
}

/// The spans of a trace in these batches, if there are any.
pub(crate) fn spans_of_trace<'c>(
    batches: impl IntoIterator<Item = &'c Columns>,
    trace: &TraceId,
) -> Option<Columns> {
    let mut spans = Builder::new();
    for columns in batches {
        let mut known = Translation::default();
        (0..columns.len())
            .filter(|&row| columns.trace_of(row) == *trace)
            .for_each(|row| spans.copy_span(columns, row, &mut known));
    }
    (!spans.is_empty()).then(|| spans.take())
}
