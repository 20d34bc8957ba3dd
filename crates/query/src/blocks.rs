//! Traces in blocks: which blocks to ask, and asking them.
//!
//! - [`Blocklist`]: the blocks that are known. Pure; the program fills it from what it writes
//!   itself and from listing the bucket.
//! - [`Cache`]: filters and footers, kept up to a number of bytes, so that a look-up in a known
//!   block costs no more than the reads of the trace itself.
//! - [`find`]: one trace in many blocks.
//! - [`Lru`]: what such caches are made of.

mod cache;
mod list;
mod lookup;
mod lru;

pub use cache::Cache;
pub use list::{Blocklist, Settled};
pub use lookup::{AtOnce, InBlocks, find};
pub use lru::Lru;
