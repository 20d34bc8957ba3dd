//! Zipkin: v1 and v2, each in JSON and in its binary form.
//!
//! Sources: openzipkin/zipkin-api (`zipkin2-api.yaml`, `zipkin.proto`, `zipkin-api.yaml`,
//! `thrift/zipkinCore.thrift`). All four forms become OTLP by one mapping, [`span`]; v1's
//! annotations are turned into v2's fields first, by [`v1`]. One form of a span and another of the
//! same give the same in OTLP.

pub(crate) mod http;
mod id;
mod json;
pub(crate) mod proto;
mod span;
mod text;
pub(crate) mod thrift;
mod v1;

pub(crate) use json::{v1 as json_v1, v2 as json_v2};
