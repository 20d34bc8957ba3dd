//! What listings and slots alone prove to be wrong.

use super::summary::keys;
use super::{BlockFound, BlockKey, EpochView, Finding, Rule, folder, object};
use crate::collect::is_below;
use crate::id::block_origin;
use crate::layout;
use crate::segment::SegmentInfo;
use crate::slot::{BlockEntry, Slot, SlotError};
use std::collections::{BTreeMap, BTreeSet};

const RESTORE: &str = "restore the object from a version or a backup of the bucket; until then \
                       leave this epoch alone, its segments are live data";
const NEWER: &str = "audit with the release that wrote it";
const RESTORE_BLOCK: &str = "restore the block from a version or a backup of the bucket; its \
                             segments are gone";
const KEEP_SEGMENTS: &str = "keep the segments of this slot: they hold the spans of the block; \
                             stop collecting until the block is restored from them";
const NOT_DELETED: &str = "keep the segment and find out who rewrote it: segments never change";
const TWICE: &str = "the spans are in two blocks and queries answer each once by its id; find out \
                     which writer did not read the slots before its own";
const SEE_META: &str = "write the slot's meta as the block's meta.json, unless the block was \
                        compacted or expired on purpose";
const HIDE: &str = "the block was never committed and its spans are in the blocks of the slot or in \
                    uncovered segments: remove its meta.json";
const GIVEN_UP: &str = "nothing, if a writer gave these numbers up or is writing them now; else \
                        segments were deleted by hand or by a rule of the bucket: look for one";
const STRAY: &str = "restore the epoch's slots from a version or a backup of the bucket, unless the \
                     block was copied here from another bucket on purpose";
const COMPACTED: &str = "nothing, if the program that compacts this tenant took it; otherwise \
                         restore it from a version or a backup of the bucket";

/// What is wrong, or worth knowing, by the listings and the slots.
pub fn check(view: &EpochView) -> Vec<Finding> {
    let mut found = Vec::new();
    if view.retired {
        // Void slots promise nothing, and what is left of them is being removed.
        return found;
    }
    slots_are_readable_and_without_gaps(view, &mut found);
    segments_are_covered_once(view, &mut found);
    for slot in view.slots.values().flatten() {
        rows_add_up(slot, &mut found);
        segments_are_what_the_slot_says(view, slot, &mut found);
        for entry in &slot.blocks {
            found.extend(block_is_there(view, slot, entry));
        }
    }
    unnamed_blocks_are_not_visible(view, &mut found);
    found.extend(numbers_without_a_segment(view));
    found.sort();
    found.dedup();
    found
}

/// Blocks that were minted for an epoch of which nothing lies in the journal. Those without a meta
/// are no finding: they may be all that a crash left. Nor are those whose hour the `floor` covers:
/// their slots were retired.
pub fn strays(blocks: &BTreeMap<BlockKey, BlockFound>, floor: Option<&str>) -> Vec<Finding> {
    let is_retired =
        |key: &BlockKey| block_origin(&key.1).is_some_and(|origin| is_below(floor, &origin.hour()));
    let visible = blocks.iter().filter(|(key, block)| block.meta && !is_retired(key));
    let finding = |(key, _): (&BlockKey, _)| {
        let what = "readers see the block, but its epoch is not in the journal".to_owned();
        Finding::violation(Rule::I3, folder(key), what, STRAY)
    };
    visible.map(finding).collect()
}

fn slots_are_readable_and_without_gaps(view: &EpochView, found: &mut Vec<Finding>) {
    for (k, slot) in &view.slots {
        let path = layout::slot(&view.epoch, *k);
        match slot {
            Ok(_) => {}
            Err(error @ SlotError::UnknownVersion(_)) => {
                found.push(Finding::violation(Rule::Bytes, path, error.to_string(), NEWER));
            }
            Err(error @ SlotError::Damaged(_)) => {
                found.push(Finding::violation(Rule::Bytes, path, error.to_string(), RESTORE));
            }
            Err(error @ SlotError::Wrong(_)) => {
                found.push(Finding::violation(Rule::I10, path, error.to_string(), RESTORE));
            }
        }
    }
    for k in missing_slots(view) {
        let what = "the slot is missing, though slots after it exist".to_owned();
        found.push(Finding::violation(Rule::I3, layout::slot(&view.epoch, k), what, RESTORE));
    }
}

fn missing_slots(view: &EpochView) -> impl Iterator<Item = u32> + '_ {
    let end = view.slots.keys().next_back().copied().unwrap_or(0);
    (0..end).filter(|k| !view.slots.contains_key(k))
}

fn segments_are_covered_once(view: &EpochView, found: &mut Vec<Finding>) {
    let mut by: BTreeMap<u64, u32> = BTreeMap::new();
    for slot in view.slots.values().flatten() {
        let covers = slot.covers.iter().map(|segment| segment.n);
        for n in covers.chain(slot.quarantined.iter().copied()) {
            if let Some(before) = by.insert(n, slot.k) {
                let path = layout::segment(&view.epoch, n);
                let what =
                    format!("the segment is covered by slot {before} and by slot {}", slot.k);
                found.push(Finding::violation(Rule::I6, path, what, TWICE));
            }
        }
    }
}

fn rows_add_up(slot: &Slot, found: &mut Vec<Finding>) {
    // That the slot's own numbers add up is checked when it is decoded.
    let spans = slot.spans();
    if spans != Some(slot.rows_in) {
        let path = layout::slot(&slot.epoch, slot.k);
        let spans = spans.map_or_else(|| "too many".to_owned(), |spans| spans.to_string());
        let what = format!("{} rows went in, but its segments have {spans} spans", slot.rows_in);
        found.push(Finding::violation(Rule::I10, path, what, RESTORE));
    }
}

