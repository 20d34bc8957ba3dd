//! The decoders by name, without sockets: for benches, fuzzers and whoever wants to look at what a
//! request becomes.

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

/// A form in which spans come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
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

impl Form {
    /// All of them.
    pub const ALL: [Form; 9] = [
        Form::OtlpProtobuf,
        Form::OtlpJson,
        Form::JaegerDatagram,
        Form::JaegerHttp,
        Form::JaegerGrpc,
        Form::ZipkinV1Json,
        Form::ZipkinV1Thrift,
        Form::ZipkinV2Json,
        Form::ZipkinV2Protobuf,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Form::OtlpProtobuf => "OTLP protobuf",
            Form::OtlpJson => "OTLP JSON",
            Form::JaegerDatagram => "Jaeger datagram",
            Form::JaegerHttp => "Jaeger HTTP",
            Form::JaegerGrpc => "Jaeger gRPC",
            Form::ZipkinV1Json => "Zipkin v1 JSON",
            Form::ZipkinV1Thrift => "Zipkin v1 Thrift",
            Form::ZipkinV2Json => "Zipkin v2 JSON",
            Form::ZipkinV2Protobuf => "Zipkin v2 protobuf",
        }
    }

    /// What `body` becomes: the bytes of an `ExportTraceServiceRequest`, for which no more than
    /// about `limit` bytes are held at any time.
    ///
    /// # Errors
    /// Why it was refused, in words.
    pub fn translate(self, body: &[u8], limit: usize) -> Result<Vec<u8>, String> {
        let room = &mut Limit(limit);
        let done = match self {
            Form::OtlpProtobuf => room.raise(body.len()).map(|()| body.to_vec()),
            Form::OtlpJson => room.raise(json::longest(body.len())).and_then(|()| {
                json::to_protobuf(body).map_err(|error| Fault::Malformed(error.to_string()))
            }),
            Form::JaegerDatagram => jaeger::thrift::datagram(body, room),
            Form::JaegerHttp => jaeger::thrift::http_batch(body, room),
            Form::JaegerGrpc => jaeger::model::post_spans(body, room),
            Form::ZipkinV1Json => zipkin::json_v1(body, room),
            Form::ZipkinV1Thrift => zipkin::thrift::body(body, room),
            Form::ZipkinV2Json => zipkin::json_v2(body, room),
            Form::ZipkinV2Protobuf => zipkin::proto::body(body, room),
        };
        done.map_err(|fault| fault.to_string())
    }
}

/// Inflates a body compressed with `coding` (a name as in `Content-Encoding`) to no more than
/// `limit` bytes.
///
/// # Errors
/// Why it was refused, in words.
pub fn inflate(coding: &str, body: &[u8], limit: usize) -> Result<Vec<u8>, String> {
    let coding = Encoding::named(coding.as_bytes()).ok_or("unknown coding")?;
    let held = Held { bytes: Bytes::copy_from_slice(body), permits: Vec::new() };
    let inflated = coding.inflate(held, limit, &Limit(limit)).map_err(|f| f.to_string())?;
    Ok(inflated.bytes.to_vec())
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

    async fn offer(&self, _: Option<&str>, request: Bytes) -> Result<Outcome, OfferError> {
        Ok(append_all(&mut Builder::new(), &request, &Limits::default())?)
    }
}
