mod content;
mod epochs;
mod windows;

use super::*;
use crate::id::{Uid, mint_block};
use crate::segment::SegmentInfo;
use crate::slot::BlockEntry;
use bytes::Bytes;
use std::time::Duration;

fn epoch() -> EpochId {
    EpochId::new(1_795_442_400, [1; 12])
}

fn key(k: u32, random: u8) -> BlockKey {
    ("t".to_owned(), mint_block(&epoch(), k, [random; 6]).unwrap())
}

fn entry(k: u32) -> BlockEntry {
    let (tenant, id) = key(k, 1);
    BlockEntry { tenant, id, meta: Bytes::from_static(b"{}"), rows: 90, size: 4096, crc: 5 }
}

fn cover(n: u64) -> SegmentInfo {
    SegmentInfo { n, len: 100 + n, crc: 7, spans: 50 }
}

fn slot(k: u32, covers: &[u64]) -> Slot {
    Slot {
        uid: Uid([2; 16]),
        epoch: epoch(),
        k,
        blocks: vec![entry(k)],
        covers: covers.iter().map(|n| cover(*n)).collect(),
        quarantined: Vec::new(),
        rows_in: 50 * covers.len() as u64,
        duplicates: 0,
        rejected: 0,
        relogged: 0,
        conflicts: 0,
        closed: false,
        adopted: false,
    }
}

fn segment(len: u64) -> SegmentFound {
    SegmentFound { len, modified: SystemTime::UNIX_EPOCH + Duration::from_secs(1000 - len) }
}

const WHOLE: BlockFound = BlockFound { data: Some(4096), meta: true, compacted: false, objects: 3 };
const GONE: BlockFound = BlockFound { data: None, meta: false, compacted: false, objects: 0 };

/// Slots 0 and 1 cover segments 0 to 3, of which 2 and 3 are still there; 4 is uncovered.
fn healthy() -> EpochView {
    EpochView {
        epoch: epoch(),
        owner: Some("ingester-0".to_owned()),
        retired: false,
        slots: BTreeMap::from([(0, Ok(slot(0, &[0, 1]))), (1, Ok(slot(1, &[2, 3])))]),
        segments: BTreeMap::from([2, 3, 4].map(|n| (n, segment(100 + n)))),
        copies: BTreeSet::new(),
        blocks: BTreeMap::from([(key(0, 1), WHOLE), (key(1, 1), WHOLE)]),
        superseded: BTreeSet::new(),
        compacted_tenants: BTreeSet::new(),
    }
}

fn with<T>(change: impl FnOnce(&mut EpochView) -> T) -> EpochView {
    let mut view = healthy();
    change(&mut view);
    view
}

fn slot_of(view: &mut EpochView, k: u32) -> &mut Slot {
    view.slots.get_mut(&k).unwrap().as_mut().unwrap()
}
