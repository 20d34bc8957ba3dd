//! Asking the other ingesters for spans that are in no block yet.

use super::LIVE;
use futures_util::future::join_all;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use std::time::Duration;
use tributary_journal::{EpochId, Heartbeat};
use tributary_span::columns::Builder;
use tributary_span::otlp::{Limits, decode};
use tributary_span::{Columns, TraceId};

/// An ingester that has not answered by then counts as missing.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most that one ingester may say about one trace.
const MOST: usize = 256 << 20;

/// A client for the other ingesters.
#[derive(Debug, Clone)]
pub struct Peers {
    client: Client<HttpConnector, Empty<bytes::Bytes>>,
}

/// What the others told.
#[derive(Debug, Default)]
pub struct Told {
    /// Their spans, one part an ingester that has any.
    pub parts: Vec<Columns>,
    /// A message for each that cannot see all of what it should.
    pub missing: Vec<String>,
    /// Epochs of those that did not answer: what they hold in memory is in segments of these.
    pub silent: Vec<EpochId>,
}

/// Why an ingester told nothing.
enum Failed {
    /// It does not answer.
    Silent(String),
    /// It answers that it could not read something, which may be what nobody else knows of.
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
    pub async fn ask(&self, living: &[Heartbeat], tenant: &str, trace: &TraceId) -> Told {
        let answers = join_all(living.iter().map(|live| async move {
            let asking = self.ask_one(&live.query_address, tenant, trace);
            let asked = tokio::time::timeout(PATIENCE, asking).await;
            let late = |_| Err(Failed::Silent(format!("no answer within {PATIENCE:?}")));
            (live, asked.unwrap_or_else(late))
        }));
        let mut told = Told::default();
        for (live, answer) in answers.await {
            let address = &live.query_address;
            match answer {
                Ok(part) if part.is_empty() => continue,
                Ok(part) => {
                    told.parts.push(part);
                    continue;
                }
                Err(Failed::Silent(why)) => {
                    tracing::warn!(address, why, "an ingester does not answer; its segments do");
                }
                Err(Failed::Partial(why)) => {
                    told.missing.push(format!("ingester {address} could not read all: {why}"));
                }
            }
            told.silent.extend(&live.epochs);
        }
        told
    }

    async fn ask_one(
        &self,
        address: &str,
        tenant: &str,
        trace: &TraceId,
    ) -> Result<Columns, Failed> {
        let uri = format!("http://{address}{LIVE}{tenant}/{trace}")
            .parse()
            .map_err(|e| Failed::Silent(format!("its address is no address: {e}")))?;
        let answer = self.client.get(uri).await.map_err(|e| Failed::Silent(e.to_string()))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MOST).collect().await;
        let body = body.map_err(|e| Failed::Silent(e.to_string()))?;
        if !status.is_success() {
            let said = String::from_utf8_lossy(&body.to_bytes()).into_owned();
            return Err(Failed::Partial(format!("{status} {said}")));
        }
        let mut spans = Builder::new();
        let limits = Limits { span_bytes: MOST };
        decode::append_all(&mut spans, &body.to_bytes(), &limits)
            .map_err(|e| Failed::Silent(e.to_string()))?;
        Ok(spans.take())
    }
}
