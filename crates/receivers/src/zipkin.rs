//! Zipkin: v1 and v2, each in JSON and in a binary encoding.
//!
//! Sources: openzipkin/zipkin-api (`zipkin2-api.yaml`, `zipkin.proto`, `zipkin-api.yaml`,
//! `thrift/zipkinCore.thrift`). All four formats become OTLP by one mapping, [`span`]; v1's
//! annotations are turned into v2's fields first, by [`v1`]. A span
//! gives the same in OTLP in whichever of them it comes.

pub(crate) mod http;
mod id;
mod json;
pub(crate) mod proto;
mod span;
mod text;
pub(crate) mod thrift;
mod v1;

pub(crate) use json::{v1 as json_v1, v2 as json_v2};
