//! The answers to questions for names.

use super::put_tags_cost;
use crate::answer::TagsAnswer;
use crate::api::names::without_scopes;
use tributary_span::protobuf::put;

/// `SearchTagsResponse`: tagNames = 1, metrics = 2. Names that are in several scopes count once.
pub fn tags_response(wanted: &TagsAnswer) -> Vec<u8> {
    let mut out = Vec::new();
    for name in without_scopes(wanted) {
        put::bytes(&mut out, 1, name.as_bytes());
    }
    put_tags_cost(&mut out, 2, &wanted.cost);
    out
}

/// `SearchTagsV2Response`: scopes = 1 { name = 1, tags = 2 }, metrics = 2.
pub fn tags_v2_response(wanted: &TagsAnswer) -> Vec<u8> {
    let mut out = Vec::new();
    for (scope, names) in &wanted.scopes {
        put::message(&mut out, 1, |out| {
            put::bytes(out, 1, scope.as_bytes());
            for name in names {
                put::bytes(out, 2, name.as_bytes());
            }
        });
    }
    put_tags_cost(&mut out, 2, &wanted.cost);
    out
}
