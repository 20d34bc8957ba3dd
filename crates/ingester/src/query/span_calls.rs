//! Who calls whom, as several ingesters have counted it: what they tell each other and the page.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tributary_query::api::{self, Answer};
use tributary_span_metrics::Store;

/// Who calls whom, and of which ingesters that is known.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Calls {
    /// When the first of them began to count, seconds since 1970.
    pub(super) since: u64,
    /// How many have told theirs, this one included.
    pub(super) ingesters: usize,
    /// A message for each that has not.
    pub(super) missing: Vec<String>,
    /// Sorted; each once.
    pub(super) edges: Vec<Edge>,
}

/// Calls between two services.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Edge {
    pub(super) client: String,
    pub(super) server: String,
    /// As the label says it; empty for a call.
    pub(super) connection_type: String,
    pub(super) calls: u64,
    pub(super) failed: u64,
    /// In all, by the clients' spans.
    pub(super) client_seconds: f64,
    /// In all, by the servers' spans.
    pub(super) server_seconds: f64,
}

impl Calls {
    /// What a store has counted since a moment, seconds since 1970.
    pub(super) fn of(store: &Store, tenants: &[String], since: u64) -> Calls {
        let edges = store.calls(tenants).into_iter().map(|call| Edge {
            client: call.client,
            server: call.server,
            connection_type: call.connection.name().to_owned(),
            calls: call.calls,
            failed: call.failed,
            client_seconds: call.client_seconds,
            server_seconds: call.server_seconds,
        });
        Calls { since, ingesters: 1, missing: Vec::new(), edges: edges.collect() }
    }

    /// What several have counted together.
    pub(super) fn add(self, other: Calls) -> Calls {
        let mut edges: BTreeMap<(String, String, String), Edge> = BTreeMap::new();
        for edge in self.edges.into_iter().chain(other.edges) {
            let key = (edge.client.clone(), edge.server.clone(), edge.connection_type.clone());
            match edges.get_mut(&key) {
                None => drop(edges.insert(key, edge)),
                Some(sum) => {
                    sum.calls += edge.calls;
                    sum.failed += edge.failed;
                    sum.client_seconds += edge.client_seconds;
                    sum.server_seconds += edge.server_seconds;
                }
            }
        }
        Calls {
            since: self.since.min(other.since),
            ingesters: self.ingesters + other.ingesters,
            missing: self.missing.into_iter().chain(other.missing).collect(),
            edges: edges.into_values().collect(),
        }
    }

    /// As an answer.
    pub(super) fn answer(&self) -> Answer {
        match serde_json::to_vec(self) {
            Ok(body) => {
                Answer { status: StatusCode::OK, content_type: api::JSON, body: body.into() }
            }
            Err(why) => Answer::error(StatusCode::INTERNAL_SERVER_ERROR, why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_have_counted_is_one_list() {
        let edge = |client: &str, calls| Edge {
            client: client.to_owned(),
            server: "s".to_owned(),
            connection_type: String::new(),
            calls,
            failed: 1,
            client_seconds: 0.5,
            server_seconds: 0.25,
        };
        let of = |since, edges| Calls { since, ingesters: 1, missing: Vec::new(), edges };
        let silent = Calls { since: u64::MAX, missing: vec!["x".to_owned()], ..Calls::default() };
        let sum =
            of(9, vec![edge("b", 1)]).add(of(7, vec![edge("b", 2), edge("a", 4)])).add(silent);
        let both = Edge { failed: 2, client_seconds: 1.0, server_seconds: 0.5, ..edge("b", 3) };
        let expected = Calls {
            since: 7,
            ingesters: 2,
            missing: vec!["x".to_owned()],
            edges: vec![edge("a", 4), both],
        };
        assert_eq!(sum, expected);
        let text = serde_json::to_string(&expected).unwrap();
        assert_eq!(serde_json::from_str::<Calls>(&text).unwrap(), expected);
    }
}
