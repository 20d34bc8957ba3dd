//! What is written alike in JSON and in messages.

use crate::answer::TagsAnswer;
use tributary_span::TraceId;

/// What stands in place of the service of a root that is not there. Grafana knows this text.
pub(super) const NO_ROOT: &str = "<root span not yet received>";

/// A trace's id as searches write it: without the zeros in front.
pub(super) fn short_id(id: &TraceId) -> String {
    let id = id.to_string();
    match id.trim_start_matches('0') {
        "" => "0".to_owned(),
        short => short.to_owned(),
    }
}

/// Whole milliseconds of a duration in nanoseconds.
pub(super) fn milliseconds(duration: u64) -> u32 {
    u32::try_from(duration / 1_000_000).unwrap_or(u32::MAX)
}

/// The names of all scopes, each once, in order.
pub(super) fn without_scopes(tags: &TagsAnswer) -> Vec<&str> {
    let mut names: Vec<_> = tags.scopes.iter().flat_map(|(_, names)| names).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(String::as_str).collect()
}
