//! A record of a window: one create-only object that makes compacted blocks count and their inputs
//! superfluous, both in the same instant. One that has an [`Expiry`] puts nothing in their place: from
//! then on what was in these blocks is no more. It stands in the same chain as merges, so that of a
//! merge and an expiry that know the same blocks one loses, and reads the other's record.
//!
//! Its frame is that of `framed.rs`, `TRIBREC` with a zero byte, version 1; its map is [`Record`].
//!
//! Versions: a reader refuses a version that it does not know; it must then leave the window to a
//! newer process, because it cannot tell what is superseded. New named fields may join without a
//! new version if a reader may ignore them. `expiry` is such a field: a release from before it reads
//! a merge of blocks of which nothing was read and nothing came, so it drops, hides and deletes them
//! as it should. Only at or below the floor it differs: there it takes every record for void, so its
//! collector removes one that may not be carried out yet. Nothing that counts is lost by that, but
//! blocks that were hidden by then stay, hidden, until they are deleted by hand: retention is turned
//! on when all ingesters know of it.
//!
//! Invariants, beside the journal's
//! 1. Record `k + 1` is created only after record `k` was read, so records have no gaps, and its
//!    inputs are none of an earlier record's: each block is superseded at most once.
//! 2. Rows of all inputs = rows of all outputs + `duplicates` (I10).
//! 3. Inputs and outputs are blocks of the record's window; outputs were minted for it
//!    ([`crate::window`]), and their data is complete before the record is created (I4).
//! 4. A record without inputs and outputs only takes its number, so that what was minted for it is
//!    garbage (I5).
//! 5. At or below the floor no merge's record counts.
//! 6. A record with an `expiry` names at least one input and no output, and read none of them: its
//!    inputs have no rows. It names blocks that were visible, or that an earlier record named and no
//!    other supersedes. Having no output that could be missing, it counts below the floor too, under
//!    any number that is free there, and is removed there when all that it names is gone.

use crate::framed::{self, Encoded, Format, Unreadable};
use crate::id::{MAX_SLOTS, Uid};
use crate::slot::{BlockEntry, no_uid};
use crate::window::{CompactedOrigin, CompactionWindow, compacted_origin};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use tributary_span::tenant;
use uuid::Uuid;

#[cfg(test)]
mod tests;

/// The largest record, in bytes.
pub const MAX_RECORD: usize = framed::MAX;

const FORMAT: Format = Format { magic: *b"TRIBREC\0", version: 1 };

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Record {
    /// Random, by which its writer knows it again. It stands before the map.
    #[serde(skip, default = "no_uid")]
    pub uid: Uid,
    /// The window's hour, in hours since 1970.
    pub hour: u32,
    /// The window's tenant.
    pub tenant: String,
    /// The record's number.
    pub k: u32,
    /// The blocks that it makes count, in ascending ranges of trace ids.
    #[serde(deserialize_with = "crate::grow::list")]
    pub outputs: Vec<BlockEntry>,
    /// The blocks that it supersedes.
    #[serde(deserialize_with = "crate::grow::list")]
    pub inputs: Vec<Input>,
    /// Spans of the inputs left out because one with the same id and kind is in the outputs.
    pub duplicates: u64,
    /// Of these, spans whose contents were others; the first one counts.
    pub conflicts: u64,
    /// Why the inputs are no more, if they are not in the outputs. Older releases know of no such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<Expiry>,
}

/// Why blocks are no more. No rule looks at it but that it is there: it is for people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Expiry {
    /// The retention that their window had outlived, in seconds; none when the tenant was deleted.
    #[serde(default)]
    pub retention: Option<u64>,
    /// Bytes of the blocks' data, as far as known.
    pub bytes: u64,
}

/// A block that is in others now.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Input {
    /// Its id.
    pub id: Uuid,
    /// Spans that were read from it.
    pub rows: u64,
}

/// Why bytes are not a record that can be read, or a record must not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Written by a newer release: the window is to be left to a process that knows it.
    #[error("the window's record has version {0}, which this release does not know")]
    UnknownVersion(u16),
    /// Not what was written.
    #[error("the window's record is damaged: {0}")]
    Damaged(&'static str),
    /// It contradicts itself: a fault of its writer.
    #[error("the window's record is wrong: {0}")]
    Wrong(String),
}

