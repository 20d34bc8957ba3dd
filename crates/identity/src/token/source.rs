//! Where an issuer's keys are: in a file, or at an address that tells them.
//!
//! An API server tells its own at `/openid/v1/jwks`, to callers that show a ServiceAccount's token. What
//! comes from there is not trusted: it is asked for inside TLS alone, within a time and a size, and
//! counts when it is a set with a key that can be used.

use super::{KeySet, KeySetError};
use crate::files::{self, FileError};
use crate::tls::{ClientFiles, ClientTls, Connector, TlsError};
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::timeout;

/// How long an answer may take, from the first packet to its last byte.
pub const PATIENCE: Duration = Duration::from_secs(3);
/// No answer is longer: 64 keys of RSA have some 50 KB.
const LARGEST: usize = 256 << 10;

/// Where keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In this file.
    File(PathBuf),
    /// At this address.
    Url(KeyUrl),
}

/// An address that tells keys, and how it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUrl {
    /// `https://…`
    pub url: Uri,
    /// The authorities that its certificate must be signed by; without it the system's.
    pub ca: Option<PathBuf>,
    /// The file with the token that it is shown. Read each time: it is replaced before it is out of
    /// date.
    pub token: Option<PathBuf>,
}

/// Why there are no keys from there.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// What the token's file has can stand in no header.
    #[error("the token's file has no token")]
    Token,
    /// No connection, or one that broke.
    #[error("no answer")]
    Connection(#[source] Box<dyn Error + Send + Sync>),
    /// Another answer.
    #[error("it answers {0}")]
    Status(StatusCode),
    /// It is too long, or broke off.
    #[error("an answer that cannot be read, of at most {LARGEST} bytes")]
    Body(#[source] Box<dyn Error + Send + Sync>),
    /// It came too late.
    #[error("no answer within {PATIENCE:?}")]
    Late,
    /// It has no keys.
    #[error(transparent)]
    Keys(#[from] KeySetError),
}

impl KeyUrl {
    /// Asks for the keys. Nothing that the answer names is followed.
    ///
    /// # Errors
    /// Why there are none.
    pub async fn fetch(&self) -> Result<KeySet, FetchError> {
        let json = timeout(PATIENCE, self.get()).await.map_err(|_| FetchError::Late)??;
        Ok(KeySet::read(&json)?)
    }

    async fn get(&self) -> Result<Vec<u8>, FetchError> {
        let tls = ClientTls::load(ClientFiles { ca: self.ca.clone(), own: None })?;
        let client: Client<_, Empty<&[u8]>> =
            Client::builder(TokioExecutor::new()).build(Connector::new(Some(tls), None));
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = self.url.clone();
        let headers = request.headers_mut();
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_static("application/jwk-set+json, application/json"),
        );
        if let Some(file) = &self.token {
            let token = files::read(file)?;
            let token = format!("Bearer {}", String::from_utf8_lossy(&token).trim());
            let mut token = HeaderValue::try_from(token).map_err(|_| FetchError::Token)?;
            token.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, token);
        }
        let answer = client.request(request).await;
        let answer = answer.map_err(|error| FetchError::Connection(error.into()))?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status()));
        }
        let body = Limited::new(answer.into_body(), LARGEST).collect().await;
        Ok(body.map_err(FetchError::Body)?.to_bytes().into())
    }
}

#[cfg(test)]
mod tests;
