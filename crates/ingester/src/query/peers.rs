//! Asking the other ingesters for spans that are in no block yet.

use super::span_calls::Calls;
use crate::config::Access;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::path::PathBuf;
use std::time::Duration;
use tributary_identity::files;
use tributary_identity::tls::{ClientTls, Connector, server_name};
use tributary_journal::{EpochId, Heartbeat};
use tributary_query::part::{PartAnswer, PartQuestion};
use tributary_span::columns::Builder;
use tributary_span::otlp::{Limits, decode};
use tributary_span::{Columns, TraceId};
use tributary_telemetry::ErrorChain;

/// What ingesters ask each other is this or below it.
pub(super) const INTERNAL: &str = "/internal";
/// Below it ingesters ask each other for what only the other one sees.
pub(super) const PEER_PATH: &str = "/internal/v1/live/";
/// Where they ask each other what is in no block yet.
pub(super) const QUESTION_PATH: &str = "/internal/v1/question";
/// Below it ingesters ask each other who calls whom, by tenants joined with commas, which no tenant has.
pub(super) const CALLS_PATH: &str = "/internal/v1/calls/";
/// How long an answer about many traces may take.
const LONG_PATIENCE: Duration = Duration::from_secs(20);
/// An ingester that has not answered by then counts as missing.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most that one ingester may say about one trace.
const MAX_ANSWER: usize = 256 << 20;
/// The most that one ingester may say about who calls whom.
const MAX_CALLS: usize = 16 << 20;

/// A client for the other ingesters.
#[derive(Debug, Clone)]
pub(crate) struct Peers {
    client: Client<Connector, Full<Bytes>>,
    /// The file with what they are shown, inside TLS alone.
    token: Option<PathBuf>,
}

/// What the others told.
#[derive(Debug, Default)]
pub(super) struct PeerAnswers {
    /// Their spans, one part an ingester that has any.
    pub parts: Vec<Columns>,
    /// A message for each that cannot see all of what it should.
    pub missing: Vec<String>,
    /// Epochs of those that did not answer: what they hold in memory is in segments of these.
    pub silent: Vec<EpochId>,
}

/// What the others told about many traces.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Their answers.
    pub(super) answers: Vec<PartAnswer>,
    /// A message for each that cannot see all of what it should.
    pub(super) missing: Vec<String>,
    /// Epochs of those that did not answer.
    pub(super) silent: Vec<EpochId>,
}

/// Why an ingester told nothing.
enum PeerFailure {
    /// It does not answer.
    Silent(String),
    /// It answers that it could not read something, which may be what no other ingester knows of.
    Partial(String),
}

impl Peers {
    /// With `tls` to those that speak it.
    pub(crate) fn new(access: &Access, tls: Option<ClientTls>) -> Self {
        let name = access.peer_name.as_deref().and_then(server_name);
        let mut connector = Connector::new(tls, name);
        connector.set_connect_timeout(Duration::from_secs(1));
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Peers { client, token: access.peer_token.clone() }
    }

