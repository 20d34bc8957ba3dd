//! The blocks that a question must look at.

use super::Asker;
use super::live::Live;
use crate::block::KnownBlocks;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::time::Instant;
use tributary_block::BlockMeta;
use tributary_query::Cost;
use tributary_query::api::TimeRange;
use tributary_telemetry::ErrorChain;
use uuid::Uuid;

/// The blocks of a tenant that may have spans of the time, the newest first.
#[derive(Default)]
pub(super) struct Stored {
    pub(super) blocks: Vec<Arc<BlockMeta>>,
}

impl Stored {
    /// What they are in all.
    pub(super) fn cost(&self) -> Cost {
        let blocks = self.blocks.len() as u64;
        Cost {
            blocks,
            block_bytes: self.blocks.iter().map(|meta| meta.size).sum(),
            jobs: blocks,
            ..Cost::default()
        }
    }

    /// Those whose time is within `near` ns of a stretch.
    pub(super) fn near(
        &self,
        (start, end): (u64, u64),
        near: u64,
    ) -> impl Iterator<Item = &Arc<BlockMeta>> {
        self.blocks
            .iter()
            .filter(move |meta| meta.overlaps(start.saturating_sub(near), end.saturating_add(near)))
    }
}

impl Asker {
    /// Finds them. What is not known of them is missing.
    pub(super) async fn stored(&self, tenant: &str, time: TimeRange, live: &mut Live) -> Stored {
        let since = live.since.unwrap_or_else(Instant::now);
        let deadline = KnownBlocks::patience();
        let blocks = &self.traces.blocks;
        if let Err(error) = blocks.look_up_since(tenant, since, deadline).await {
            let why = ErrorChain(&error);
            live.missing.push(format!("blocks could not be looked up: {why}"));
        }
        live.missing.extend(blocks.not_known(tenant));
        let known = blocks.candidates(tenant, time);
        let mut metas: BTreeMap<Uuid, Arc<BlockMeta>> =
            known.into_iter().map(|meta| (meta.block_id, meta)).collect();
        for meta in live.recent.iter().filter(|meta| meta.tenant_id == tenant) {
            if !blocks.is_replaced(tenant, &meta.block_id) {
                metas.entry(meta.block_id).or_insert_with(|| Arc::new(meta.clone()));
            }
        }
        let mut blocks: Vec<_> = metas.into_values().collect();
        blocks.sort_by_key(|meta| std::cmp::Reverse((meta.extent().1, meta.block_id)));
        Stored { blocks }
    }
}
