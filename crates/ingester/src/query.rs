//! Answers: the HTTP API ([`serve`]), and where a trace is looked for ([`traces`]): memory, the other
//! ingesters, segments of those that do not answer, blocks.

mod segments;
mod serve;
pub mod traces;

pub use segments::{InSegments, Segments};
pub use serve::{Peers, Serve, run};
pub use traces::{Traces, Wanted};
