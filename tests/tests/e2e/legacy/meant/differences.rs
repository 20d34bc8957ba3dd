//! What was meant beside what came back.

use super::Meant;
use tributary_testkit::NormalSpan;
use tributary_testkit::normal::{Attributes, Double, Value};

impl Meant {
    /// What is otherwise than it was meant.
    pub(in super::super) fn differences(&self, got: &NormalSpan) -> Vec<String> {
        let mut faults = Vec::new();
        let mut same = |what: &str, meant: String, got: String| {
            if meant != got {
                faults.push(format!("{what}: meant {meant:.600}, got {got:.600}"));
            }
        };
        let near = |meant: u64, got: u64| (got / 1000).abs_diff(meant) <= self.slack_us;
        same("span", self.span.clone(), got.span_id.to_string());
        same("parent", self.parent.clone(), got.parent_id.to_string());
        same("name", self.name.clone(), got.name.clone());
        same("kind", self.kind.to_string(), got.kind.to_string());
        for (what, meant, got) in
            [("start", self.start_us, got.start), ("end", self.end_us, got.end)]
        {
            if !near(meant, got) {
                same(what, meant.to_string(), got.to_string());
            }
        }
        same("status", self.status.to_string(), got.status_code.to_string());
        same("message", self.message.clone(), got.status_message.clone());
        same("flags", self.flags.to_string(), got.flags.to_string());
        let (missing, extra) = apart(&self.attributes, &got.attributes);
        same("attributes", missing, extra);
        let scope = (got.scope.name.clone(), got.scope.version.clone());
        same("scope", format!("{:?}", self.scope), format!("{scope:?}"));
        let mut resource = got.resource.attributes.clone();
        resource.retain(|(key, _)| !self.unnoted.contains(&key.as_str()));
        let (missing, extra) = apart(&self.resource, &resource);
        same("resource", missing, extra);
        same("events", self.events.len().to_string(), got.events.len().to_string());
        for ((time, name, attributes), got) in self.events.iter().zip(&got.events) {
            if !near(*time, got.time) {
                same("event's time", time.to_string(), got.time.to_string());
            }
            same("event's name", name.clone(), got.name.clone());
            let (missing, extra) = apart(attributes, &got.attributes);
            same("event's attributes", missing, extra);
        }
        let links: Vec<_> = got
            .links
            .iter()
            .map(|l| {
                let kind = match l.attributes.as_slice() {
                    [(key, Value::Str(kind))] if key == "opentracing.ref_type" => kind.clone(),
                    other => format!("{other:?}"),
                };
                (l.trace_id.to_string(), l.span_id.to_string(), kind)
            })
            .collect();
        same("links", format!("{:?}", self.links), format!("{links:?}"));
        let rest =
            (&got.trace_state, got.dropped_attributes, got.dropped_events, got.dropped_links);
        same("rest", format!("{:?}", ("", 0, 0, 0)), format!("{rest:?}"));
        faults
    }
}

/// What only one of two lists has, in words.
fn apart(meant: &Attributes, got: &Attributes) -> (String, String) {
    let mut missing = meant.clone();
    let mut extra = Attributes::new();
    for pair in got {
        // No note of a client tells -0 from 0.
        let zero = (pair.0.clone(), Value::Double(Double(0.0)));
        let pair = if pair.1 == Value::Double(Double(-0.0)) { &zero } else { pair };
        match missing.iter().position(|m| m == pair) {
            Some(at) => drop(missing.remove(at)),
            None => extra.push(pair.clone()),
        }
    }
    (format!("{missing:?}"), format!("{extra:?}"))
}
