//! New traces as they come.

use super::search::Trace;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Seconds that each question after the first looks back: spans come a little after their time.
pub(crate) const LOOK_BACK: u64 = 60;

/// A trace that was found, and how the server tells of it.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) trace: Trace,
    pub(crate) json: Value,
}

impl Hit {
    /// The traces of a `SearchResponse`.
    pub(crate) fn read(body: &[u8]) -> anyhow::Result<Vec<Hit>> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            traces: Vec<Value>,
        }
        let hit = |json: Value| Ok(Hit { trace: Trace::deserialize(&json)?, json });
        serde_json::from_slice::<Answer>(body)?.traces.into_iter().map(hit).collect()
    }
}

/// Traces that were shown, for as long as they may come again.
#[derive(Debug, Default)]
pub(crate) struct Seen(BTreeMap<String, u64>);

impl Seen {
    /// Of what was found at `now` (Unix seconds) that which was not shown before, oldest first.
    pub(crate) fn fresh(&mut self, mut found: Vec<Hit>, now: u64) -> Vec<Hit> {
        found.sort_by(|a, b| (a.trace.start, &a.trace.id).cmp(&(b.trace.start, &b.trace.id)));
        found.retain(|hit| self.0.insert(hit.trace.id.clone(), now).is_none());
        self.0.retain(|_, last| last.saturating_add(2 * LOOK_BACK) > now);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids and starts.
    type Found<'a> = &'a [(&'a str, u64)];

    #[test]
    fn each_trace_is_shown_once() {
        let mut seen = Seen::default();
        let steps: [(Found<'_>, u64, &[&str]); 5] = [
            (&[("b", 2), ("a", 1)], 100, &["a", "b"]),
            (&[("c", 3), ("b", 2), ("a", 1)], 101, &["c"]),
            (&[], 219, &[]),
            (&[("c", 3)], 221, &[]),
            (&[("c", 3), ("a", 1)], 222, &["a"]),
        ];
        for (found, now, expected) in steps {
            let traces: Vec<_> = found
                .iter()
                .map(|(id, start)| {
                    format!(r#"{{"traceID":"{id}","startTimeUnixNano":"{start}","new":[1]}}"#)
                })
                .collect();
            let body = format!(r#"{{"traces":[{}]}}"#, traces.join(","));
            let fresh = seen.fresh(Hit::read(body.as_bytes()).unwrap(), now);
            let ids: Vec<_> = fresh.iter().map(|hit| hit.trace.id.as_str()).collect();
            assert_eq!(ids, expected, "at {now}");
            assert!(fresh.iter().all(|hit| hit.json["new"][0] == 1), "what came is kept whole");
        }
        assert!(Hit::read(b"{}").unwrap().is_empty());
        assert!(Hit::read(b"echo").is_err());
    }
}
