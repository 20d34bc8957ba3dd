//! Asking the other ingesters for spans that are in no block yet.

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use std::time::Duration;
use tributary_journal::{EpochId, Heartbeat};
use tributary_query::part::{PartAnswer, PartQuestion};
use tributary_span::columns::Builder;
use tributary_span::otlp::{Limits, decode};
use tributary_span::{Columns, TraceId};

/// Below it ingesters ask each other for what only the other one sees.
pub(super) const PEER_PATH: &str = "/internal/v1/live/";
/// Where they ask each other what is in no block yet.
pub(super) const QUESTION_PATH: &str = "/internal/v1/question";
/// How long an answer about many traces may take.
const LONG_PATIENCE: Duration = Duration::from_secs(20);
/// An ingester that has not answered by then counts as missing.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most that one ingester may say about one trace.
const MAX_ANSWER: usize = 256 << 20;

/// A client for the other ingesters.
#[derive(Debug, Clone)]
pub(crate) struct Peers {
    client: Client<HttpConnector, Full<Bytes>>,
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

impl Default for Peers {
    fn default() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(Duration::from_secs(1)));
        Peers { client: Client::builder(TokioExecutor::new()).build(connector) }
    }
}

impl Peers {
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

    async fn question_one(&self, address: &str, body: Bytes) -> Result<PartAnswer, PeerFailure> {
        let silent = |e: &dyn std::fmt::Display| PeerFailure::Silent(e.to_string());
        let request = http::Request::post(format!("http://{address}{QUESTION_PATH}"));
        let request = request.body(Full::new(body)).map_err(|e| silent(&e))?;
        let answer = self.client.request(request).await.map_err(|e| silent(&e))?;
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
        let uri = format!("http://{address}{PEER_PATH}{tenant}/{trace}")
            .parse()
            .map_err(|e| PeerFailure::Silent(format!("its address is no address: {e}")))?;
        let answer = self.client.get(uri).await.map_err(|e| PeerFailure::Silent(e.to_string()))?;
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
