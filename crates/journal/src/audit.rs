//! What can be said about a journal from outside, while others work in it.
//!
//! In come looks at the store, an epoch ([`EpochView`]) or a window ([`WindowView`]) at a time; out come what lies there
//! ([`summarize`]) and what must not be so ([`check()`] and, with the objects read, the functions of
//! [`content`]). Nothing here reads, deletes or decides anything: an auditor must not share the
//! rules of what it audits, so it has its own, over the same invariants (I1 to I10 of the crate).
//!
//! # A view, and what it proves
//!
//! A view is no snapshot. It is made in one order: slots, then segments, then blocks. Since
//! writers store data, then a slot, then metas, and delete segments last, whatever a view shows
//! must be explained by what was looked at after it. What an epoch's own changes between two
//! listings could still explain is told from a fault by looking again: only a finding that a
//! second, later view gives word for word is one ([`confirmed`]).
//!
//! What cannot be told from outside is said to be so, as a [`Severity::Notice`]: a number that no
//! segment has may be that of a write which never arrived, and a block that is gone may have been
//! compacted away by a program that leaves no trace.

mod check;
pub mod content;
mod summary;
#[cfg(test)]
mod tests;
mod windows;

pub use check::{check, strays};
pub use summary::{EpochSummary, Pile, summarize};
pub use windows::{WindowSummary, WindowView, check_window, summarize_window};

use crate::id::EpochId;
use crate::layout;
use crate::slot::{Slot, SlotError};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;
use uuid::Uuid;

/// What was found of one epoch.
#[derive(Debug, Clone)]
pub struct EpochView {
    /// The epoch. One that has blocks but no folder of its own has a view too.
    pub epoch: EpochId,
    /// Who says in a heartbeat that it owns the epoch.
    pub owner: Option<String>,
    /// Whether the floor, listed after everything else, covers the epoch's hour: its slots are void
    /// then, and on their way out. Its segments count as ever.
    pub retired: bool,
    /// All slots, by number, read.
    pub slots: BTreeMap<u32, Result<Slot, SlotError>>,
    /// All segments, listed after the slots.
    pub segments: BTreeMap<u64, SegmentFound>,
    /// Segments that a copy was put aside of.
    pub copies: BTreeSet<u64>,
    /// All blocks that a slot names or that were minted for this epoch, listed after the segments.
    pub blocks: BTreeMap<BlockKey, BlockFound>,
    /// Of these, what a record which counts supersedes: read after the blocks were looked at.
    pub superseded: BTreeSet<BlockKey>,
    /// Tenants in whose folder lies a block that no ingester minted: another program compacts there,
    /// so that a block which is gone may be in a larger one.
    pub compacted_tenants: BTreeSet<String>,
}

impl EpochView {
    /// The slots that count and can be read.
    fn counting(&self) -> impl Iterator<Item = &Slot> {
        self.slots.values().filter(|_| !self.retired).flatten()
    }
}

/// A block: its tenant and its id.
pub type BlockKey = (String, Uuid);

/// A segment as a listing shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentFound {
    /// Length in bytes.
    pub len: u64,
    /// When it was written, by the store's clock. For people: no rule looks at it (I9).
    pub modified: SystemTime,
}

/// What lies in a block's folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BlockFound {
    /// Length of `data.parquet`.
    pub data: Option<u64>,
    /// Whether it has its `meta.json`: readers see it.
    pub meta: bool,
    /// Whether it has a `meta.compacted.json`: it was visible, and is in another block now.
    pub compacted: bool,
    /// Objects in the folder.
    pub objects: u32,
}

impl BlockFound {
    /// Adds an object of the folder.
    pub fn add(&mut self, object: &str, size: u64) {
        self.objects += 1;
        match object {
            "data.parquet" => self.data = Some(size),
            layout::META => self.meta = true,
            layout::META_COMPACTED => self.compacted = true,
            _ => {}
        }
    }

    fn is_gone(self) -> bool {
        self.objects == 0
    }
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// An invariant is broken, or something cannot be read.
    Violation,
    /// Worth knowing, and possible without any fault.
    Notice,
}

/// Which promise a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Rule {
    /// A segment goes only when a slot names it and all blocks of that slot are there.
    I2,
    /// A slot is created once, never changed and never removed; slots have no gaps.
    I3,
    /// All data that a slot names is there, whole.
    I4,
    /// Data that the slot it was minted for does not name is garbage, and never visible.
    I5,
    /// Each segment is covered, and each block superseded, at most once.
    I6,
    /// A visible block disappears only when what it went into is visible.
    I8,
    /// Spans in covered segments = rows in blocks + duplicates + rejected.
    I10,
    /// An object is what was written: its checksums hold and it can be decoded.
    Bytes,
    /// No span stands twice in one block.
    Once,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// Which promise it is about.
    pub rule: Rule,
    /// The object, or the folder, as a path in the store.
    pub object: String,
    /// What is wrong.
    pub what: String,
    /// What a person should do.
    pub advice: &'static str,
}

impl Finding {
    fn violation(rule: Rule, object: String, what: String, advice: &'static str) -> Self {
        Finding { severity: Severity::Violation, rule, object, what, advice }
    }

    fn notice(rule: Rule, object: String, what: String, advice: &'static str) -> Self {
        Finding { severity: Severity::Notice, rule, object, what, advice }
    }
}

/// What two looks agree on: anything else was a change between listings.
pub fn confirmed(first: Vec<Finding>, second: &[Finding]) -> Vec<Finding> {
    let mut both: Vec<_> = first.into_iter().filter(|found| second.contains(found)).collect();
    both.sort();
    both.dedup();
    both
}

/// The path of a block's object.
fn object(key: &BlockKey, name: &str) -> String {
    layout::block_object(&key.0, &key.1, name)
}

fn folder(key: &BlockKey) -> String {
    layout::block(&key.0, &key.1)
}
