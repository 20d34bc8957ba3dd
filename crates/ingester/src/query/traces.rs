//! One trace, wherever its spans are by now, without a gap.
//!
//! A span that was acknowledged is in a segment from then on until a block that holds it is
//! visible, and meanwhile in the memory of the ingester that took it, as long as that lives and has
//! room. So a trace is asked for in this order, in which spans move, and found in one place or the
//! next:
//!
//! 1. memory: this ingester's, then that of the others that live, which answer with the blocks that
//!    only they may know of as well;
//! 2. segments: of this ingester, what had to leave memory; of the others, all segments of the
//!    epochs of those that were not asked or did not answer;
//! 3. blocks, by a list that is no older than what was found gone before.
//!
//! Which epochs, says [`tributary_journal::failure_detector::Others`]: those that the heartbeats of
//! suspects name, and those of living processes that did not answer; of processes that answered
//! none. What no heartbeat names is found by the process that sweeps the store, which reads it for
//! all that ask. A segment that a slot covers is read like any other: its block may not be visible
//! yet, and spans that are found twice are one in the answer. A segment that is not listed, or is
//! gone when it is read, was covered, and its block visible, before: the list of blocks is looked
//! up after that.
//!
//! As long as all others answer, nothing is listed and no segment is read.
//!
//! What was asked in vain stands in the answer: at the start, for as long as the tenant's blocks were
//! not looked up once, too, and for as long as the meta of one of them cannot be read. Two things cannot be known: a process whose first
//! heartbeat is younger than the last round, and an epoch that no heartbeat names before the next
//! sweep.

use super::segments::{FoundInSegments, SegmentReader};
use crate::block::KnownBlocks;
use crate::group::LiveSpans;
use crate::memory::Reading;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::time::Instant;
use tributary_journal::EpochId;
use tributary_query::api::{Found, TimeRange};
use tributary_span::{Columns, TraceId};
use tributary_telemetry::ErrorChain;

/// Where this ingester looks for traces.
pub struct TraceFinder {
    /// Spans in memory.
    pub(crate) live: Arc<LiveSpans>,
    /// Spans in segments alone.
    pub(crate) segments: Arc<SegmentReader>,
    /// Spans in blocks.
    pub(crate) blocks: Arc<KnownBlocks>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct TraceQuery<'w> {
    /// Tenants whose spans count.
    pub tenants: &'w [String],
    /// The trace.
    pub id: TraceId,
    /// When it was.
    pub time: TimeRange,
    /// What counts the bytes that are read of blocks, so that large look-ups wait for each other.
    pub reading: Option<&'w Reading>,
}

impl TraceFinder {
    /// What this ingester holds of a trace in memory.
    pub fn in_memory(&self, tenant: &str, id: &TraceId) -> Option<Columns> {
        self.live.trace(tenant, id)
    }

    /// What the store holds, to be asked after memory: the segments of this ingester whose spans
    /// left memory and those of `epochs`, then the blocks. `moved`:
    /// [`crate::cluster::Membership::moved`].
    pub async fn in_store(
        &self,
        query: TraceQuery<'_>,
        epochs: &BTreeSet<EpochId>,
        moved: Option<Instant>,
        found: &mut Found,
    ) {
        let TraceQuery { tenants, id, time, reading } = query;
        let mut segments = self.live.evicted();
        let fresh = self.blocks.fresh_since();
        let mut since = moved.map_or(fresh, |moved| moved.max(fresh));
        if !epochs.is_empty() {
            let (listed, missing) = self.segments.list(epochs, Instant::now()).await;
            segments.extend(listed);
            found.missing.extend(missing);
            // What was listed no more is in blocks by now.
            since = Instant::now();
        }
        for tenant in tenants {
            let FoundInSegments { parts, inspected_bytes, missing, gone } =
                self.segments.find(&segments, tenant, &id).await;
            found.parts.extend(parts);
            found.inspected_bytes += inspected_bytes;
            found.missing.extend(missing);
            if gone {
                since = Instant::now();
            }
        }
        let deadline = KnownBlocks::patience();
        for tenant in tenants {
            self.look_up(tenant, since, deadline, found).await;
            let in_blocks = self.blocks.find(tenant, &id, time, reading).await;
            found.parts.extend(in_blocks.parts);
            found.inspected_bytes += in_blocks.inspected_bytes;
            for (meta, error) in &in_blocks.failed {
                let block = meta.block_id;
                tracing::warn!(tenant, %block, error = %ErrorChain(error), "a block could not be read");
                found.missing.push(format!("block {block} could not be read: {error}"));
            }
        }
    }

    /// Sees to it that a tenant's blocks were looked up at `since` or later, and says what is not
    /// known of them.
    async fn look_up(&self, tenant: &str, since: Instant, deadline: Instant, found: &mut Found) {
        if let Err(error) = self.blocks.look_up_since(tenant, since, deadline).await {
            let why = ErrorChain(&error);
            found.missing.push(format!("blocks could not be looked up: {why}"));
        }
        found.missing.extend(self.blocks.not_known(tenant));
    }

    /// What only this ingester sees, for another one that asks: its memory, its segments and those
    /// of `unnamed` epochs, and the blocks that it wrote since the others looked last. When a segment
    /// may be gone, all blocks: an adopter may have written the one that has its spans, after it was
    /// asked itself.
    pub(crate) async fn for_peer(
        &self,
        tenant: &str,
        id: &TraceId,
        unnamed: &BTreeSet<EpochId>,
    ) -> Found {
        let mut found = Found::default();
        found.parts.extend(self.in_memory(tenant, id));
        let mut segments = self.live.evicted();
        if !unnamed.is_empty() {
            let (listed, missing) = self.segments.list(unnamed, Instant::now()).await;
            segments.extend(listed);
            found.missing.extend(missing);
        }
        let in_segments = self.segments.find(&segments, tenant, id).await;
        found.parts.extend(in_segments.parts);
        found.missing.extend(in_segments.missing);
        let in_blocks = if in_segments.gone || !unnamed.is_empty() {
            let deadline = KnownBlocks::patience();
            self.look_up(tenant, Instant::now(), deadline, &mut found).await;
            self.blocks.find(tenant, id, TimeRange::ALL, None).await
        } else {
            self.blocks.find_recent(tenant, id).await
        };
        found.parts.extend(in_blocks.parts);
        let failed = in_blocks.failed.iter();
        found
            .missing
            .extend(failed.map(|(meta, error)| {
                format!("block {} could not be read: {error}", meta.block_id)
            }));
        found
    }
}
