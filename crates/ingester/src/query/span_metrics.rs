//! `/metrics/spans`: metrics from spans for Prometheus. `/metrics/spans/calls`: who calls whom, for the
//! page.
//!
//! Both are about the tenants that the caller may read, as every question is. The first is what this
//! ingester has counted, since each is scraped; the second is what all of them have.

use super::encoding::{Encoding, Packer};
use super::http::{HttpState, respond};
use super::peers::CALLS_PATH;
use super::shown::paced::paced;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use tributary_query::api::{self, Answer};
use tributary_span::tenant;
use tributary_span_metrics::{CONTENT_TYPE, Page, Store};

/// For Prometheus.
pub(super) const SPANS_PATH: &str = "/metrics/spans";
/// For the page.
pub(super) const SPAN_CALLS_PATH: &str = "/metrics/spans/calls";
const OFF: &str = "no metrics are made of spans here: the setting span-metrics is off";

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
    fn of(store: &Store, tenants: &[String], since: u64) -> Calls {
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

    fn answer(&self) -> Answer {
        match serde_json::to_vec(self) {
            Ok(body) => {
                Answer { status: StatusCode::OK, content_type: api::JSON, body: body.into() }
            }
            Err(why) => Answer::error(StatusCode::INTERNAL_SERVER_ERROR, why),
        }
    }
}

impl HttpState {
    fn tenants_of(&self, headers: &HeaderMap) -> Result<Vec<String>, Answer> {
        let named = headers.get(tenant::HEADER).map(http::HeaderValue::as_bytes);
        api::tenants(self.settings.tenancy, named)
    }

    /// The page for Prometheus: in portions, so that it takes no memory to speak of.
    pub(super) fn span_metrics_page(&self, headers: &HeaderMap) -> Response {
        let encoding = Encoding::taken(headers);
        let Some(counted) = &self.span_metrics else {
            return respond(Answer::error(StatusCode::NOT_FOUND, OFF), encoding);
        };
        let tenants = match self.tenants_of(headers) {
            Ok(tenants) => tenants,
            Err(answer) => return respond(answer, encoding),
        };
        let packer = match Packer::new(encoding) {
            Ok(packer) => packer,
            Err(why) => {
                return respond(Answer::error(StatusCode::INTERNAL_SERVER_ERROR, why), None);
            }
        };
        let writing = Some((Page::new(tenants), packer, counted.store.clone()));
        let portions = stream::try_unfold(writing, async |writing| {
            let Some((mut page, mut packer, store)) = writing else { return Ok(None) };
            loop {
                let mut text = String::new();
                let is_more = page.next(&*store.lock().await, &mut text);
                let mut packed = packer.add(text.as_bytes())?;
                if !is_more {
                    packed.extend(packer.end()?.unwrap_or_default());
                    return Ok::<_, io::Error>(Some((Bytes::from(packed), None)));
                }
                if !packed.is_empty() {
                    return Ok(Some((Bytes::from(packed), Some((page, packer, store)))));
                }
            }
        });
        let head =
            Answer { status: StatusCode::OK, content_type: CONTENT_TYPE, body: Bytes::new() };
        let mut response = respond(head, encoding);
        Encoding::say(encoding, response.headers_mut());
        *response.body_mut() = Body::from_stream(paced(portions));
        response
    }

    /// Who calls whom, as all ingesters have counted.
    pub(super) async fn span_calls(&self, headers: &HeaderMap) -> Answer {
        let tenants = match self.tenants_of(headers) {
            Ok(tenants) => tenants,
            Err(answer) => return answer,
        };
        let Some(own) = self.own_calls(&tenants).await else {
            return Answer::error(StatusCode::NOT_FOUND, OFF);
        };
        let others = self.membership.others();
        let told = self.peers.calls(&others.living, &tenants).await;
        told.into_iter().fold(own, Calls::add).answer()
    }

    /// The same of this one, for another ingester.
    pub(super) async fn answer_calls(&self, path: &str) -> Answer {
        let named = path.strip_prefix(CALLS_PATH).unwrap_or_default();
        let tenants: Vec<String> = named.split('|').map(str::to_owned).collect();
        match self.own_calls(&tenants).await {
            Some(calls) => calls.answer(),
            None => Answer::error(StatusCode::NOT_FOUND, OFF),
        }
    }

    async fn own_calls(&self, tenants: &[String]) -> Option<Calls> {
        let counted = self.span_metrics.as_ref()?;
        Some(Calls::of(&*counted.store.lock().await, tenants, counted.since / 1000))
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
