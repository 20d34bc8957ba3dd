//! The answer to a search, as far as it is shown.

use super::value::{KeyValue, whole};
use serde::Deserialize;

/// A `SearchResponse`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Answer {
    #[serde(default)]
    pub(crate) traces: Vec<Trace>,
}

/// A trace that matches.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Trace {
    #[serde(rename = "traceID")]
    pub(crate) id: String,
    pub(crate) root_service_name: String,
    pub(crate) root_trace_name: String,
    #[serde(deserialize_with = "whole", rename = "startTimeUnixNano")]
    pub(crate) start: u64,
    #[serde(deserialize_with = "whole")]
    pub(crate) duration_ms: u64,
    span_sets: Vec<SpanSet>,
    /// What older servers have in its place.
    span_set: Option<SpanSet>,
}

/// Spans of a trace that match together.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct SpanSet {
    spans: Vec<Span>,
    #[serde(deserialize_with = "whole")]
    matched: u64,
    attributes: Vec<KeyValue>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Span {
    attributes: Vec<KeyValue>,
}

impl Trace {
    fn sets(&self) -> impl Iterator<Item = &SpanSet> {
        let older = self.span_set.iter().filter(|_| self.span_sets.is_empty());
        self.span_sets.iter().chain(older)
    }

    /// Spans that match, those that are not listed included.
    pub(crate) fn matched(&self) -> u64 {
        self.sets().map(|set| set.matched).sum()
    }

    /// What is said of the sets and of their listed spans, each once, in the order of the answer.
    pub(crate) fn attributes(&self) -> Vec<String> {
        let mut shown = Vec::new();
        for set in self.sets() {
            let spans = set.spans.iter().flat_map(|span| &span.attributes);
            for attribute in set.attributes.iter().chain(spans) {
                let attribute = attribute.shown();
                if !shown.contains(&attribute) {
                    shown.push(attribute);
                }
            }
        }
        shown
    }
}

/// Newest first, in whatever order they came.
pub(crate) fn newest_first(traces: &mut [Trace]) {
    traces.sort_by(|a, b| b.start.cmp(&a.start).then_with(|| a.id.cmp(&b.id)));
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"traces":[
        {"traceID":"2a","rootServiceName":"web","rootTraceName":"GET /","startTimeUnixNano":"1000",
         "durationMs":7,"serviceStats":{"web":{"spanCount":2}},
         "spanSet":{"matched":5},
         "spanSets":[
            {"matched":5,"attributes":[{"key":"count()","value":{"intValue":"5"}}],"spans":[
                {"spanID":"01","attributes":[{"key":"status","value":{"stringValue":"error"}}]},
                {"spanID":"02","attributes":[{"key":"status","value":{"stringValue":"error"}},
                                             {"key":"n","value":{"intValue":"1"}}]}]},
            {"matched":2}]},
        {"traceID":"1","startTimeUnixNano":"2000","spanSet":{"matched":3}},
        {"traceID":"3","startTimeUnixNano":"2000"}
    ],"metrics":{"inspectedBytes":"9"}}"#;

    #[test]
    fn answers_of_every_age_are_read() {
        let mut answer: Answer = serde_json::from_str(ANSWER).unwrap();
        newest_first(&mut answer.traces);
        let told: Vec<_> = answer.traces.iter().map(|t| (t.id.as_str(), t.matched())).collect();
        assert_eq!(told, [("1", 3), ("3", 0), ("2a", 7)]);
        assert_eq!(answer.traces[2].attributes(), ["count()=5", "status=error", "n=1"]);
        let nothing: Answer = serde_json::from_str(r#"{"metrics":{}}"#).unwrap();
        assert!(nothing.traces.is_empty());
    }
}
