//! Every protocol that an application speaks, received and handed on as OTLP bytes.
//!
//! In flow connections and datagrams of instrumented applications; out flow
//! `ExportTraceServiceRequest`s as protobuf, to a [`Sink`]: the sidecar's buffer or the ingester.
//! What came as OTLP protobuf passes as it is, everything else is translated without a tree of
//! messages in between.
//!
//! This crate is linked into the sidecar, so it stays small: hyper alone, gRPC's five bytes of
//! framing by hand, no router. It must never depend on the sidecar, the ingester or the wire.
//!
//! The road of a request: `serve` (connections) → `route` (which protocol) → `body` (bytes,
//! admitted and inflated under a limit) → `otlp`, `jaeger` or `zipkin` (translation, written with
//! `translate`) → [`Sink::offer`] → an answer in the protocol's own terms. Datagrams come in by
//! [`udp`]. Every reason to turn a request away is a `Fault`, and each protocol says in one table
//! how it tells its client so.

mod answer;
mod body;
mod counters;
mod fault;
pub mod format;
mod grpc;
mod header;
mod http;
mod jaeger;
mod kind;
mod otlp;
mod receiver;
mod reply;
mod route;
mod serve;
mod sink;
mod thrift;
mod translate;
mod zipkin;

pub use counters::{Count, Counters, page};
pub use jaeger::sampling::Strategy;
pub use jaeger::udp;
pub use kind::{Bound, Kind};
pub use route::{Protocol, serve};
pub use serve::Settings;
pub use sink::{OfferError, Refused, Sink};
