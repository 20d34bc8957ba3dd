//! OTLP's protobuf messages, read into columns and written from them.
//!
//! Field numbers are those of `opentelemetry/proto/{common,resource,trace}/v1` 1.11.

pub mod any;
pub mod decode;
pub mod encode;

pub use decode::{Limits, Outcome, Reject};
