//! The few HTTP requests that the tool makes.

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tributary_identity::files;
use tributary_identity::tls::{ClientTls, Connector};

/// Largest answer taken by default: far above any trace of the demo or page of metrics.
const LARGEST: usize = 16 << 20;
const PATIENCE: Duration = Duration::from_secs(10);

/// A client that keeps its connections.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client<Connector, Full<Bytes>>,
    headers: HeaderMap,
    token: Option<PathBuf>,
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
        Http { client, headers, token: None, patience, largest }
    }

    /// The same, showing the token in a file to all that is asked inside TLS.
    ///
    /// # Errors
    /// When there is none in it now.
    pub(crate) fn with_token(self, file: Option<PathBuf>) -> Result<Self, String> {
        let read = file.as_deref().map(bearer).transpose();
        read.map_err(|why| format!("--token-file: {why:#}"))?;
        Ok(Http { token: file, ..self })
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
        let is_secure = request.uri().scheme() == Some(&http::uri::Scheme::HTTPS);
        if let Some(file) = self.token.as_ref().filter(|_| is_secure) {
            request.headers_mut().insert(header::AUTHORIZATION, bearer(file)?);
        }
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

/// The token in a file, as it is now: kubelet puts another one in its place.
fn bearer(file: &Path) -> anyhow::Result<HeaderValue> {
    let token = files::read(file)?;
    let token = format!("Bearer {}", String::from_utf8_lossy(&token).trim());
    let told = || format!("{} cannot be sent in a header", file.display());
    let mut value = HeaderValue::try_from(token).with_context(told)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_is_in_its_file_now() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let why = bearer(&file).unwrap_err();
        assert!(format!("{why:#}").contains("cannot read"), "{why:#}");
        for token in ["one\n", " two"] {
            std::fs::write(&file, token).unwrap();
            let value = bearer(&file).unwrap();
            assert_eq!(value, format!("Bearer {}", token.trim()));
            assert!(value.is_sensitive());
        }
        std::fs::write(&file, "a\nb").unwrap();
        let why = format!("{:#}", bearer(&file).unwrap_err());
        assert!(why.contains("cannot be sent") && !why.contains("a\nb"), "{why}");
    }
}
