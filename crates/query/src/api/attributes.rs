//! Typed values of answers, in JSON and in protobuf.

use crate::answer::Label;
use crate::json::Json;
use tributary_span::protobuf::put;

/// No value, as Tempo writes it.
const NIL: &str = "nil";

/// Member `name` with a list of `KeyValue`s; left out when there are none.
pub(super) fn member(json: &mut Json, name: &str, attributes: &[(String, Label)]) {
    if attributes.is_empty() {
        return;
    }
    json.member(name).array(|json| {
        for (key, label) in attributes {
            json.element().object(|json| {
                json.member("key").string(key);
                value(json.member("value"), label);
            });
        }
    });
}

/// An `AnyValue`: the member that is set names the type, also when the value is a default.
fn value(json: &mut Json, label: &Label) {
    json.object(|json| match label {
        Label::Nil => json.member("stringValue").string(NIL),
        Label::Str(text) => json.member("stringValue").string(text),
        Label::Int(int) => json.member("intValue").int64(int),
        Label::Float(double) => json.member("doubleValue").double(*double),
        Label::Bool(bool) => json.member("boolValue").bool(*bool),
        Label::List(labels) => json.member("arrayValue").object(|json| {
            if labels.is_empty() {
                return;
            }
            json.member("values").array(|json| {
                for label in labels {
                    value(json.element(), label);
                }
            });
        }),
    });
}

/// Field `number` for each attribute, a `KeyValue`: key = 1, value = 2.
pub(super) fn put_attributes(out: &mut Vec<u8>, number: u32, attributes: &[(String, Label)]) {
    for (key, label) in attributes {
        put::message(out, number, |out| {
            put::bytes(out, 1, key.as_bytes());
            put::message(out, 2, |out| put_value(out, label));
        });
    }
}

/// An `AnyValue`: string_value = 1, bool_value = 2, int_value = 3, double_value = 4,
/// array_value = 5 { values = 1 }. The field that is set names the type, also when the value is a
/// default.
fn put_value(out: &mut Vec<u8>, label: &Label) {
    match label {
        Label::Nil => put::bytes(out, 1, NIL.as_bytes()),
        Label::Str(text) => put::bytes(out, 1, text.as_bytes()),
        Label::Bool(bool) => put::uint(out, 2, u64::from(*bool)),
        Label::Int(int) => put::uint(out, 3, int.cast_unsigned()),
        Label::Float(double) => put::fixed64(out, 4, double.to_bits()),
        Label::List(labels) => put::message(out, 5, |out| {
            for label in labels {
                put::message(out, 1, |out| put_value(out, label));
            }
        }),
    }
}