impl From<Unreadable> for RecordError {
    fn from(why: Unreadable) -> Self {
        match why {
            Unreadable::Version(version) => RecordError::UnknownVersion(version),
            Unreadable::Damaged(what) => RecordError::Damaged(what),
        }
    }
}

impl Record {
    /// A record that takes number `k` and does nothing else.
    pub fn empty(uid: Uid, window: &CompactionWindow, k: u32) -> Record {
        Record {
            uid,
            hour: window.hour,
            tenant: window.tenant.clone(),
            k,
            outputs: Vec::new(),
            inputs: Vec::new(),
            duplicates: 0,
            conflicts: 0,
            expiry: None,
        }
    }

    /// A record by which these blocks of the window are no more.
    pub fn expiring(
        uid: Uid,
        window: &CompactionWindow,
        k: u32,
        blocks: impl IntoIterator<Item = Uuid>,
        expiry: Expiry,
    ) -> Record {
        let inputs = blocks.into_iter().map(|id| Input { id, rows: 0 }).collect();
        Record { inputs, expiry: Some(expiry), ..Record::empty(uid, window, k) }
    }

    /// Whether it counts in a window that is at or below the floor: nothing else does there.
    pub fn counts_below_floor(&self) -> bool {
        self.expiry.is_some()
    }

    /// Its window.
    pub fn window(&self) -> CompactionWindow {
        CompactionWindow { hour: self.hour, tenant: self.tenant.clone() }
    }

    /// The record's object.
    ///
    /// # Errors
    /// When it breaks one of its invariants.
    pub fn encode(&self) -> Result<Encoded, RecordError> {
        self.check()?;
        framed::encode(FORMAT, &self.uid, self).map_err(RecordError::Wrong)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When a single bit is not as it was written, the version is not known, or the record breaks
    /// one of its invariants.
    pub fn decode(bytes: &[u8]) -> Result<Record, RecordError> {
        let (uid, mut record) = framed::decode::<Record>(FORMAT, bytes)?;
        record.uid = uid;
        record.check()?;
        Ok(record)
    }

    fn check(&self) -> Result<(), RecordError> {
        let wrong = |why: String| Err(RecordError::Wrong(why));
        if self.k >= MAX_SLOTS {
            return wrong(format!("number {} is too large", self.k));
        }
        if let Err(e) = tenant::check(&self.tenant) {
            return wrong(format!("tenant: {e}"));
        }
        let mut rows_in = self.inputs.iter().map(|input| input.rows);
        let mut rows_out = self.outputs.iter().map(|output| output.rows);
        let rows_in = rows_in.try_fold(0u64, u64::checked_add);
        let rows_out = rows_out.try_fold(0u64, u64::checked_add);
        let accounted = rows_out.and_then(|rows| rows.checked_add(self.duplicates));
        if rows_in.is_none() || rows_in != accounted {
            return wrong(format!(
                "{rows_in:?} rows in, but {rows_out:?} out and {} duplicates",
                self.duplicates
            ));
        }
        if self.expiry.is_some()
            && (self.inputs.is_empty() || !self.outputs.is_empty() || rows_in != Some(0))
        {
            return wrong("what expires is read by none and goes into nothing".to_owned());
        }
        let (window, mut named) = (self.window(), BTreeSet::new());
        for input in &self.inputs {
            if CompactionWindow::of(&self.tenant, &input.id).as_ref() != Some(&window) {
                return wrong(format!("block {} is of another window", input.id));
            }
            if !named.insert(input.id) {
                return wrong(format!("block {} is named twice", input.id));
            }
        }
        let minted = CompactedOrigin { hour: self.hour, record: self.k };
        for output in &self.outputs {
            if output.tenant != self.tenant || compacted_origin(&output.id) != Some(minted) {
                return wrong(format!("block {} was not minted for it", output.id));
            }
            if !named.insert(output.id) {
                return wrong(format!("block {} is named twice", output.id));
            }
        }
        Ok(())
    }
}
