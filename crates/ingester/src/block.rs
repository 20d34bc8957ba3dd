//! From generations to visible blocks: a generation is built ([`build`]) or, when its spans had to
//! leave memory, rebuilt from its segments ([`rebuild`]) first, and committed ([`commit`]) by the task
//! that writes blocks ([`flush`]); [`list`] holds the blocks that are known.

mod build;
mod commit;
pub mod flush;
pub mod list;
mod rebuild;

pub(crate) use build::entry;
pub use build::{Builder, Built};
pub use commit::Steps;
pub(crate) use flush::AGAIN_AFTER;
pub use flush::{Flush, FlushError, until_done};
pub use list::Blocks;
pub use rebuild::{Rebuilder, Rebuilt, frames};
