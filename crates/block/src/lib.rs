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
//!
//! # Example
//!
//! ```
//! use std::error::Error;
//! use tributary_block::{Block, WriterSettings, write};
//! use tributary_span::columns::{Builder, SpanFields};
//! use tributary_span::{SpanId, TraceId};
//! use uuid::Uuid;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn Error>> {
//!     let trace = TraceId([7; 16]);
//!     let mut builder = Builder::new();
//!     let name = builder.text(b"GET /cart");
//!     let resource = builder.end_resource(0, Default::default(), Default::default());
//!     let scope = builder.end_scope(Default::default(), Default::default(), 0, Default::default());
//!     let id = SpanId([1; 8]);
//!     builder.end_span(SpanFields { trace, resource, scope, id, name, ..Default::default() });
//!     let columns = builder.take();
//!
//!     let block = write(Uuid::from_u128(1), "tenant", &[&columns], &WriterSettings::default())?;
//!     assert_eq!((block.stats.traces, block.stats.spans), (1, 1));
//!
//!     // A finished block gives its own bytes; those of one in a store come by a `FolderSource`.
//!     let reader = Block::open(&block, block.meta.clone()).await?;
//!     let found = reader.find(&block, &trace).await?.ok_or("the trace is not in the block")?;
//!     let names: Vec<_> = found.spans.name.iter().map(|name| found.texts.str(*name)).collect();
//!     assert_eq!(names, ["GET /cart"]);
//!     assert!(reader.find(&block, &TraceId([8; 16])).await?.is_none());
//!     Ok(())
//! }
//! ```

pub mod bloom;
mod decode;
pub mod dedicated;
mod encode;
mod error;
mod extras;
mod json;
mod merge;
pub mod meta;
pub mod nested;
mod read;
mod schema;
mod splice;
mod spliced;
mod thrift;
pub mod time;
mod write;

pub use bloom::Bloom;
pub use dedicated::DedicatedColumn;
pub use error::BlockError;
pub use merge::{InputError, Merge};
pub use meta::{BlockMeta, Encoding, Object};
pub use read::{Block, Dictionary, FolderSource, Keys, Leaf, Leaves, OwnColumn, Parts, Source};
pub use splice::{Opened, Splice};
pub use spliced::{Spliced, Taken};
pub use write::{
    BlockStats, BlockWriter, Encodings, FinishedBlock, SpliceError, WriterSettings, write,
};
