//! The blocks that a question must look at.

use super::jobs::{Failed, Job};
use super::live::Live;
use super::{Asker, NotAnswered};
use crate::block::KnownBlocks;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::time::Instant;
use tributary_query::api::TimeRange;
use tributary_telemetry::ErrorChain;
use uuid::Uuid;

/// Row groups of all blocks of the time, the newest first, and what they are in all.
#[derive(Default)]
pub(super) struct Stored {
    pub(super) jobs: Vec<Job>,
    pub(super) blocks: u64,
    pub(super) bytes: u64,
}

impl Asker {
    /// The blocks of a tenant that may have spans of the time.
    pub(super) async fn stored(
        &self,
        tenant: &str,
        time: TimeRange,
        live: &mut Live,
    ) -> Result<Stored, NotAnswered> {
        let mut since = live.since.unwrap_or_else(Instant::now);
        // Twice: a block that was deleted meanwhile is found merged into another one.
        for _ in 0..2 {
            let deadline = KnownBlocks::patience();
            let blocks = &self.traces.blocks;
            if let Err(error) = blocks.look_up_since(tenant, since, deadline).await {
                let why = ErrorChain(&error);
                live.missing.push(format!("blocks could not be looked up: {why}"));
            }
            live.missing.extend(blocks.not_known(tenant));
            let mut metas: BTreeMap<Uuid, _> = blocks
                .candidates(tenant, time)
                .into_iter()
                .map(|meta| (meta.block_id, meta))
                .collect();
            let told = live.recent.iter().filter(|meta| meta.tenant_id == tenant);
            for meta in told.filter(|meta| !blocks.is_replaced(tenant, &meta.block_id)) {
                metas.entry(meta.block_id).or_insert_with(|| Arc::new(meta.clone()));
            }
            let mut metas: Vec<_> = metas.into_values().collect();
            metas.sort_by_key(|meta| std::cmp::Reverse((meta.end_time, meta.block_id)));
            let mut stored = Stored {
                blocks: metas.len() as u64,
                bytes: metas.iter().map(|meta| meta.size).sum(),
                ..Stored::default()
            };
            let (jobs, failed) = self.row_groups(blocks, metas).await;
            stored.jobs = jobs;
            let is_gone = failed.iter().any(|failed| matches!(failed, Failed::IsGone));
            if is_gone {
                since = Instant::now();
                continue;
            }
            for failed in failed {
                match failed {
                    Failed::Unreadable(why) => live.missing.push(why),
                    Failed::Refused(why) => return Err(why),
                    Failed::IsGone => {}
                }
            }
            return Ok(stored);
        }
        live.missing.push("blocks were deleted while they were looked up".to_owned());
        Ok(Stored::default())
    }
}
