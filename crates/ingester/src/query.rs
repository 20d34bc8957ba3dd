//! Answers: the HTTP API (`http`), and where a trace is looked for (`traces`): memory, the other
//! ingesters (`peers`), segments of those that do not answer (`segments`), blocks.

mod ask;
mod http;
mod peers;
mod pool;
mod ready;
mod segments;
mod traces;

pub(crate) use ask::Asker;
pub(crate) use http::{HttpState, serve};
pub(crate) use peers::Peers;
pub(crate) use segments::SegmentReader;
pub use traces::{TraceFinder, TraceQuery};
