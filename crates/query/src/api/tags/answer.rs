//! From names that were found to an answer.

use super::TagsCall;
use crate::answer::TagsAnswer;
use crate::api::names::without_scopes;
use crate::api::{Accept, Answer, JSON, PROTOBUF, Version, cost, messages};
use crate::json::Json;
use tributary_traceql::ast::Scope;

/// The names of the language itself that Tempo lists.
const INTRINSICS: [&str; 25] = [
    "duration",
    "event:name",
    "event:timeSinceStart",
    "instrumentation:name",
    "instrumentation:version",
    "kind",
    "link:spanID",
    "link:traceID",
    "name",
    "rootName",
    "rootServiceName",
    "span:duration",
    "span:id",
    "span:kind",
    "span:name",
    "span:parentID",
    "span:status",
    "span:statusMessage",
    "status",
    "statusMessage",
    "trace:duration",
    "trace:id",
    "trace:rootName",
    "trace:rootService",
    "traceDuration",
];

const INTRINSIC: &str = "intrinsic";

/// The names of the language itself.
pub(super) fn intrinsics(limit: Option<usize>) -> TagsAnswer {
    let names = INTRINSICS.iter().take(limit.unwrap_or(usize::MAX));
    let names = names.map(|name| (*name).to_owned()).collect();
    TagsAnswer { scopes: vec![(INTRINSIC, names)], ..TagsAnswer::default() }
}

impl TagsCall {
    /// The answer to the call.
    pub fn answer(&self, found: &TagsAnswer) -> Answer {
        self.give(&self.wanted(found))
    }

    /// What is to be answered out of what was found: names of the scope that was asked for, so
    /// many of each scope as wanted, and the names of the language where they belong.
    pub fn wanted(&self, found: &TagsAnswer) -> TagsAnswer {
        let limit = self.limit.unwrap_or(usize::MAX);
        let of_call = |scope: &str| match self.scope {
            Some(wanted) => scope == scope_name(wanted),
            None => scope != INTRINSIC,
        };
        let mut wanted = TagsAnswer { scopes: Vec::new(), cost: found.cost };
        for (scope, names) in found.scopes.iter().filter(|(scope, _)| of_call(scope)) {
            if !names.is_empty() {
                wanted.scopes.push((scope, names.iter().take(limit).cloned().collect()));
            }
        }
        if self.scope.is_none() && self.version == Version::V2 {
            wanted.scopes.extend(intrinsics(self.limit).scopes);
        }
        wanted
    }

    /// Writes the answer as it is.
    pub(super) fn give(&self, wanted: &TagsAnswer) -> Answer {
        match (self.version, self.accept) {
            (Version::V1, Accept::Json) => Answer::ok(JSON, names_json(wanted)),
            (Version::V2, Accept::Json) => Answer::ok(JSON, scopes_json(wanted)),
            (Version::V1, Accept::Protobuf) => {
                Answer::ok(PROTOBUF, messages::tags_response(wanted))
            }
            (Version::V2, Accept::Protobuf) => {
                Answer::ok(PROTOBUF, messages::tags_v2_response(wanted))
            }
        }
    }
}

fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Span => "span",
        Scope::Resource => "resource",
        Scope::Event => "event",
        Scope::Link => "link",
        Scope::Instrumentation => "instrumentation",
    }
}

/// A `SearchTagsResponse`.
fn names_json(tags: &TagsAnswer) -> Vec<u8> {
    let mut json = Json::default();
    json.object(|json| {
        list(json, "tagNames", without_scopes(tags));
        cost::of_tags(json, &tags.cost);
    });
    json.finish()
}

/// A `SearchTagsV2Response`.
fn scopes_json(tags: &TagsAnswer) -> Vec<u8> {
    let mut json = Json::default();
    json.object(|json| {
        json.member("scopes").array(|json| {
            for (scope, names) in &tags.scopes {
                json.element().object(|json| {
                    json.member("name").string(scope);
                    list(json, "tags", names.iter().map(String::as_str));
                });
            }
        });
        cost::of_tags(json, &tags.cost);
    });
    json.finish()
}

fn list<'a>(json: &mut Json, member: &str, texts: impl IntoIterator<Item = &'a str>) {
    json.member(member).array(|json| {
        for text in texts {
            json.element().string(text);
        }
    });
}
