//! Values that are the same whatever the data.

use crate::answer::ValuesAnswer;
use tributary_traceql::ast::{Attribute, Intrinsic};

/// Type of values that are words of the language.
const KEYWORD: &str = "keyword";

const STATUSES: [&str; 3] = ["error", "ok", "unset"];
const KINDS: [&str; 6] = ["client", "consumer", "internal", "producer", "server", "unspecified"];

/// The values of an attribute that always has the same ones, or has too many to be of use.
pub(super) fn of_attribute(attribute: &Attribute) -> Option<ValuesAnswer> {
    let Attribute::Intrinsic { intrinsic, .. } = attribute else { return None };
    match intrinsic {
        Intrinsic::Status => Some(words(&STATUSES)),
        Intrinsic::Kind => Some(words(&KINDS)),
        Intrinsic::Duration
        | Intrinsic::TraceDuration
        | Intrinsic::EventTimeSinceStart
        | Intrinsic::ChildCount
        | Intrinsic::NestedSetLeft
        | Intrinsic::NestedSetRight
        | Intrinsic::NestedSetParent => Some(ValuesAnswer::default()),
        Intrinsic::Name
        | Intrinsic::StatusMessage
        | Intrinsic::SpanId
        | Intrinsic::ParentId
        | Intrinsic::RootName
        | Intrinsic::RootService
        | Intrinsic::TraceId
        | Intrinsic::EventName
        | Intrinsic::LinkTraceId
        | Intrinsic::LinkSpanId
        | Intrinsic::ScopeName
        | Intrinsic::ScopeVersion => None,
    }
}

/// The values of the first version's tags that no span has.
pub(super) fn of_tag(tag: &str) -> Option<ValuesAnswer> {
    match tag {
        "status.code" => Some(words(&STATUSES)),
        "error" => Some(words(&["true"])),
        _ => None,
    }
}

fn words(words: &[&str]) -> ValuesAnswer {
    let values = words.iter().map(|word| (KEYWORD, (*word).to_owned())).collect();
    ValuesAnswer { values, ..ValuesAnswer::default() }
}
