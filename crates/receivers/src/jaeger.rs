//! Jaeger: Thrift in datagrams and over HTTP, gRPC, and what clients ask their agent.
//!
//! Sources: jaegertracing/jaeger-idl (`thrift/{agent,jaeger,sampling}.thrift`,
//! `proto/api_v2/{model,collector,sampling}.proto`). The messages become OTLP by one mapping,
//! [`span`]; [`thrift`] and [`model`] walk the two encodings of them.

pub(crate) mod http;
pub(crate) mod model;
pub(crate) mod sampling;
mod span;
pub(crate) mod thrift;
pub mod udp;

use crate::grpc::Method;

/// The gRPC method that takes spans.
pub(crate) const POST_SPANS: Method = Method {
    path: "/jaeger.api_v2.CollectorService/PostSpans",
    translate: Some(model::post_spans),
};
