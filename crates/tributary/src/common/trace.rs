//! One trace, by Tempo's second version of the API.

use super::http::Http;
use anyhow::{Context, bail};
use http::StatusCode;
use tributary_span::columns::Builder;
use tributary_span::otlp::{Limits, decode};
use tributary_span::protobuf::Fields;
use tributary_span::{Columns, TraceId};

/// What such an answer is asked for as.
pub(crate) const PROTOBUF: &str = "application/protobuf";

/// What the API says of one trace.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its spans; none when there is no such trace.
    pub(crate) spans: Columns,
    /// Why there may be more: an ingester could not be asked. One of an earlier demo, killed without
    /// a chance to say goodbye, is no reason to doubt the spans that came.
    pub(crate) partial: Option<String>,
}

/// Where a trace is asked for, below the server's address.
pub(crate) fn path(id: TraceId) -> String {
    format!("/api/v2/traces/{id}")
}

/// Asks the server at `base` for a trace.
pub(crate) async fn fetch(http: &Http, base: &str, id: TraceId) -> anyhow::Result<Answer> {
    let (status, body) = http.get(&format!("{base}{}", path(id)), PROTOBUF).await?;
    if status != StatusCode::OK {
        bail!("{status}: {}", String::from_utf8_lossy(&body).trim());
    }
    envelope(&body).context("the answer is no TraceByIDResponse")
}

/// Reads a `TraceByIDResponse`: trace = 1, status = 3 { PARTIAL = 1 }, message = 4.
pub(crate) fn envelope(body: &[u8]) -> anyhow::Result<Answer> {
    let (mut spans, mut partial, mut message) = (Builder::new(), false, "");
    let mut fields = Fields::new(body);
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 => {
                decode::append_all(&mut spans, field.bytes()?, &Limits::default())?;
            }
            3 => partial = field.varint()? == 1,
            4 => message = field.text()?,
            _ => {}
        }
    }
    let partial = partial.then(|| message.to_owned());
    Ok(Answer { spans: spans.take(), partial })
}
