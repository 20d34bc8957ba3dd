//! Four calls of the API server's REST interface, which need no client library.

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::timeout;
use tributary_identity::files;
use tributary_identity::tls::{ClientFiles, ClientTls, Connector, TlsError};

/// How long a call may take.
const WITHIN: Duration = Duration::from_secs(10);
/// The largest answer that is read.
const LARGEST: usize = 4 << 20;
/// The oldest Kubernetes whose init containers restart without a feature gate.
const OLDEST: (u64, u64) = (1, 29);

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("TLS to the API server")]
    Tls(#[from] TlsError),
    #[error("the token of the ServiceAccount")]
    Token(#[from] files::FileError),
    #[error("{0} cannot be reached: {1}")]
    Away(String, String),
    #[error("{what}: the API server answers {status}: {message}")]
    Refused { what: String, status: StatusCode, message: String },
}

/// The API server, as a pod reaches it.
pub(crate) struct Api {
    base: String,
    folder: PathBuf,
    tls: ClientTls,
    client: Client<Connector, Full<Bytes>>,
}

impl Api {
    /// By the variables and files that every pod with a ServiceAccount has.
    pub(crate) fn open(host: &str, port: &str, folder: &Path) -> Result<Api, ApiError> {
        let tls = ClientTls::load(ClientFiles { ca: Some(folder.join("ca.crt")), own: None })?;
        let mut connector = Connector::new(Some(tls.clone()), None);
        connector.set_connect_timeout(WITHIN);
        // An IPv6 address has colons of its own.
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        Ok(Api {
            base: format!("https://{host}:{port}"),
            folder: folder.to_owned(),
            tls,
            client: Client::builder(TokioExecutor::new()).build(connector),
        })
    }

    /// What the API server answers: its status, and its JSON, null if it is none. The token is read
    /// again each time, because kubelet renews it.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, &Value)>,
    ) -> Result<(StatusCode, Value), ApiError> {
        let away =
            |error: &dyn std::fmt::Display| ApiError::Away(self.base.clone(), error.to_string());
        // The authority of the API server may be renewed; what was good before is used otherwise.
        self.tls.refresh().ok();
        let token = files::read(&self.folder.join("token"))?;
        let token = String::from_utf8_lossy(&token);
        let (kind, bytes) = body.map_or(("application/json", Bytes::new()), |(kind, value)| {
            (kind, Bytes::from(value.to_string()))
        });
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(AUTHORIZATION, format!("Bearer {}", token.trim()))
            .header(CONTENT_TYPE, kind)
            .header("accept", "application/json")
            .body(Full::new(bytes))
            .map_err(|error| away(&error))?;
        let answered = async {
            let (head, body) =
                self.client.request(request).await.map_err(|e| away(&chain(&e)))?.into_parts();
            let body = Limited::new(body, LARGEST).collect().await.map_err(|e| away(&e))?;
            Ok((head.status, serde_json::from_slice(&body.to_bytes()).unwrap_or(Value::Null)))
        };
        timeout(WITHIN, answered).await.unwrap_or_else(|_| Err(away(&"no answer in 10 s")))
    }

    /// Whether this cluster knows init containers that restart.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub(crate) async fn version(&self) -> Result<Result<(), String>, ApiError> {
        match self.call(Method::GET, "/version", None).await? {
            (StatusCode::OK, version) => Ok(supports(&version)),
            (status, answer) => Err(refused("GET /version", status, &answer)),
        }
    }
}

/// An answer that is none of those that were hoped for.
pub(super) fn refused(what: &str, status: StatusCode, answer: &Value) -> ApiError {
    let message = answer.get("message").and_then(Value::as_str).unwrap_or("without a message");
    ApiError::Refused { what: what.to_owned(), status, message: message.to_owned() }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    tributary_telemetry::ErrorChain(error).to_string()
}

/// Reads `{"major": "1", "minor": "29+"}`.
fn supports(version: &Value) -> Result<(), String> {
    let number = |key: &str| -> Option<u64> {
        let text = version.get(key)?.as_str()?;
        text.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok()
    };
    match number("major").zip(number("minor")) {
        Some(found) if found < OLDEST => Err(format!(
            "this is Kubernetes {}.{}, where the sidecar would be an ordinary init container and hold \
             every pod for ever; it wants {}.{} or newer",
            found.0, found.1, OLDEST.0, OLDEST.1
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn old_clusters_are_known() {
        let table = [
            (json!({"major": "1", "minor": "28"}), false),
            (json!({"major": "1", "minor": "28+"}), false),
            (json!({"major": "1", "minor": "29"}), true),
            (json!({"major": "1", "minor": "30+"}), true),
            (json!({"major": "2", "minor": "0"}), true),
            // What cannot be read keeps nothing from running.
            (json!({"major": "one"}), true),
            (json!(null), true),
        ];
        for (version, expected) in table {
            assert_eq!(supports(&version).is_ok(), expected, "{version}");
        }
    }
}
