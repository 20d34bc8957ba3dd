//! Questions over traces, and Tempo's HTTP API for them.
//!
//! A question arrives as an HTTP request ([`api::read`]), is put to every place that may hold
//! spans (live memory of the ingesters, the blocks that [`blocks`] names), the parts become one
//! trace ([`combine`]) and the trace becomes an answer ([`api::TraceCall::answer`]). Everything
//! here is a function over plain data: sockets, tasks and the asking itself belong to the program
//! that uses this crate.

pub mod api;
pub mod blocks;
mod combine;
mod json;
mod trace_json;

pub use combine::{Combined, combine};
pub use trace_json::{OuterKey, trace_json};
