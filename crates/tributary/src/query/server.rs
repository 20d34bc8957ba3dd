//! Asking: one request, and why it was not answered.

use super::value::clean;
use crate::common::address::Address;
use crate::common::http::Http;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use hyper_util::client::legacy::Error as ClientError;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::error::Elapsed;
use tributary_identity::tls::ClientTls;

/// How long an answer may take: longer than the server itself gives a question.
const PATIENCE: Duration = Duration::from_secs(120);
/// How large an answer may be.
const LARGEST: usize = 256 << 20;
/// JSON answers are asked for as this.
pub(crate) const JSON: &str = "application/json";

/// Who is asked.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    address: Address,
    http: Http,
}

/// Why there is no answer: what, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct AskError {
    text: String,
    /// Whether the same question may be answered later.
    pub(crate) passes: bool,
}

impl Server {
    /// The server at `address`, asked with these headers and the token in a file; with `tls` for
    /// `https://`.
    ///
    /// # Errors
    /// When there is no token in the file.
    pub(crate) fn new(
        address: Address,
        headers: HeaderMap,
        token: Option<PathBuf>,
        tls: Option<ClientTls>,
    ) -> Result<Self, String> {
        let http = Http::patient(headers, PATIENCE, LARGEST, tls).with_token(token)?;
        Ok(Server { address, http })
    }

    /// The body of a route's answer.
    pub(crate) async fn ask(
        &self,
        path: &str,
        parameters: &[(&str, String)],
        accept: &str,
    ) -> Result<Bytes, AskError> {
        let url = self.address.url(path, parameters);
        match self.http.get(&url, accept).await {
            Ok((StatusCode::OK, body)) => Ok(body),
            Ok((status, body)) => Err(refused(self.address.as_str(), path, status, &body)),
            Err(error) => Err(silent(self.address.as_str(), &error)),
        }
    }

    /// An answer that cannot be read.
    pub(crate) fn unreadable(&self, path: &str, why: &anyhow::Error) -> AskError {
        let at = self.address.as_str();
        let text = format!(
            "the answer of {at}{path} cannot be read: {why:#}\n  is it an ingester's or Tempo's query \
             port?"
        );
        AskError { text, passes: false }
    }
}

/// The server said no.
fn refused(at: &str, path: &str, status: StatusCode, body: &[u8]) -> AskError {
    let told = String::from_utf8_lossy(body);
    let told = clean(told.trim());
    let advice = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "name the tenant by --tenant or TRIBUTARY_TENANT, yourself by --token or TRIBUTARY_TOKEN, or \
             by --token-file"
        }
        StatusCode::NOT_FOUND => "is it an ingester's or Tempo's query port, and recent enough?",
        StatusCode::TOO_MANY_REQUESTS => "it is busy: ask again later",
        StatusCode::SERVICE_UNAVAILABLE => {
            "what may hold spans could not be asked, or not yet: ask again when it can; `--trace` \
             gives what is there and says what is missing"
        }
        StatusCode::GATEWAY_TIMEOUT => "it took too long: ask about less time",
        _ => "",
    };
    let mut text = match told.is_empty() {
        true => format!("{at}{path} answered {status}"),
        false => format!("{at}{path} answered {status}: {told}"),
    };
    if !advice.is_empty() {
        text.push_str("\n  ");
        text.push_str(advice);
    }
    let passes = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
    AskError { text, passes }
}

/// The server said nothing.
fn silent(at: &str, error: &anyhow::Error) -> AskError {
    let unreachable = error.downcast_ref::<ClientError>().is_some_and(ClientError::is_connect);
    let advice = if unreachable {
        "does an ingester listen there? --url or TRIBUTARY_URL names another place"
    } else if error.is::<Elapsed>() {
        "ask about less time, or for less"
    } else {
        "ask again; if it was too much, ask about less time or with a smaller --limit"
    };
    let why = match error.is::<Elapsed>() {
        true => format!("nothing came for {} s", PATIENCE.as_secs()),
        false => error.root_cause().to_string(),
    };
    AskError { text: format!("no answer from {at}: {why}\n  {advice}"), passes: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_where_and_what_to_do() {
        let table = [
            (
                400,
                "invalid TraceQL query: no",
                "h/p answered 400 Bad Request: invalid TraceQL query: no",
                false,
            ),
            (
                401,
                "no tenant",
                "answered 401 Unauthorized: no tenant\n  name the tenant by --tenant",
                false,
            ),
            (404, "", "h/p answered 404 Not Found\n  is it an ingester's", false),
            (429, "", "ask again later", true),
            (503, "a; b", "503 Service Unavailable: a; b\n  what may hold spans", true),
            (500, "\u{1b}[2J", "answered 500 Internal Server Error:  [2J", true),
        ];
        for (status, body, expected, passes) in table {
            let status = StatusCode::from_u16(status).unwrap();
            let error = refused("h", "/p", status, body.as_bytes());
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.passes, passes, "{status}");
        }
    }
}
