//! The few HTTP requests that the demo makes.

use anyhow::Context;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::time::Duration;

/// Largest answer taken: far above any trace of the story or page of metrics.
const LARGEST: usize = 16 << 20;
const PATIENCE: Duration = Duration::from_secs(10);

/// A client that keeps its connections.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client<HttpConnector, Empty<Bytes>>,
}

impl Http {
    pub(crate) fn new() -> Self {
        Http { client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Status and body of `url`.
    pub(crate) async fn get(&self, url: &str, accept: &str) -> anyhow::Result<(StatusCode, Bytes)> {
        let request = Request::get(url).header(header::ACCEPT, accept).body(Empty::new())?;
        let answer = async {
            let response = self.client.request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LARGEST).collect().await;
            let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
            anyhow::Ok((status, body))
        };
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        answer.context("no answer in time").flatten().with_context(|| format!("GET {url}"))
    }
}
