//! What all translators write with: attributes, a span that is being put together, and the
//! request that it goes into. All of it is OTLP bytes from the start; nothing is a tree.
//!
//! Invariants
//! 1. What is written is UTF-8 wherever OTLP wants a string, whatever came: a span is not lost for
//!    a broken text.
//! 2. No more is held than [`Room`] granted, and that is asked before a span is added.

pub(crate) mod json;
mod request;

pub(crate) use request::{Endless, Request, Room};

use tributary_span::protobuf::put;

/// `Span.SpanKind` by number.
pub(crate) mod kind {
    pub(crate) const UNSPECIFIED: u8 = 0;
    pub(crate) const INTERNAL: u8 = 1;
    pub(crate) const SERVER: u8 = 2;
    pub(crate) const CLIENT: u8 = 3;
    pub(crate) const PRODUCER: u8 = 4;
    pub(crate) const CONSUMER: u8 = 5;

    /// The kind of that name, in any case.
    pub(crate) fn named(name: &[u8]) -> Option<u8> {
        [
            (INTERNAL, "internal"),
            (SERVER, "server"),
            (CLIENT, "client"),
            (PRODUCER, "producer"),
            (CONSUMER, "consumer"),
        ]
        .into_iter()
        .find(|(_, known)| name.eq_ignore_ascii_case(known.as_bytes()))
        .map(|(kind, _)| kind)
    }
}

/// `Status.StatusCode` by number.
pub(crate) mod status {
    pub(crate) const ERROR: u8 = 2;

    /// The code of that name as OpenTelemetry's exporters write it, or with its full name as the
    /// Collector's translators do: `Some(0)` for "unset".
    pub(crate) fn named(name: &[u8]) -> Option<u8> {
        let name = name.strip_prefix(b"STATUS_CODE_").unwrap_or(name);
        ["UNSET", "OK", "ERROR"]
            .iter()
            .zip(0..)
            .find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()))
            .map(|(_, code)| code)
    }
}

/// An attribute's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Empty,
    Str(&'a [u8]),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The text of a string.
    pub(crate) fn text(&self) -> Option<&'a [u8]> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }
}

/// Writes field `number` as a `KeyValue`.
pub(crate) fn attribute(out: &mut Vec<u8>, number: u32, key: &[u8], value: Value<'_>) {
    put::message(out, number, |out| {
        put::bytes(out, 1, key);
        put::message(out, 2, |out| any_value(out, value));
    });
}

/// Writes the field of an `AnyValue`.
pub(crate) fn any_value(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Empty => {}
        Value::Str(value) => put::bytes(out, 1, value),
        Value::Bool(value) => put::uint(out, 2, u64::from(value)),
        Value::Int(value) => put::uint(out, 3, value.cast_unsigned()),
        Value::Double(value) => put::fixed64(out, 4, value.to_bits()),
        Value::Bytes(value) => put::bytes(out, 7, value),
    }
}

/// A span that is being put together. One is used for all spans of a request, so that its buffers
/// are allocated once.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) trace: [u8; 16],
    pub(crate) id: [u8; 8],
    /// Zero for none.
    pub(crate) parent: [u8; 8],
    pub(crate) trace_state: Vec<u8>,
    pub(crate) name: Vec<u8>,
    pub(crate) kind: u8,
    /// Nanoseconds since the epoch.
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// W3C's trace flags.
    pub(crate) flags: u32,
    pub(crate) status: u8,
    pub(crate) status_message: Vec<u8>,
    pub(crate) scope_name: Vec<u8>,
    pub(crate) scope_version: Vec<u8>,
    /// Attributes, events and links, as fields of `Span`.
    pub(crate) fields: Vec<u8>,
    /// Values that could not be read and are left out.
    pub(crate) odd: u64,
}

/// Field numbers of `Span`.
pub(crate) const ATTRIBUTES: u32 = 9;
pub(crate) const EVENTS: u32 = 11;
pub(crate) const LINKS: u32 = 13;

impl Draft {
    /// Begins another span.
    pub(crate) fn clear(&mut self) {
        let Draft { trace_state, name, status_message, scope_name, scope_version, fields, .. } =
            self;
        let buffers =
            [trace_state, name, status_message, scope_name, scope_version, fields].map(|buffer| {
                buffer.clear();
                std::mem::take(buffer)
            });
        let [trace_state, name, status_message, scope_name, scope_version, fields] = buffers;
        *self = Draft {
            trace_state,
            name,
            status_message,
            scope_name,
            scope_version,
            fields,
            ..Draft::default()
        };
    }

    /// Adds an attribute.
    pub(crate) fn attribute(&mut self, key: &[u8], value: Value<'_>) {
        attribute(&mut self.fields, ATTRIBUTES, key, value);
    }

    /// Adds an event without attributes.
    pub(crate) fn event(&mut self, time: u64, name: &[u8]) {
        put::message(&mut self.fields, EVENTS, |out| {
            put::fixed64(out, 1, time);
            put::bytes(out, 2, name);
        });
    }

    /// Bytes that [`Draft::write`] writes at most.
    fn len(&self) -> usize {
        128 + (self.name.len() + self.trace_state.len() + self.status_message.len())
            + self.fields.len()
            + 2 * usize::try_from(self.odd).unwrap_or(0)
    }

    /// Writes the fields of a `Span`.
    fn write(&self, out: &mut Vec<u8>) {
        put::bytes(out, 1, &self.trace);
        put::bytes(out, 2, &self.id);
        if !self.trace_state.is_empty() {
            put::bytes(out, 3, &self.trace_state);
        }
        if self.parent != [0; 8] {
            put::bytes(out, 4, &self.parent);
        }
        put::bytes(out, 5, &self.name);
        if self.kind != kind::UNSPECIFIED {
            put::uint(out, 6, u64::from(self.kind));
        }
        put::fixed64(out, 7, self.start);
        put::fixed64(out, 8, self.end);
        out.extend_from_slice(&self.fields);
        odd(out, ATTRIBUTES, self.odd);
        if self.status != 0 || !self.status_message.is_empty() {
            put::message(out, 15, |out| {
                if !self.status_message.is_empty() {
                    put::bytes(out, 2, &self.status_message);
                }
                if self.status != 0 {
                    put::uint(out, 3, u64::from(self.status));
                }
            });
        }
        if self.flags != 0 {
            put::fixed32(out, 16, self.flags);
        }
    }
}

/// Writes a field of attributes so many times as what is not one: the decoder of OTLP leaves it out and
/// counts it.
pub(crate) fn odd(out: &mut Vec<u8>, number: u32, times: u64) {
    (0..times).for_each(|_| put::uint(out, number, 0));
}

/// Replaces a buffer's contents.
pub(crate) fn set(buffer: &mut Vec<u8>, bytes: &[u8]) {
    buffer.clear();
    buffer.extend_from_slice(bytes);
}

/// Nanoseconds of so many microseconds.
pub(crate) fn nanos(micros: u64) -> u64 {
    micros.saturating_mul(1000)
}

#[cfg(test)]
mod tests;
