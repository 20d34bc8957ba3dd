//! Spans that are in segments alone: durable, in the memory of no ingester that answers, in no
//! block yet.
//!
//! Segments are immutable, so what was learnt of one stays true: of each that was read a filter is
//! kept, the hashes of the traces in it, within a budget of bytes. A page of traces of a dead
//! ingester reads its segments once, and from then on only those that have a trace asked for.
//!
//! A segment that cannot be read is told, never passed over. One that is gone was covered by a
//! block that is visible: the query looks at the blocks after that.

mod filter;
mod listing;

use crate::block::{Undecodable, frames};
use crate::group::{EpochSegments, spans_of_trace};
use crate::metrics::Metrics;
use filter::Filter;
use futures_util::{StreamExt, stream};
use listing::Listings;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tributary_journal::{EpochId, Journal, JournalError, Segment};
use tributary_query::blocks::Lru;
use tributary_span::{Columns, TraceId};
use tributary_telemetry::ErrorChain;

/// Segments of one query that are looked at at a time.
const PARALLEL: usize = 8;
/// Decoded spans take about this many times the bytes that they are decoded from.
const EXPANSION: usize = 16;
/// Frames are decoded one at a time, and few are larger.
const FRAME: usize = 1 << 20;
/// Permits are counted in units of this many bytes.
const UNIT: usize = 1024;
/// An entry of the cache beside its filter.
const ENTRY: usize = 128;

/// Reads traces out of segments.
pub(crate) struct SegmentReader {
    journal: Journal,
    /// Memory for segments that are being read, in units; the segments of all queries share it.
    room: Arc<Semaphore>,
    units: usize,
    filters: Mutex<Lru<(EpochId, u64), Arc<Filter>>>,
    listings: Listings,
    /// Whether decoding happens where it is asked for ([`crate::block::BlockBuilder::inline`]).
    inline: bool,
    metrics: Arc<Metrics>,
}

/// What segments hold of a trace.
#[derive(Debug, Default)]
pub(super) struct FoundInSegments {
    /// The spans, one part a segment that has any.
    pub parts: Vec<Columns>,
    /// Bytes read on the way.
    pub inspected_bytes: u64,
    /// Why the spans may not be all: one message for each segment that could not be read.
    pub missing: Vec<String>,
    /// Whether one was gone, so that its spans are in a block now.
    pub gone: bool,
}

impl SegmentReader {
    /// Reads with `memory` bytes for what is being read, and another quarter of it for what is
    /// remembered.
    pub(crate) fn new(
        journal: Journal,
        memory: usize,
        inline: bool,
        metrics: Arc<Metrics>,
    ) -> Self {
        let units = (memory / UNIT).clamp(PARALLEL, Semaphore::MAX_PERMITS);
        SegmentReader {
            journal,
            room: Arc::new(Semaphore::new(units)),
            units,
            filters: Mutex::new(Lru::new(memory / 4)),
            listings: Listings::default(),
            inline,
            metrics,
        }
    }

    fn filters(&self) -> MutexGuard<'_, Lru<(EpochId, u64), Arc<Filter>>> {
        self.filters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The segments of these epochs by a listing that began at `since` or later; a message for each
    /// epoch that could not be listed.
    pub(super) async fn list(
        &self,
        epochs: &BTreeSet<EpochId>,
        since: Instant,
    ) -> (Vec<EpochSegments>, Vec<String>) {
        self.listings.list(&self.journal, epochs, since).await
    }

    /// What these segments hold of a trace.
    pub(super) async fn find(
        &self,
        segments: &[EpochSegments],
        tenant: &str,
        trace: &TraceId,
    ) -> FoundInSegments {
        let all = segments
            .iter()
            .flat_map(|(epoch, segments)| segments.iter().map(move |&(n, len)| (*epoch, n, len)));
        let reads = all.map(|(epoch, n, len)| async move {
            (epoch, n, self.find_in(&epoch, n, len, tenant, trace).await)
        });
        let reads: Vec<_> = reads.collect();
        let mut answers = stream::iter(reads).buffered(PARALLEL);
        let mut found = FoundInSegments::default();
        while let Some((epoch, n, answer)) = answers.next().await {
            match answer {
                Ok(None) => {}
                Ok(Some((bytes, part))) => {
                    found.inspected_bytes += bytes;
                    found.parts.extend(part);
                }
                Err(NotRead::Journal(JournalError::Store(error))) if error.is_not_found() => {
                    found.gone = true;
                }
                Err(error) => {
                    tracing::warn!(%epoch, n, error = %ErrorChain(&error), "a query could not read a segment");
                    let why = ErrorChain(&error);
                    found
                        .missing
                        .push(format!("segment {n} of epoch {epoch} could not be read: {why}"));
                }
            }
        }
        found
    }

