//! The formats in which spans come, by name, and their decoders without sockets: for benches,
//! fuzzers, and tools that show what a request becomes.
//!
//! ```
//! use tributary_receivers::format::{Format, TranslateError};
//! use tributary_span::otlp::decode::count_spans;
//!
//! let body = br#"[{"traceId":"7","id":"1"},{"traceId":"7","id":"2"}]"#;
//! let request = Format::ZipkinV2Json.translate(body, 1 << 20)?;
//! assert_eq!(count_spans(&request), Ok(2));
//! assert_eq!(Format::ZipkinV2Json.translate(body, 100), Err(TranslateError::TooLarge(100)));
//! # Ok::<(), TranslateError>(())
//! ```

use crate::body::{Encoding, Held};
use crate::fault::Fault;
use crate::otlp::json;
use crate::sink::{OfferError, Refused, Sink};
use crate::translate::Room;
use crate::{jaeger, zipkin};
use bytes::Bytes;
use std::time::Duration;
use tributary_span::columns::Builder;
use tributary_span::otlp::Outcome;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_span::tenant::Header;

/// Why a body cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TranslateError {
    /// It would take more bytes than this: a smaller one may pass.
    #[error("larger than {0} bytes")]
    TooLarge(usize),
    /// It is not what it was said to be: what is wrong with it, in words.
    #[error("{0}")]
    Malformed(String),
}

impl From<Fault> for TranslateError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::TooLarge(limit) => TranslateError::TooLarge(limit),
            other => TranslateError::Malformed(other.to_string()),
        }
    }
}

/// A format in which spans come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OTLP in protobuf, which passes as it is.
    OtlpProtobuf,
    /// OTLP in JSON.
    OtlpJson,
    /// Jaeger's Thrift in a datagram, compact or binary.
    JaegerDatagram,
    /// Jaeger's Thrift over HTTP.
    JaegerHttp,
    /// Jaeger's protobuf.
    JaegerGrpc,
    /// Zipkin v1 in JSON.
    ZipkinV1Json,
    /// Zipkin v1 in Thrift.
    ZipkinV1Thrift,
    /// Zipkin v2 in JSON.
    ZipkinV2Json,
    /// Zipkin v2 in protobuf.
    ZipkinV2Protobuf,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 9] = [
        Format::OtlpProtobuf,
        Format::OtlpJson,
        Format::JaegerDatagram,
        Format::JaegerHttp,
        Format::JaegerGrpc,
        Format::ZipkinV1Json,
        Format::ZipkinV1Thrift,
        Format::ZipkinV2Json,
        Format::ZipkinV2Protobuf,
    ];

    /// What `body` becomes: the bytes of an `ExportTraceServiceRequest`, for which no more than
    /// about `limit` bytes are held at any time.
    ///
    /// # Errors
    /// When it is not of this format, or would take more than the limit.
    pub fn translate(self, body: &[u8], limit: usize) -> Result<Vec<u8>, TranslateError> {
        let room = &mut Limit(limit);
        let done = match self {
            Format::OtlpProtobuf => room.raise(body.len()).map(|()| body.to_vec()),
            Format::OtlpJson => {
                room.raise(json::longest(body.len())).and_then(|()| Ok(json::to_protobuf(body)?))
            }
            Format::JaegerDatagram => jaeger::thrift::datagram(body, room),
            Format::JaegerHttp => jaeger::thrift::http_batch(body, room),
            Format::JaegerGrpc => jaeger::model::post_spans(body, room),
            Format::ZipkinV1Json => zipkin::json_v1(body, room),
            Format::ZipkinV1Thrift => zipkin::thrift::body(body, room),
            Format::ZipkinV2Json => zipkin::json_v2(body, room),
            Format::ZipkinV2Protobuf => zipkin::proto::body(body, room),
        };
        done.map_err(TranslateError::from)
    }
}

/// Inflates a body compressed with `coding` (a name as in `Content-Encoding`) to no more than
/// `limit` bytes.
///
/// # Errors
/// When it is not compressed like that, or becomes larger than the limit.
pub fn inflate(coding: &str, body: &[u8], limit: usize) -> Result<Vec<u8>, TranslateError> {
    let coding = Encoding::named(coding.as_bytes()).ok_or(Fault::Encoding)?;
    let held = Held { bytes: Bytes::copy_from_slice(body), permits: Vec::new() };
    Ok(coding.inflate(held, limit, &Limit(limit))?.bytes.to_vec())
}

/// Room for so many bytes.
struct Limit(usize);

impl Room for Limit {
    fn raise(&mut self, bytes: usize) -> Result<(), Fault> {
        if bytes <= self.0 { Ok(()) } else { Err(Fault::TooLarge(self.0)) }
    }
}

impl Sink for Limit {
    type Permit = ();

    fn admit(&self, bytes: usize) -> Result<(), Refused> {
        let why = "more than the limit";
        if bytes <= self.0 { Ok(()) } else { Err(Refused { retry_after: Duration::ZERO, why }) }
    }

    async fn tenants(&self) -> Header {
        Header::Ignored
    }

    async fn offer(&self, _: Option<&str>, request: Bytes) -> Result<Outcome, OfferError> {
        Ok(append_all(&mut Builder::new(), &request, &Limits::default())?)
    }
}
