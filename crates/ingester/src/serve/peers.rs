//! Asking the other ingesters for spans that are in no block yet.

use super::LIVE;
use futures_util::future::join_all;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use std::time::Duration;
use tokio::sync::watch;
use tributary_span::columns::Builder;
use tributary_span::otlp::{Limits, decode};
use tributary_span::{Columns, TraceId};

/// An ingester that has not answered by then counts as missing.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most that one ingester may say about one trace.
const MOST: usize = 256 << 20;

/// The other ingesters' HTTP addresses, and a client for them.
#[derive(Debug, Clone)]
pub struct Peers {
    addresses: watch::Receiver<Vec<String>>,
    client: Client<HttpConnector, Empty<bytes::Bytes>>,
}

impl Peers {
    /// A client for the addresses (`host:port`) that the channel has at the time of asking.
    pub fn new(addresses: watch::Receiver<Vec<String>>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(Duration::from_secs(1)));
        Peers { addresses, client: Client::builder(TokioExecutor::new()).build(connector) }
    }

    /// Asks all of them at once: what they have, and a message for each that could not be asked.
    pub async fn ask(&self, tenant: &str, trace: &TraceId) -> (Vec<Columns>, Vec<String>) {
        let addresses = self.addresses.borrow().clone();
        let answers = join_all(addresses.iter().map(|address| async move {
            let asked = tokio::time::timeout(PATIENCE, self.ask_one(address, tenant, trace)).await;
            asked
                .unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")))
                .map_err(|why| format!("ingester {address} could not be asked: {why}"))
        }))
        .await;
        let (mut parts, mut missing) = (Vec::new(), Vec::new());
        for answer in answers {
            match answer {
                Ok(part) if part.is_empty() => {}
                Ok(part) => parts.push(part),
                Err(why) => missing.push(why),
            }
        }
        (parts, missing)
    }

    async fn ask_one(
        &self,
        address: &str,
        tenant: &str,
        trace: &TraceId,
    ) -> Result<Columns, String> {
        let uri = format!("http://{address}{LIVE}{tenant}/{trace}")
            .parse()
            .map_err(|e| format!("its address is no address: {e}"))?;
        let answer = self.client.get(uri).await.map_err(|e| e.to_string())?;
        if !answer.status().is_success() {
            return Err(format!("it answered {}", answer.status()));
        }
        let body =
            Limited::new(answer.into_body(), MOST).collect().await.map_err(|e| e.to_string())?;
        let mut spans = Builder::new();
        let limits = Limits { span_bytes: MOST };
        decode::append_all(&mut spans, &body.to_bytes(), &limits).map_err(|e| e.to_string())?;
        Ok(spans.take())
    }
}
