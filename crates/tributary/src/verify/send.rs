//! Spans on their way out, as applications write them.

pub(crate) mod jaeger;
pub(crate) mod otlp;
pub(crate) mod zipkin;

use super::plan::Protocol;
use super::span::Span;
use crate::common::address::Address;
use crate::common::http::Http;
use crate::common::otlp::all_taken;
use http::StatusCode;

/// Where spans are written to, by protocol.
#[derive(Debug, Clone)]
pub(crate) struct Senders {
    pub(crate) http: Http,
    pub(crate) otlp: Address,
    pub(crate) jaeger: Option<Address>,
    pub(crate) zipkin: Option<Address>,
}

/// Why spans were not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct NotTaken {
    pub(crate) text: String,
    /// Whether they may be taken later.
    pub(crate) passes: bool,
}

impl Senders {
    /// Writes spans, which are acknowledged then.
    ///
    /// # Errors
    /// When they were not taken, or not all of them.
    pub(crate) async fn send(&self, by: Protocol, spans: &[Span]) -> Result<(), NotTaken> {
        let (at, path, media, body) = match by {
            Protocol::Otlp => (Some(&self.otlp), otlp::PATH, otlp::MEDIA, otlp::request(spans)),
            Protocol::Jaeger => {
                (self.jaeger.as_ref(), jaeger::PATH, jaeger::MEDIA, jaeger::batch(spans))
            }
            Protocol::Zipkin => {
                (self.zipkin.as_ref(), zipkin::PATH, zipkin::MEDIA, zipkin::list(spans))
            }
        };
        let never = |text: String| NotTaken { text, passes: false };
        let at = at.ok_or_else(|| never(format!("nothing takes {}", by.name())))?;
        let url = at.url(path, &[]);
        let answer = self.http.post(&url, media, body.into()).await;
        let (status, body) =
            answer.map_err(|why| NotTaken { text: format!("{why:#}"), passes: true })?;
        let told = || format!("{url} answered {status}: {}", String::from_utf8_lossy(&body).trim());
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Err(NotTaken { text: told(), passes: true });
        }
        if !status.is_success() {
            return Err(never(told()));
        }
        match by {
            Protocol::Otlp => all_taken(&body).map_err(never),
            Protocol::Jaeger | Protocol::Zipkin => Ok(()),
        }
    }
}
