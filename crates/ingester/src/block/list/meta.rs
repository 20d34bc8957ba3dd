//! Reading one block's meta.

use tributary_block::BlockMeta;
use tributary_journal::{CompactionWindow, layout};
use tributary_store::{Store, StoreError};
use tributary_telemetry::ErrorChain;
use uuid::Uuid;

/// What became of it.
pub(super) enum Meta {
    /// The block is known.
    Read(Box<BlockMeta>),
    /// There is none: the block is not visible yet.
    Absent,
    /// There is one, and it does not say what the block holds: why.
    Unreadable(String),
}

/// Reads the meta of a block that is listed. That of one that was merged away since then counts,
/// since what it went into need not be among those that were listed.
pub(super) async fn read(store: &Store, tenant: &str, block: &Uuid) -> Meta {
    let is_ours = CompactionWindow::of(tenant, block).is_some();
    for name in [layout::META, layout::META_COMPACTED] {
        let path = layout::block_object(tenant, block, name);
        return match store.get(&path).await {
            Ok(json) => parse(&json, tenant, block),
            Err(StoreError::NotFound { .. }) if is_ours => continue,
            Err(StoreError::NotFound { .. }) => Meta::Absent,
            Err(error) => Meta::Unreadable(error.chain()),
        };
    }
    Meta::Absent
}

fn parse(json: &[u8], tenant: &str, block: &Uuid) -> Meta {
    match BlockMeta::parse(json) {
        Ok(meta) if meta.tenant_id == tenant && meta.block_id == *block => {
            Meta::Read(Box::new(meta))
        }
        Ok(_) => Meta::Unreadable("its meta names another tenant or block".to_owned()),
        Err(error) => Meta::Unreadable(ErrorChain(&error).to_string()),
    }
}
