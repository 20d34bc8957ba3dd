//! OTLP: gRPC and HTTP, protobuf and JSON.
//!
//! Specification: <https://opentelemetry.io/docs/specs/otlp/> 1.11. Both transports are answered on
//! every OTLP socket, told apart by path and content type, so that an exporter pointed at the
//! other's port works as well; what differs between 4317 and 4318 is the number.

pub(crate) mod http;
pub(crate) mod json;

use crate::grpc::Method;

/// The one gRPC method that is served.
pub(crate) const EXPORT: Method =
    Method { path: "/opentelemetry.proto.collector.trace.v1.TraceService/Export", translate: None };
