//! The few HTTP requests that the tool makes.

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::time::Duration;
use tributary_identity::tls::{ClientTls, Connector};

/// Largest answer taken by default: far above any trace of the demo or page of metrics.
const LARGEST: usize = 16 << 20;
const PATIENCE: Duration = Duration::from_secs(10);

/// A client that keeps its connections.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client<Connector, Full<Bytes>>,
    headers: HeaderMap,
    patience: Duration,
    largest: usize,
}

impl Http {
    /// A client for answers that are small and come soon.
    pub(crate) fn new() -> Self {
        Http::patient(HeaderMap::new(), PATIENCE, LARGEST, None)
    }

    /// A client that sends these headers with each request, and waits so long for an answer of at
    /// most so many bytes; with `tls` for `https://`.
    pub(crate) fn patient(
        headers: HeaderMap,
        patience: Duration,
        largest: usize,
        tls: Option<ClientTls>,
    ) -> Self {
        let client = Client::builder(TokioExecutor::new()).build(Connector::new(tls, None));
        Http { client, headers, patience, largest }
    }

    /// Status and body of `url`.
    pub(crate) async fn get(&self, url: &str, accept: &str) -> anyhow::Result<(StatusCode, Bytes)> {
        let request = Request::get(url).header(header::ACCEPT, accept).body(Full::default())?;
        self.answer(request).await.with_context(|| format!("GET {url}"))
    }

    /// Status and body of what `url` answers to a body.
    pub(crate) async fn post(
        &self,
        url: &str,
        media: &str,
        body: Bytes,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let request = Request::post(url).header(header::CONTENT_TYPE, media);
        let request = request.body(Full::new(body))?;
        self.answer(request).await.with_context(|| format!("POST {url}"))
    }

    async fn answer(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        request.headers_mut().extend(self.headers.clone());
        let answer = async {
            let response = self.client.request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), self.largest).collect().await;
            let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
            anyhow::Ok((status, body))
        };
        let answer = tokio::time::timeout(self.patience, answer).await;
        answer.context("no answer in time").flatten()
    }
}
