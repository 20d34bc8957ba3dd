//! The answers to questions for values.

use super::{put_tags_cost, put_text};
use crate::answer::ValuesAnswer;
use tributary_span::protobuf::put;

/// `SearchTagValuesResponse`: tagValues = 1, metrics = 2.
pub fn values_response(wanted: &ValuesAnswer) -> Vec<u8> {
    let mut out = Vec::new();
    for (_, text) in &wanted.values {
        put::bytes(&mut out, 1, text.as_bytes());
    }
    put_tags_cost(&mut out, 2, &wanted.cost);
    out
}

/// `SearchTagValuesV2Response`: tagValues = 1 { type = 1, value = 2 }, metrics = 2.
pub fn values_v2_response(wanted: &ValuesAnswer) -> Vec<u8> {
    let mut out = Vec::new();
    for (kind, text) in &wanted.values {
        put::message(&mut out, 1, |out| {
            put_text(out, 1, kind);
            put_text(out, 2, text);
        });
    }
    put_tags_cost(&mut out, 2, &wanted.cost);
    out
}
