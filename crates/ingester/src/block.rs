//! From generations to visible blocks: a generation is built (`build`) or, when its spans had to
//! leave memory, rebuilt from its segments (`rebuild`) first, and committed (`commit`) by the task
//! that writes blocks (`flush`), after which its segments are deleted (`delete`). Of a tenant whose
//! blocks the store does not take the spans are logged again by themselves (`relog`). `list` holds
//! the blocks that are known.

mod build;
mod commit;
mod delete;
mod error;
mod flush;
mod list;
mod rebuild;
mod relog;
mod retry;
mod unreadable;

pub(crate) use build::{BlockBuilder, BuiltBlocks, block_entry_with, metas_of};
pub(crate) use commit::{Committer, OnRefusal};
pub(crate) use delete::SegmentDeleter;
pub(crate) use error::CommitError;
pub(crate) use flush::Flusher;
#[cfg(test)]
pub(crate) use flush::Made;
pub(crate) use list::StillReading;
pub use list::{KnownBlocks, LookUpError};
pub(crate) use rebuild::{Cure, Rebuilder, Rebuilt, Undecodable, frames};
pub(crate) use relog::Relogger;
pub(crate) use retry::{PAUSES, Retries, retry_until_done};
pub(crate) use unreadable::{Pauses, Unreadable};
