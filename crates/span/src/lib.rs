//! What a span is here: ids, columns, and OTLP's bytes in and out.
//!
//! In flow OTLP bytes ([`otlp::decode`]) or a translator's fields ([`columns::Builder`]); out flow
//! [`Columns`], which every other crate reads, and OTLP bytes again ([`otlp::encode`]). Nothing
//! here knows of sockets, of async or of storage, and nothing builds a tree of messages.

pub mod columns;
mod id;
pub mod otlp;
pub mod protobuf;
pub mod tenant;

pub use columns::Columns;
pub use id::{IdError, SpanId, TraceId};
