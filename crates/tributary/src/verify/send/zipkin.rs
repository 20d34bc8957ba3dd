//! Zipkin's second version in JSON (`zipkin2-api.yaml` of openzipkin/zipkin-api).

use super::super::case::SERVICE;
use super::super::span::{Span, Value, micros};
use serde_json::{Map, json};

pub(crate) const PATH: &str = "/api/v2/spans";
pub(crate) const MEDIA: &str = "application/json";

/// A list of spans, times in microseconds. Zipkin has texts as values and no others.
pub(crate) fn list(spans: &[Span]) -> Vec<u8> {
    let spans: Vec<serde_json::Value> = spans.iter().map(span).collect();
    serde_json::Value::from(spans).to_string().into_bytes()
}

fn span(span: &Span) -> serde_json::Value {
    let tags = span.attributes.iter().map(|(key, value)| {
        let text = match value {
            Value::Str(text) => text.clone(),
            other => format!("{other:?}"),
        };
        ((*key).to_owned(), text.into())
    });
    let mut object = json!({
        "traceId": span.trace.to_string(),
        "id": span.id.to_string(),
        "name": span.name,
        "timestamp": micros(span.start),
        "duration": micros(span.end.saturating_sub(span.start)),
        "localEndpoint": { "serviceName": SERVICE },
        "tags": Map::from_iter(tags),
    });
    let kind = match span.kind {
        2 => Some("SERVER"),
        3 => Some("CLIENT"),
        4 => Some("PRODUCER"),
        5 => Some("CONSUMER"),
        _ => None,
    };
    if let Some(members) = object.as_object_mut() {
        members.extend(kind.map(|kind| ("kind".to_owned(), kind.into())));
        let parent = (!span.parent.is_zero()).then(|| span.parent.to_string().into());
        members.extend(parent.map(|parent| ("parentId".to_owned(), parent)));
    }
    object
}
