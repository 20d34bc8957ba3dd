//! The columnar block: Tempo's vParquet4, written and read; vParquet5 read.
//!
//! A block is a folder `<tenant>/<block id>/` of three kinds of objects: `data.parquet` (one row a
//! trace, ascending by trace id), `bloom-0` … (which traces may be in it) and `meta.json` (what it
//! is; written last, it makes the block live).
//!
//! - [`write()`] makes a block of the columns of a generation.
//! - [`Merge`] reads several at once, for a [`BlockWriter`] that makes one of them.
//! - [`Block`] reads one: whole row groups, or one trace by its id with a few ranged reads.
//! - [`bloom`], [`BlockMeta`] and [`Object`] are the other objects and the names of all.

pub mod bloom;
mod decode;
pub mod dedicated;
mod encode;
mod error;
mod extras;
mod json;
mod merge;
pub mod meta;
mod read;
mod schema;
mod thrift;
mod time;
mod write;

pub use bloom::Bloom;
pub use dedicated::DedicatedColumn;
pub use error::BlockError;
pub use merge::{InputError, Merge};
pub use meta::{BlockMeta, Encoding, Object};
pub use read::{Block, FolderSource, Source, lookup};
pub use write::{BlockStats, BlockWriter, FinishedBlock, WriterSettings, write};
