//! Hostile bodies: behind the compressor, where flipped bits reach the columns.

use super::definition::{blob, entries};
use super::envelope::{Envelope, VERSION};
use super::{DecodeLimits, Decoder, Encoder, zip};
use tributary_span::columns::{Attr, Builder, Columns, LinkFields, SpanFields, ValueType};
use tributary_span::{SpanId, TraceId};

/// A few spans with something of everything.
fn spans(from: u8) -> Columns {
    let mut b = Builder::new();
    let attr = |b: &mut Builder, key: &str, value_type, value: &[u8]| {
        let key = b.text(key.as_bytes());
        let value = match value_type {
            ValueType::Str | ValueType::Bytes => u64::from(b.text(value).0),
            _ => value.iter().fold(0, |n, &byte| n << 8 | u64::from(byte)),
        };
        Attr { key, value_type, value }
    };
    for n in from..from + 24 {
        let service =
            attr(&mut b, "service.name", ValueType::Str, if n % 3 == 0 { b"a" } else { b"b" });
        b.resource_attr(service);
        let name = b.text(b"name");
        let resource = b.end_resource(0, name, name);
        let scope = b.end_scope(name, name, 0, name);
        for (key, value_type, value) in [
            ("method", ValueType::Str, &b"GET"[..]),
            ("path", ValueType::Str, &[b'/', b'a' + n % 26]),
            ("raw", ValueType::Bytes, &[0xff, n]),
            ("code", ValueType::Int, &[n, 200]),
            ("share", ValueType::Double, &[0x40, n, 0, 0, 0, 0, 0, 1]),
            ("hit", ValueType::Bool, &[n % 2]),
            ("none", ValueType::Empty, &[]),
        ] {
            let a = attr(&mut b, key, value_type, value);
            b.span_attr(a);
        }
        let mut rare = SpanFields::default();
        if n % 7 == 0 {
            let a = attr(&mut b, "why", ValueType::Str, b"because");
            b.event_attr(a);
            b.link_attr(a);
            b.end_event(u64::from(n), name, 1);
            b.end_link(LinkFields { trace_state: name, dropped_attrs: 1, ..LinkFields::default() });
            (rare.trace_state, rare.status_message, rare.dropped_links) = (name, name, 3);
        }
        let id = |n: u8| SpanId([n; 8]);
        let (trace, parent) = (TraceId([n / 6 + 1; 16]), id(if n % 6 == 0 { 0 } else { n }));
        let (start, end) = (1000 + u64::from(n) * 77, 5000 + u64::from(n));
        b.end_span(SpanFields {
            trace,
            resource,
            scope,
            id: id(n + 1),
            parent,
            name,
            start,
            end,
            ..rare
        });
    }
    b.take()
}

/// An encoder's third frame: definitions, and the payload's parts.
fn sample() -> (Vec<u8>, Vec<u8>) {
    let mut encoder = Encoder::new();
    encoder.encode(&spans(0));
    encoder.encode(&spans(24));
    let frame = encoder.encode(&spans(100));
    (encoder.definitions(0, 0..frame.needs).unwrap().to_vec(), frame.payload.to_vec())
}

#[test]
fn flipped_bits_in_a_body_do_no_harm() {
    let (definitions, payload) = sample();
    let mut decoder = Decoder::new(DecodeLimits::default());
    decoder.define(0, &definitions).unwrap();
    let envelope = Envelope::parse(&payload).unwrap();
    let mut scratch = Vec::new();
    let mut body = match envelope.packed {
        [] => envelope.plain.to_vec(),
        packed => zip::decompress(packed, 1 << 20, &mut scratch).unwrap().to_vec(),
    };
    let mut refused = 0;
    for at in 0..body.len() {
        let was = body[at];
        for spoiled in (0..8).map(|bit| was ^ 1 << bit).chain([0, 0xff, was.wrapping_add(1)]) {
            body[at] = spoiled;
            let spoiled = Envelope { plain: &body, packed: &[], ..envelope }.write();
            match decoder.decode(0, &spoiled) {
                Ok(decoded) => assert_eq!(decoded.columns.check(), Ok(())),
                Err(_) => refused += 1,
            }
        }
        body[at] = was;
        let cut = Envelope { plain: &body[..at], packed: &[], ..envelope }.write();
        assert!(decoder.decode(0, &cut).is_err() || at == body.len());
    }
    assert!(refused > body.len(), "only {refused} were refused");
    let whole = Envelope { plain: &body, packed: &[], ..envelope }.write();
    assert!(decoder.decode(0, &whole).is_ok());
}

