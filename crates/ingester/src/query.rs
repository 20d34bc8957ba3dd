//! Answers: the HTTP API (`http`) and the streaming one (`grpc`) on one port (`serve`), and where a
//! trace is looked for (`traces`): memory, the other ingesters (`peers`), segments of those that do
//! not answer (`segments`), blocks.

mod admit;
mod ask;
mod cut;
mod encoding;
mod grpc;
mod host;
mod http;
mod peers;
mod pool;
mod prefix;
mod ready;
mod room;
mod segments;
mod serve;
mod shown;
mod span_calls;
mod span_metrics;
mod state;
mod told;
mod trace_room;
mod traces;

pub(crate) use ask::Asker;
#[cfg(test)]
pub(crate) use grpc::Raw;
pub(crate) use host::is_private;
pub(crate) use http::HttpState;
pub(crate) use peers::Peers;
pub use prefix::HttpPrefix;
pub(crate) use segments::SegmentReader;
pub(crate) use serve::serve;
pub(crate) use trace_room::TraceRoom;
pub use traces::{TraceFinder, TraceQuery};
