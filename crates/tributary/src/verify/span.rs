//! Spans as the verifier knows them, before any protocol.

use std::time::Duration;
use tributary_span::{SpanId, TraceId};

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Str(String),
    Int(i64),
    Bool(bool),
    Double(f64),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Map(Vec<(&'static str, Value)>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Str(text.to_owned())
    }
}

/// Attributes, in the order in which they are written.
pub(crate) type Attributes = Vec<(&'static str, Value)>;

/// An event; its time counts from 1970.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) time: Duration,
    pub(crate) name: &'static str,
    pub(crate) attributes: Attributes,
}

/// A link to a span.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Link {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
    pub(crate) state: &'static str,
    pub(crate) attributes: Attributes,
}

/// One span. Times count from 1970, in whole microseconds, which every protocol carries.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Span {
    pub(crate) trace: TraceId,
    pub(crate) id: SpanId,
    /// Zero for the root.
    pub(crate) parent: SpanId,
    pub(crate) name: String,
    /// By its number in OTLP.
    pub(crate) kind: i32,
    pub(crate) start: Duration,
    pub(crate) end: Duration,
    pub(crate) state: &'static str,
    pub(crate) attributes: Attributes,
    pub(crate) events: Vec<Event>,
    pub(crate) links: Vec<Link>,
    /// Status code by its number in OTLP, and message.
    pub(crate) status: (i32, &'static str),
}

/// Nanoseconds since 1970, as OTLP has them.
pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Microseconds, as Jaeger and Zipkin have them.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
