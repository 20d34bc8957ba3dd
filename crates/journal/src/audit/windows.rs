//! What can be said about windows: records, what they name, and what was minted for them.
//!
//! A view is made in one order: records, then blocks, then the floor. Since writers store data, then
//! a record, then metas, and hide and delete inputs last, whatever a view shows must be explained by
//! what was looked at after it.

use super::{BlockFound, Finding, Rule, folder, object};
use crate::layout;
use crate::record::{Record, RecordError};
use crate::slot::BlockEntry;
use crate::window::{CompactionWindow, compacted_origin};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const RESTORE: &str = "restore the object from a version or a backup of the bucket; until then \
                       leave this window alone";
const NEWER: &str = "audit with the release that wrote it";
const RESTORE_BLOCK: &str = "restore the block from a version or a backup of the bucket; what it was \
                             made of may be gone";
const TWICE: &str = "the spans are in two blocks and queries answer each once by its id; find out \
                     which writer did not read the records before its own";
const HIDE: &str = "the block was never committed and its spans are in other blocks: remove its \
                    meta.json";
const NEXT_PASS: &str = "nothing: the next pass of a compacting ingester finishes it";

/// What was found of one window.
#[derive(Debug, Clone)]
pub struct WindowView {
    /// The window.
    pub window: CompactionWindow,
    /// Whether the floor, listed after everything else, covers it: its records are void then.
    pub retired: bool,
    /// All records, by number, read.
    pub records: BTreeMap<u32, Result<Record, RecordError>>,
    /// All blocks that a record names or that were minted for one, listed after the records.
    pub blocks: BTreeMap<Uuid, BlockFound>,
}

/// What lies in a window, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WindowSummary {
    /// The hour.
    pub hour: String,
    /// The tenant.
    pub tenant: String,
    /// Records.
    pub records: u32,
    /// Blocks that came out of merges and stand.
    pub blocks: u64,
    /// Blocks that were merged and are still there, hidden: what is deleted next.
    pub superseded: u64,
    /// Blocks that have expired, as far as their records are still there.
    pub expired: u64,
    /// Of these, blocks of which something is still there, hidden.
    pub expired_left: u64,
    /// Folders of blocks that a record names and that have no meta yet.
    pub unfinished: Vec<String>,
    /// Folders of blocks that no record will ever name (I5).
    pub garbage: Vec<String>,
    /// Folders of blocks whose record does not exist yet.
    pub pending: Vec<String>,
}

impl WindowView {
    /// The records that count and can be read. Below the floor that is what has expired.
    fn readable(&self) -> impl Iterator<Item = &Record> {
        let counts = |record: &&Record| !self.retired || record.expiry.is_some();
        self.records.values().flatten().filter(counts)
    }

    /// Blocks that have expired.
    fn expired(&self) -> BTreeSet<Uuid> {
        let expiries = self.readable().filter(|record| record.expiry.is_some());
        expiries.flat_map(|record| &record.inputs).map(|input| input.id).collect()
    }

    /// Blocks that a record which counts puts in the past.
    pub fn superseded(&self) -> BTreeSet<Uuid> {
        self.readable().flat_map(|record| &record.inputs).map(|input| input.id).collect()
    }

    /// Outputs that no later record supersedes.
    pub fn standing(&self) -> impl Iterator<Item = (&Record, &BlockEntry)> {
        let superseded = self.superseded();
        let all =
            self.readable().flat_map(|record| record.outputs.iter().map(move |o| (record, o)));
        all.filter(move |(_, output)| !superseded.contains(&output.id))
    }

    fn found(&self, id: &Uuid) -> BlockFound {
        self.blocks.get(id).copied().unwrap_or_default()
    }

    fn key(&self, id: &Uuid) -> super::BlockKey {
        (self.window.tenant.clone(), *id)
    }
}

/// What is wrong, or worth knowing.
pub fn check_window(view: &WindowView) -> Vec<Finding> {
    let mut found = Vec::new();
    superseded_blocks_are_hidden(view, &mut found);
    if view.retired {
        return found;
    }
    records_are_readable_and_without_gaps(view, &mut found);
    blocks_are_superseded_once(view, &mut found);
    for (record, output) in view.standing() {
        found.extend(output_is_there(view, record, output));
    }
    unnamed_blocks_are_not_visible(view, &mut found);
    found.sort();
    found.dedup();
    found
}

fn superseded_blocks_are_hidden(view: &WindowView, found: &mut Vec<Finding>) {
    let expired = view.expired();
    for id in view.superseded().iter().filter(|id| view.found(id).meta) {
        let what = match expired.contains(id) {
            true => "the block has expired, and readers see it all the same",
            false => "a record supersedes the block, and readers see it all the same",
        };
        let path = object(&view.key(id), layout::META);
        found.push(Finding::notice(Rule::I8, path, what.to_owned(), NEXT_PASS));
    }
}