#[test]
fn flipped_bits_in_definitions_do_no_harm() {
    let (definitions, payload) = sample();
    let mut scratch = Vec::new();
    let known = entries(&definitions, &mut scratch).unwrap();
    let known: Vec<(u32, Vec<u8>)> = known.into_iter().map(|(n, b)| (n, b.to_vec())).collect();
    for spoil in 0..known.len() {
        for at in 0..known[spoil].1.len() {
            for bit in 0..8 {
                let mut spoiled = known.clone();
                spoiled[spoil].1[at] ^= 1 << bit;
                let blob = blob(spoiled.iter().map(|(n, bytes)| (*n, bytes.as_slice())));
                let mut decoder = Decoder::new(DecodeLimits::default());
                decoder.define(0, &blob).ok();
                if let Ok(decoded) = decoder.decode(0, &payload) {
                    assert_eq!(decoded.columns.check(), Ok(()));
                }
            }
        }
    }
}

#[test]
fn a_shape_does_not_multiply_beyond_the_limit() {
    // One definition with thousands of attributes, and a small frame of many spans of that shape.
    let mut b = Builder::new();
    let name = b.text(b"k");
    let resource = b.end_resource(0, name, name);
    let scope = b.end_scope(name, name, 0, name);
    for n in 0..200u8 {
        for _ in 0..1000 {
            b.span_attr(Attr { key: name, value_type: ValueType::Empty, value: 0 });
        }
        let (trace, id) = (TraceId([1; 16]), SpanId([n + 1; 8]));
        b.end_span(SpanFields { trace, id, resource, scope, name, ..SpanFields::default() });
    }
    let columns = b.take();
    let mut encoder = Encoder::new();
    let frame = encoder.encode(&columns);
    assert!(frame.payload.len() < 4000, "{}", frame.payload.len());
    let definitions = encoder.definitions(0, 0..frame.needs).unwrap();
    for (bytes, fine) in [(1 << 20, false), (64 << 20, true)] {
        let mut decoder = Decoder::new(DecodeLimits { bytes, ..DecodeLimits::default() });
        decoder.define(0, &definitions).unwrap();
        assert_eq!(decoder.decode(0, &frame.payload).is_ok(), fine);
    }
}

#[test]
fn an_unknown_version_is_named() {
    let (_, payload) = sample();
    let envelope = Envelope::parse(&payload).unwrap();
    let later = Envelope { version: VERSION + 1, ..envelope }.write();
    let refused = Decoder::new(DecodeLimits::default()).decode(0, &later).unwrap_err();
    assert_eq!(refused, super::FrameError::Version(VERSION + 1));
    // Whatever else it has: a map of `v` and `columns`, and the same without a version.
    let refused = |payload: &[u8]| Envelope::parse(payload).map(|_| ()).unwrap_err();
    let later = b"\x82\xa1v\x07\xa7columns\x93\x01\x02\x03";
    assert_eq!(refused(later), super::FrameError::Version(7));
    for none in [&b"\x81\xa7columns\x93\x01\x02\x03"[..], b"\x81\xa1v\xa17", b"\x81\xa1v", b""] {
        assert_eq!(refused(none), super::FrameError::Malformed("the envelope"), "{none:?}");
    }
    assert_eq!(refused(b"\x81\xa1v\x01"), super::FrameError::Malformed("the envelope"));
}