    /// A request to the ingester that tells this address: those that speak TLS tell it as a URL.
    fn request(
        &self,
        method: Method,
        address: &str,
        path: &str,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, PeerFailure> {
        let silent = |e: &dyn std::fmt::Display| PeerFailure::Silent(e.to_string());
        let secure = address.starts_with("https://");
        let scheme = if secure { "" } else { "http://" };
        let request = Request::builder().method(method).uri(format!("{scheme}{address}{path}"));
        let mut request = request.body(Full::new(body)).map_err(|e| silent(&e))?;
        if let Some(file) = self.token.as_ref().filter(|_| secure) {
            // Read each time: it is replaced before it is out of date.
            let token = files::read(file).map_err(|e| silent(&ErrorChain(&e)))?;
            let value = format!("Bearer {}", String::from_utf8_lossy(&token).trim());
            let mut value = HeaderValue::try_from(value).map_err(|e| silent(&e))?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        Ok(request)
    }

    /// Asks all of these at once.
    pub(super) async fn ask(
        &self,
        living: &[Heartbeat],
        tenant: &str,
        trace: &TraceId,
    ) -> PeerAnswers {
        let asked = join_all(living.iter().map(|peer| async move {
            let asking = self.ask_one(&peer.query_address, tenant, trace);
            let asked = tokio::time::timeout(PATIENCE, asking).await;
            let late = |_| Err(PeerFailure::Silent(format!("no answer within {PATIENCE:?}")));
            (peer, asked.unwrap_or_else(late))
        }));
        let mut answers = PeerAnswers::default();
        for (peer, answer) in asked.await {
            let address = &peer.query_address;
            match answer {
                Ok(part) if part.is_empty() => continue,
                Ok(part) => {
                    answers.parts.push(part);
                    continue;
                }
                Err(PeerFailure::Silent(why)) => {
                    tracing::warn!(address, why, "an ingester does not answer; its segments do");
                }
                Err(PeerFailure::Partial(why)) => {
                    answers.missing.push(format!("ingester {address} could not read all: {why}"));
                }
            }
            answers.silent.extend(&peer.epochs);
        }
        answers
    }

    /// Puts a question about what is in no block yet to all of these at once.
    pub(super) async fn question(&self, living: &[Heartbeat], question: &PartQuestion) -> Told {
        let body = match question.encode() {
            Ok(body) => Bytes::from(body),
            Err(why) => {
                return Told { missing: vec![why.to_string()], ..Told::default() };
            }
        };
        let asked = join_all(living.iter().map(|peer| {
            let body = body.clone();
            async move {
                let asking = self.question_one(&peer.query_address, body);
                let asked = tokio::time::timeout(LONG_PATIENCE, asking).await;
                let late =
                    |_| Err(PeerFailure::Silent(format!("no answer within {LONG_PATIENCE:?}")));
                (peer, asked.unwrap_or_else(late))
            }
        }));
        let mut told = Told::default();
        for (peer, answer) in asked.await {
            let address = &peer.query_address;
            match answer {
                Ok(answer) => {
                    told.answers.push(answer);
                    continue;
                }
                Err(PeerFailure::Silent(why)) => {
                    tracing::warn!(address, why, "an ingester does not answer; its segments do");
                }
                Err(PeerFailure::Partial(why)) => {
                    told.missing.push(format!("ingester {address} could not read all: {why}"));
                }
            }
            told.silent.extend(&peer.epochs);
        }
        told
    }

    /// Asks all of these who calls whom; one that does not tell is told of.
    pub(super) async fn calls(&self, living: &[Heartbeat], tenants: &[String]) -> Vec<Calls> {
        join_all(living.iter().map(|peer| async move {
            let path = format!("{CALLS_PATH}{}", tenants.join(","));
            let asking = self.calls_one(&peer.query_address, &path);
            let asked = tokio::time::timeout(PATIENCE, asking).await;
            let late = |_| Err(PeerFailure::Silent(format!("no answer within {PATIENCE:?}")));
            asked.unwrap_or_else(late).unwrap_or_else(|failure| {
                let (PeerFailure::Silent(why) | PeerFailure::Partial(why)) = failure;
                let missing = vec![format!("ingester {}: {why}", peer.query_address)];
                Calls { since: u64::MAX, missing, ..Calls::default() }
            })
        }))
        .await
    }

    async fn calls_one(&self, address: &str, path: &str) -> Result<Calls, PeerFailure> {
        let silent = |e: &dyn std::fmt::Display| PeerFailure::Silent(e.to_string());
        let request = self.request(Method::GET, address, path, Bytes::new())?;
        let answer = self.client.request(request).await.map_err(|e| silent(&ErrorChain(&e)))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_CALLS).collect().await;
        let body = body.map_err(|e| silent(&e))?.to_bytes();
        if !status.is_success() {
            let said = String::from_utf8_lossy(&body).into_owned();
            return Err(PeerFailure::Partial(format!("{status} {said}")));
        }
        serde_json::from_slice(&body).map_err(|e| silent(&e))
    }

    async fn question_one(&self, address: &str, body: Bytes) -> Result<PartAnswer, PeerFailure> {
        let silent = |e: &dyn std::fmt::Display| PeerFailure::Silent(e.to_string());
        let request = self.request(Method::POST, address, QUESTION_PATH, body)?;
        let answer = self.client.request(request).await.map_err(|e| silent(&ErrorChain(&e)))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|e| silent(&e))?.to_bytes();
        if !status.is_success() {
            let said = String::from_utf8_lossy(&body).into_owned();
            return Err(PeerFailure::Partial(format!("{status} {said}")));
        }
        PartAnswer::decode(&body).map_err(|e| silent(&e))
    }

    async fn ask_one(
        &self,
        address: &str,
        tenant: &str,
        trace: &TraceId,
    ) -> Result<Columns, PeerFailure> {
        let path = format!("{PEER_PATH}{tenant}/{trace}");
        let request = self.request(Method::GET, address, &path, Bytes::new())?;
        let answer = self.client.request(request).await;
        let answer = answer.map_err(|e| PeerFailure::Silent(ErrorChain(&e).to_string()))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|e| PeerFailure::Silent(e.to_string()))?;
        if !status.is_success() {
            let said = String::from_utf8_lossy(&body.to_bytes()).into_owned();
            return Err(PeerFailure::Partial(format!("{status} {said}")));
        }
        let mut spans = Builder::new();
        let limits = Limits { span_bytes: MAX_ANSWER };
        decode::append_all(&mut spans, &body.to_bytes(), &limits)
            .map_err(|e| PeerFailure::Silent(e.to_string()))?;
        Ok(spans.take())
    }
}