fn records_are_readable_and_without_gaps(view: &WindowView, found: &mut Vec<Finding>) {
    for (k, record) in &view.records {
        let Err(error) = record else { continue };
        let (rule, advice) = match error {
            RecordError::UnknownVersion(_) => (Rule::Bytes, NEWER),
            RecordError::Damaged(_) => (Rule::Bytes, RESTORE),
            RecordError::Wrong(_) => (Rule::I10, RESTORE),
        };
        let path = layout::record(&view.window, *k);
        found.push(Finding::violation(rule, path, error.to_string(), advice));
    }
    let end = view.records.keys().next_back().copied().unwrap_or(0);
    for k in (0..end).filter(|k| !view.records.contains_key(k)) {
        let what = "the record is missing, though records after it exist".to_owned();
        let path = layout::record(&view.window, k);
        found.push(Finding::violation(Rule::I3, path, what, RESTORE));
    }
}

fn blocks_are_superseded_once(view: &WindowView, found: &mut Vec<Finding>) {
    let mut by: BTreeMap<Uuid, u32> = BTreeMap::new();
    for record in view.readable() {
        for input in &record.inputs {
            if let Some(before) = by.insert(input.id, record.k) {
                let what = format!("records {before} and {} both supersede the block", record.k);
                let path = folder(&view.key(&input.id));
                found.push(Finding::violation(Rule::I6, path, what, TWICE));
            }
        }
    }
}

fn output_is_there(view: &WindowView, record: &Record, output: &BlockEntry) -> Option<Finding> {
    let (key, block) = (view.key(&output.id), view.found(&output.id));
    if block.compacted {
        return None;
    }
    let named = format!("record {} names it", record.k);
    match block.data {
        None => {
            let what = format!("the data is gone; {named}");
            let path = object(&key, "data.parquet");
            return Some(Finding::violation(Rule::I4, path, what, RESTORE_BLOCK));
        }
        Some(size) if size != output.size => {
            let what = format!("the data has {size} bytes; {named}, with {} bytes", output.size);
            let path = object(&key, "data.parquet");
            return Some(Finding::violation(Rule::I4, path, what, RESTORE_BLOCK));
        }
        Some(_) => {}
    }
    let hidden = record.inputs.iter().filter(|input| !view.found(&input.id).meta).count();
    if block.meta || hidden == 0 {
        return None;
    }
    let what = format!("no reader sees the block; {named}, and {hidden} of its inputs are hidden");
    Some(Finding::violation(Rule::I8, object(&key, layout::META), what, NEXT_PASS))
}

fn unnamed_blocks_are_not_visible(view: &WindowView, found: &mut Vec<Finding>) {
    let named: BTreeSet<Uuid> =
        view.readable().flat_map(|record| &record.outputs).map(|output| output.id).collect();
    let visible = view.blocks.iter().filter(|(_, block)| block.meta || block.compacted);
    for (id, _) in visible.filter(|(id, _)| !named.contains(id)) {
        let Some(origin) = compacted_origin(id) else { continue };
        match view.records.get(&origin.record) {
            Some(Ok(_)) => {
                let what =
                    format!("readers see the block, but record {} does not name it", origin.record);
                let path = object(&view.key(id), layout::META);
                found.push(Finding::violation(Rule::I5, path, what, HIDE));
            }
            Some(Err(_)) => {}
            None => {
                let block = folder(&view.key(id));
                let what = format!("the record is missing, though its block {block} is visible");
                let path = layout::record(&view.window, origin.record);
                found.push(Finding::violation(Rule::I3, path, what, RESTORE));
            }
        }
    }
}

/// Counts what a view shows.
pub fn summarize_window(view: &WindowView) -> WindowSummary {
    let named: BTreeSet<Uuid> =
        view.readable().flat_map(|record| &record.outputs).map(|output| output.id).collect();
    let is_visible = |id: &Uuid| view.found(id).meta || view.found(id).compacted;
    let folder = |id: &Uuid| folder(&view.key(id));
    let (mut garbage, mut pending) = (Vec::new(), Vec::new());
    for id in view.blocks.keys().filter(|id| !named.contains(id) && !is_visible(id)) {
        match compacted_origin(id).map(|origin| view.records.get(&origin.record)) {
            None => {}
            Some(Some(Ok(_))) if !view.retired => garbage.push(folder(id)),
            Some(_) => pending.push(folder(id)),
        }
    }
    let standing = || view.standing().map(|(_, output)| output.id);
    let expired = view.expired();
    let (gone, merged): (Vec<_>, Vec<_>) =
        view.superseded().into_iter().partition(|id| expired.contains(id));
    let left = |ids: Vec<Uuid>| ids.iter().filter(|id| view.found(id).objects > 0).count() as u64;
    WindowSummary {
        hour: view.window.hour_name(),
        tenant: view.window.tenant.clone(),
        records: u32::try_from(view.records.len()).unwrap_or(u32::MAX),
        blocks: standing().filter(is_visible).count() as u64,
        superseded: left(merged),
        expired: expired.len() as u64,
        expired_left: left(gone),
        unfinished: standing().filter(|id| !is_visible(id)).map(|id| folder(&id)).collect(),
        garbage,
        pending,
    }
}