fn segments_are_what_the_slot_says(view: &EpochView, slot: &Slot, found: &mut Vec<Finding>) {
    for SegmentInfo { n, len, .. } in &slot.covers {
        if let Some(other) = view.segments.get(n).filter(|segment| segment.len != *len) {
            let path = layout::segment(&view.epoch, *n);
            let what = format!("the segment has {} bytes, slot {} says {len}", other.len, slot.k);
            found.push(Finding::violation(Rule::I2, path, what, NOT_DELETED));
        }
    }
}

fn block_is_there(view: &EpochView, slot: &Slot, entry: &BlockEntry) -> Option<Finding> {
    let key = (entry.tenant.clone(), entry.id);
    let block = view.blocks.get(&key).copied().unwrap_or_default();
    let left = slot.covers.iter().filter(|segment| view.segments.contains_key(&segment.n)).count();
    let all = slot.covers.len();
    let named = format!("slot {} of epoch {} names it", slot.k, slot.epoch);
    let explained = view.compacted_tenants.contains(&entry.tenant);
    if block.compacted || view.superseded.contains(&key) {
        return None;
    }
    if block.is_gone() {
        let what = format!("the block is gone; {named}, {left} of its {all} segments are left");
        let (rule, path) = (if left > 0 { Rule::I4 } else { Rule::I2 }, folder(&key));
        return Some(match (left, explained) {
            (0, true) => Finding::notice(rule, path, what, COMPACTED),
            (0, false) => Finding::violation(rule, path, what, RESTORE_BLOCK),
            _ => Finding::violation(rule, path, what, KEEP_SEGMENTS),
        });
    }
    let data = object(&key, "data.parquet");
    let advice = if left == all { KEEP_SEGMENTS } else { RESTORE_BLOCK };
    match block.data {
        None => {
            let what = format!("the data is gone; {named}, {left} of its {all} segments are left");
            return Some(Finding::violation(Rule::I4, data, what, advice));
        }
        Some(size) if size != entry.size => {
            let what = format!("the data has {size} bytes; {named}, with {} bytes", entry.size);
            return Some(Finding::violation(Rule::I4, data, what, advice));
        }
        Some(_) => {}
    }
    if block.meta || left == all {
        return None;
    }
    let meta = object(&key, layout::META);
    let what = format!("no reader sees the block; {named}, {left} of its {all} segments are left");
    Some(match explained {
        true => Finding::notice(Rule::I2, meta, what, SEE_META),
        false => Finding::violation(Rule::I2, meta, what, SEE_META),
    })
}

fn unnamed_blocks_are_not_visible(view: &EpochView, found: &mut Vec<Finding>) {
    let named: BTreeSet<_> = view.slots.values().flatten().flat_map(keys).collect();
    let was_visible = |block: &BlockFound| block.meta || block.compacted;
    for (key, _) in view.blocks.iter().filter(|(key, b)| was_visible(b) && !named.contains(key)) {
        let Some(origin) = block_origin(&key.1).filter(|origin| origin.is_of(&view.epoch)) else {
            continue;
        };
        match view.slots.get(&origin.slot) {
            Some(Ok(_)) => {
                let path = object(key, layout::META);
                let what = format!(
                    "readers see the block, but slot {} of epoch {} does not name it",
                    origin.slot, view.epoch
                );
                found.push(Finding::violation(Rule::I5, path, what, HIDE));
            }
            Some(Err(_)) => {}
            // Named already.
            None if view.slots.keys().any(|k| *k > origin.slot) => {}
            None => {
                // A meta is written only after the slot was created.
                let path = layout::slot(&view.epoch, origin.slot);
                let what =
                    format!("the slot is missing, though its block {} is visible", folder(key));
                found.push(Finding::violation(Rule::I3, path, what, RESTORE));
            }
        }
    }
}

/// Numbers below the highest one that neither a segment nor a slot has. Listings cannot tell whether
/// the write never arrived or what it wrote was deleted.
fn numbers_without_a_segment(view: &EpochView) -> Option<Finding> {
    // Without one of the slots it is not known what is covered either.
    if view.slots.values().any(Result::is_err) || missing_slots(view).next().is_some() {
        return None;
    }
    let slots = view.slots.values().flatten();
    let covered = slots.flat_map(|slot| {
        slot.covers.iter().map(|segment| segment.n).chain(slot.quarantined.iter().copied())
    });
    let known: BTreeSet<u64> = covered.chain(view.segments.keys().copied()).collect();
    let missing = known.last()?.checked_add(1)?.checked_sub(known.len() as u64)?;
    if missing == 0 {
        return None;
    }
    let mut expected = 0;
    let mut gaps = Vec::new();
    for n in known {
        if n > expected {
            gaps.push(if n - expected == 1 {
                expected.to_string()
            } else {
                format!("{expected}–{}", n - 1)
            });
        }
        expected = n.saturating_add(1);
        if gaps.len() == MOST_GAPS {
            gaps.push("…".to_owned());
            break;
        }
    }
    let what = format!("{missing} numbers have neither a segment nor a slot: {}", gaps.join(", "));
    Some(Finding::notice(Rule::I2, layout::segments(&view.epoch), what, GIVEN_UP))
}

/// Gaps that are written out.
const MOST_GAPS: usize = 8;
