mod every_field;
mod reader;
mod requests;

use super::*;
use every_field::{EVERY_FIELD, every_field};
use proptest::prelude::*;
use reader::read_trace;
use requests::requests;
use serde_json::Value;
use tributary_span::columns::Builder;
use tributary_span::otlp::{Limits, decode, encode};
use tributary_span::protobuf::put;

fn decoded(request: &[u8]) -> Columns {
    let mut builder = Builder::new();
    let outcome = decode::append_all(&mut builder, request, &Limits::default()).unwrap();
    assert_eq!(outcome.rejected, 0);
    builder.take()
}

fn encoded(columns: &Columns) -> Vec<u8> {
    let rows: Vec<u32> = (0..columns.len() as u32).collect();
    let mut out = Vec::new();
    encode::resource_spans(&mut out, columns, &rows);
    out
}

fn text_attribute(out: &mut Vec<u8>, number: u32, key: &str, text: &str) {
    attribute(out, number, key, |v| put::bytes(v, 1, text.as_bytes()));
}

fn attribute(out: &mut Vec<u8>, number: u32, key: &str, value: impl FnOnce(&mut Vec<u8>)) {
    put::message(out, number, |kv| {
        put::bytes(kv, 1, key.as_bytes());
        put::message(kv, 2, value);
    });
}

#[test]
fn every_field_has_its_name_and_json() {
    let json = String::from_utf8(trace_json(&decoded(&every_field()), OuterKey::Batches)).unwrap();
    assert_eq!(json, EVERY_FIELD);
}

#[test]
fn recorded_traffic_read_back_gives_the_same_spans() {
    for prefix in ["web-gateway", "order-api", "notifier"] {
        for request in tributary_testkit::recording(prefix).unwrap().records {
            let columns = decoded(&request);
            let json = trace_json(&columns, OuterKey::ResourceSpans);
            let mut read = Vec::new();
            read_trace(&mut read, &serde_json::from_slice(&json).unwrap());
            assert!(encoded(&decoded(&read)) == encoded(&columns), "{prefix}");
        }
    }
}

#[test]
fn nothing_is_an_empty_object() {
    assert_eq!(trace_json(&Columns::default(), OuterKey::Batches), b"{}");
}

#[test]
fn malformed_nested_values_are_empty() {
    for bytes in [&[0x0a, 5, 1][..], &[0x0b], &[0xff; 20]] {
        let mut json = Json::default();
        encoded_value(&mut json, bytes, 0);
        assert_eq!(json.finish(), b"{}");
    }
    // A list that breaks off keeps what stands before the break.
    let mut array = Vec::new();
    put::message(&mut array, 1, |e| put::uint(e, 2, 1));
    array.extend([0x0a, 9]);
    let mut value = Vec::new();
    put::bytes(&mut value, 5, &array);
    let mut json = Json::default();
    encoded_value(&mut json, &value, 0);
    assert_eq!(json.finish(), br#"{"arrayValue":{"values":[{"boolValue":true}]}}"#);
}

#[test]
fn nesting_has_an_end() {
    let mut value = Vec::new();
    put::uint(&mut value, 3, 1);
    for _ in 0..1000 {
        let mut outer = Vec::new();
        put::message(&mut outer, 5, |array| put::bytes(array, 1, &value));
        value = outer;
    }
    let mut json = Json::default();
    encoded_value(&mut json, &value, 0);
    let text = String::from_utf8(json.finish()).unwrap();
    assert_eq!(text.matches("arrayValue").count(), any::MAX_DEPTH + 1);
}

proptest! {
    #[test]
    fn doubles_are_read_back_to_the_bit(bits: u64) {
        let n = f64::from_bits(bits);
        prop_assume!(n.is_finite());
        let mut json = Json::default();
        json.double(n);
        let text = String::from_utf8(json.finish()).unwrap();
        prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), bits);
    }

    #[test]
    fn json_read_back_gives_the_same_spans(request in requests()) {
        let columns = decoded(&request);
        let json = trace_json(&columns, OuterKey::ResourceSpans);
        let value: Value = serde_json::from_slice(&json).unwrap();
        let mut read = Vec::new();
        read_trace(&mut read, &value);
        prop_assert_eq!(encoded(&decoded(&read)), encoded(&columns));
    }
}
