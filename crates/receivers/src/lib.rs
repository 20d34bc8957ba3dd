//! Every protocol that an application speaks, received and handed on as OTLP bytes.
//!
//! In flow connections of instrumented applications; out flow `ExportTraceServiceRequest`s as
//! protobuf, to a [`Sink`]: the sidecar's buffer or the ingester. What came as OTLP protobuf
//! passes as it is, everything else is translated without a tree of messages in between.
//!
//! This crate is linked into the sidecar, so it stays small: hyper alone, gRPC's five bytes of
//! framing by hand, no router. It must never depend on the sidecar, the ingester or the wire.
//!
//! The road of a request: `serve` (connections) → [`otlp`] (method, path, headers) → `body`
//! (bytes, admitted and inflated under a limit) → [`Sink::offer`] → an answer in the protocol's
//! own terms. Every reason to turn a request away is a `Fault`, and each protocol says in one
//! table how it tells its client so.

mod body;
mod counters;
mod fault;
pub mod otlp;
mod reply;
mod serve;
mod sink;
pub mod tenant;

pub use counters::{Count, Counters};
pub use serve::Settings;
pub use sink::{OfferError, Refused, Sink};
