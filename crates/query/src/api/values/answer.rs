//! From values that were found to an answer.

use super::ValuesCall;
use crate::answer::ValuesAnswer;
use crate::api::{Accept, Answer, JSON, PROTOBUF, Version, cost, messages};
use crate::json::Json;

impl ValuesCall {
    /// The answer to the call.
    pub fn answer(&self, found: &ValuesAnswer) -> Answer {
        let wanted = self.wanted(found);
        match (self.version, self.accept) {
            (Version::V1, Accept::Json) => Answer::ok(JSON, texts_json(&wanted)),
            (Version::V2, Accept::Json) => Answer::ok(JSON, values_json(&wanted)),
            (Version::V1, Accept::Protobuf) => {
                Answer::ok(PROTOBUF, messages::values_response(&wanted))
            }
            (Version::V2, Accept::Protobuf) => {
                Answer::ok(PROTOBUF, messages::values_v2_response(&wanted))
            }
        }
    }

    /// What is to be answered out of what was found: so many values as wanted. In the first
    /// version, which leaves out types, values count once that differ in nothing else, and stand
    /// in order of their texts.
    pub fn wanted(&self, found: &ValuesAnswer) -> ValuesAnswer {
        let limit = self.limit.unwrap_or(usize::MAX);
        let mut values = found.values.clone();
        if self.version == Version::V1 {
            values.sort_unstable_by(|(_, a), (_, b)| a.cmp(b));
            values.dedup_by(|(_, a), (_, b)| a == b);
        }
        values.truncate(limit);
        ValuesAnswer { values, cost: found.cost }
    }
}

/// A `SearchTagValuesResponse`.
fn texts_json(found: &ValuesAnswer) -> Vec<u8> {
    response(found, |json, _, text| json.string(text))
}

/// A `SearchTagValuesV2Response`.
fn values_json(found: &ValuesAnswer) -> Vec<u8> {
    response(found, |json, kind, text| {
        json.object(|json| {
            json.member("type").string(kind);
            json.member("value").string(text);
        });
    })
}

fn response(found: &ValuesAnswer, write: impl Fn(&mut Json, &str, &str)) -> Vec<u8> {
    let mut json = Json::default();
    json.object(|json| {
        json.member("tagValues").array(|json| {
            for (kind, text) in &found.values {
                write(json.element(), kind, text);
            }
        });
        cost::of_tags(json, &found.cost);
    });
    json.finish()
}
