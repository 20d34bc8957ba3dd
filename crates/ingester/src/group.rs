//! Spans in memory: durable, not yet in a block.
//!
//! A generation is the spans of an exact set of segments of one epoch; which set, and which slot
//! commits it, is the journal core's affair ([`tributary_journal::WriterEpoch`]), and the spans go
//! along with it under one lock. The active generation grows by whole segments; frozen ones are
//! being written as blocks and stay readable until their blocks are. Spans of a trace are found by
//! a walk over the batches' lists of trace ids: a batch has few traces, and the few thousand
//! batches of a generation are walked in less time than keeping an index would cost on the way in.
//!
//! When memory runs short, what waits for its commit leaves it (`evict`): its segments are in the
//! store, from which queries read it, and from which it is rebuilt when its turn comes.

mod evict;
mod evictor;
mod live;

pub(crate) use evictor::Evictor;
use live::MadeRoom;
pub(crate) use live::{CommitJob, EpochSegments, ROLL_AFTER, spans_of_trace};
pub use live::{LiveSpans, LiveTotals};

use crate::memory::Permit;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tributary_journal::SegmentInfo;
use tributary_span::{Columns, TraceId};

/// One frame's spans, durable.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Tenant of all its spans.
    pub tenant: Arc<str>,
    /// The spans.
    pub columns: Arc<Columns>,
    /// Their share of the memory budget; none when they were rebuilt before anything is received,
    /// which the size of a piece bounds instead.
    pub permit: Option<Permit>,
}

/// The spans of an exact set of segments.
#[derive(Debug, Default)]
pub(crate) struct Generation {
    /// Batches by tenant.
    pub tenants: BTreeMap<Arc<str>, Vec<Arc<Columns>>>,
    /// Memory of the columns, as the budget counts it: it counts small frames for more than their
    /// columns.
    pub bytes: usize,
    /// Number of spans, as received.
    pub spans: u64,
    /// When the first segment was added.
    pub since: Option<Instant>,
    /// The segments, by number.
    pub segments: BTreeMap<u64, SegmentInfo>,
    /// Whether the spans have left memory: they are in the segments alone.
    pub evicted: bool,
    permits: Vec<Permit>,
}

impl Generation {
    /// Adds the batches of one durable segment.
    pub(crate) fn add(&mut self, segment: SegmentInfo, batches: Vec<Batch>, now: Instant) {
        self.since.get_or_insert(now);
        self.segments.insert(segment.n, segment);
        for batch in batches {
            let held = batch.permit.as_ref().map_or(0, Permit::bytes);
            self.bytes += batch.columns.bytes().max(held);
            self.spans += batch.columns.len() as u64;
            self.permits.extend(batch.permit);
            self.tenants.entry(batch.tenant).or_default().push(batch.columns);
        }
    }

    /// These segments of a generation, without their spans.
    fn evicted(segments: BTreeMap<u64, SegmentInfo>, since: Option<Instant>) -> Self {
        let spans = segments.values().map(|segment| segment.spans).sum();
        Generation { spans, since, segments, evicted: true, ..Generation::default() }
    }

    /// How many of its spans take so many bytes, as the budget counts them.
    fn spans_in(&self, bytes: usize) -> u64 {
        let spans = u128::from(self.spans) * bytes as u128 / self.bytes.max(1) as u128;
        u64::try_from(spans).unwrap_or(u64::MAX)
    }

    fn find(&self, tenant: &str, trace: &TraceId, found: &mut Vec<Arc<Columns>>) {
        let batches = self.tenants.get(tenant).map(Vec::as_slice).unwrap_or_default();
        found.extend(batches.iter().filter(|b| b.traces.contains(trace)).cloned());
    }
}

/// When a generation is frozen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FreezeAt {
    /// Age of its first segment.
    pub age: Duration,
    /// Memory of its columns, as the budget counts it.
    pub bytes: usize,
}

/// Whether the active generation is due.
pub(crate) fn is_due(active: &Generation, at: FreezeAt, now: Instant) -> bool {
    active.bytes >= at.bytes
        || active.since.is_some_and(|since| now.saturating_duration_since(since) >= at.age)
}
