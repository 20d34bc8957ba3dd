//! Every format in which applications send spans, and every compression of a body.
//!
//! The short inputs are the shortest that were recorded; more of the recordings are for the long
//! form. OTLP begins with a request that has every field.

use prost::Message;
use std::io::Write;
use tributary_receivers::format::{Format, inflate};
use tributary_span::columns::Builder;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_testkit::{Recording, data, recordings, sample};

/// Bytes that a decoder may hold, as it is told.
const LIMIT: usize = 1 << 20;
/// Bytes that it may allocate beyond: names, buffers of one text, a decompressor's window.
const SLACK: usize = 1 << 20;
/// What translating may take; the columns of what was taken are not the decoder's, but are counted
/// with it.
pub(super) const TRANSLATED: usize = 8 * LIMIT + SLACK;
/// What inflating may take.
pub(super) const INFLATED: usize = 2 * LIMIT + SLACK;
/// The same with zstd's window of at most 8 MiB, which does not depend on the body.
pub(super) const INFLATED_ZSTD: usize = INFLATED - LIMIT + (9 << 20);

/// No recorded body that is longer is mutated: small ones are tried more often a second.
const LONGEST: usize = 64 << 10;
/// Nor are there more of them.
const MOST: usize = 200;

/// A request with all that OTLP has.
const OTLP_JSON: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"größe"}}]},"scopeSpans":[{"scope":{"name":"x","version":"1"},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173","name":"I \u00fc","startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000,"kind":2,"attributes":[{"key":"a","value":{"intValue":"7"}},{"key":"b","value":{"arrayValue":{"values":[{"doubleValue":1.5},{"boolValue":true},{"kvlistValue":{"values":[{"key":"k","value":{"bytesValue":"AQID"}}]}}]}}}],"events":[{"timeUnixNano":"1","name":"e"}],"links":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"}],"status":{"code":2,"message":"m"}}]}]}]}"#;

pub(super) fn otlp_json() -> Vec<Vec<u8>> {
    vec![OTLP_JSON.as_bytes().to_vec()]
}

pub(super) fn otlp_protobuf() -> Vec<Vec<u8>> {
    vec![sample::request(1).encode_to_vec()]
}

/// Bodies that were recorded of OTLP.
///
/// # Panics
/// When the recorded data is missing: the message says how to point to it. So do the others.
pub(super) fn recorded_otlp() -> Vec<Vec<u8>> {
    shortest(recordings().expect("recorded spans"), MOST)
}

/// Bodies that were recorded of a format.
pub(super) fn recorded(format: &str) -> Vec<Vec<u8>> {
    shortest(data::legacy(format).expect("recorded spans"), MOST)
}

/// The shortest two of them.
pub(super) fn short(format: &str) -> Vec<Vec<u8>> {
    shortest(data::legacy(format).expect("recorded spans"), 2)
}

fn shortest(clients: Vec<Recording>, most: usize) -> Vec<Vec<u8>> {
    let mut bodies: Vec<_> = clients.into_iter().flat_map(|client| client.records).collect();
    bodies.retain(|body| body.len() <= LONGEST);
    bodies.sort_by_key(Vec::len);
    bodies.truncate(most);
    bodies
}

/// Translates. What comes of it is a request that the next decoder takes.
pub(super) fn translate(format: Format, input: &[u8]) -> String {
    let request = match format.translate(input, LIMIT) {
        Ok(request) => request,
        Err(error) => return super::unquoted(&error),
    };
    match append_all(&mut Builder::new(), &request, &Limits::default()) {
        Ok(outcome) => match outcome.first {
            None => format!("{} spans", outcome.accepted),
            Some(reject) => format!("{} spans, others not: {reject}", outcome.accepted),
        },
        // OTLP's protobuf passes as it came.
        Err(error) if format == Format::OtlpProtobuf => super::unquoted(&error),
        Err(error) => panic!("what was written is no request: {error}"),
    }
}

/// Short requests, compressed.
pub(super) fn compressed(coding: &str) -> Vec<Vec<u8>> {
    let bodies = [otlp_json(), otlp_protobuf()].concat();
    bodies.iter().map(|body| compress(coding, body)).collect()
}

/// Recorded requests, compressed.
pub(super) fn recorded_compressed(coding: &str) -> Vec<Vec<u8>> {
    recorded_otlp().iter().take(20).map(|body| compress(coding, body)).collect()
}

fn compress(coding: &str, body: &[u8]) -> Vec<u8> {
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    let level = Compression::default();
    // Writing to memory does not fail; if it did, the target would begin with nothing.
    match coding {
        "gzip" => {
            let mut out = GzEncoder::new(Vec::new(), level);
            out.write_all(body).and_then(|()| out.finish()).unwrap_or_default()
        }
        "deflate" => {
            let mut out = ZlibEncoder::new(Vec::new(), level);
            out.write_all(body).and_then(|()| out.finish()).unwrap_or_default()
        }
        _ => zstd::encode_all(body, 3).unwrap_or_default(),
    }
}

/// Inflates, to no more than the limit.
pub(super) fn decompress(coding: &str, input: &[u8]) -> String {
    match inflate(coding, input, LIMIT) {
        Err(error) => super::unquoted(&error),
        Ok(inflated) => {
            assert!(inflated.len() <= LIMIT, "{} bytes", inflated.len());
            format!("about 2^{} bytes", inflated.len().max(1).ilog2())
        }
    }
}