    /// All that these segments hold of a tenant.
    pub(super) async fn read_all(
        &self,
        segments: &[EpochSegments],
        tenant: &str,
    ) -> FoundInSegments {
        let mut found = FoundInSegments::default();
        for (epoch, segments) in segments {
            for &(n, len) in segments {
                match self.read_one(epoch, n, len, tenant).await {
                    Ok(parts) => {
                        found.inspected_bytes += len;
                        found.parts.extend(parts);
                    }
                    Err(NotRead::Journal(JournalError::Store(error))) if error.is_not_found() => {
                        found.gone = true;
                    }
                    Err(error) => {
                        tracing::warn!(%epoch, n, error = %ErrorChain(&error), "a question could not read a segment");
                        let why = ErrorChain(&error);
                        let what = format!("segment {n} of epoch {epoch} could not be read: {why}");
                        found.missing.push(what);
                    }
                }
            }
        }
        found
    }

    async fn read_one(
        &self,
        epoch: &EpochId,
        n: u64,
        len: u64,
        tenant: &str,
    ) -> Result<Vec<Columns>, NotRead> {
        let permits = u32::try_from(units(len, self.units)).unwrap_or(u32::MAX);
        let Ok(_room) = self.room.acquire_many(permits).await else {
            unreachable!("the semaphore is never closed")
        };
        let segment = self.journal.get_segment(epoch, n).await?;
        self.metrics.segments_queried.inc();
        let mut parts = Vec::new();
        for (owner, frame) in frames(&segment) {
            let columns = frame?;
            if owner == tenant {
                parts.push(columns);
            }
        }
        Ok(parts)
    }

    /// What one segment holds of a trace, and the bytes that were read for it; `None` when it is
    /// known to hold nothing.
    async fn find_in(
        &self,
        epoch: &EpochId,
        n: u64,
        len: u64,
        tenant: &str,
        trace: &TraceId,
    ) -> Result<Option<(u64, Option<Columns>)>, NotRead> {
        let key = (*epoch, n);
        let rules_out = || {
            let filter = self.filters().get(&key);
            filter.is_some_and(|filter| !filter.may_contain(tenant, trace))
        };
        if rules_out() {
            return Ok(None);
        }
        let permits = u32::try_from(units(len, self.units)).unwrap_or(u32::MAX);
        let Ok(_room) = self.room.acquire_many(permits).await else {
            unreachable!("the semaphore is never closed")
        };
        // Another query may have read it meanwhile.
        if rules_out() {
            return Ok(None);
        }
        let segment = self.journal.get_segment(epoch, n).await?;
        self.metrics.segments_queried.inc();
        let (filter, part) = if self.inline {
            extract(&segment, tenant, trace)?
        } else {
            let (tenant, trace) = (tenant.to_owned(), *trace);
            tokio::task::spawn_blocking(move || extract(&segment, &tenant, &trace)).await??
        };
        let bytes = filter.bytes() + ENTRY;
        self.filters().insert(key, Arc::new(filter), bytes);
        Ok(Some((len, part)))
    }
}

/// Why a segment was not read.
#[derive(Debug, thiserror::Error)]
enum NotRead {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Undecodable(#[from] Undecodable),
    #[error("reading it panicked")]
    Panicked(#[from] tokio::task::JoinError),
}

/// Memory to take for reading a segment of `len` bytes, of `all` that there is: the segment, and a
/// frame of it decoded. At most [`PARALLEL`] at a time, so that queries for many traces of the same
/// segments seldom read one twice.
fn units(len: u64, all: usize) -> usize {
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let bytes = len.saturating_add(len.min(FRAME) * EXPANSION);
    bytes.div_ceil(UNIT).clamp(all / PARALLEL, all)
}

/// The filter of a segment, and what it holds of one trace.
fn extract(
    segment: &Segment,
    tenant: &str,
    trace: &TraceId,
) -> Result<(Filter, Option<Columns>), NotRead> {
    let (mut filter, mut parts) = (Filter::default(), Vec::new());
    for (owner, frame) in frames(segment) {
        let columns = frame?;
        filter.add(owner, &columns.traces);
        if owner == tenant {
            parts.extend(spans_of_trace([&columns], trace));
        }
    }
    Ok((filter.finish(), spans_of_trace(&parts, trace)))
}

#[cfg(test)]
mod tests;
