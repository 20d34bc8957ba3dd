//! What OTLP answers: `ExportTraceServiceResponse` and `google.rpc.Status`, as protobuf and JSON.
//!
//! Full success is an empty message: `partial_success` must be unset then.

use crate::fault::Fault;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::time::Duration;
use tributary_span::otlp::Outcome;
use tributary_span::protobuf::put;

/// How an answer's message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaType {
    Protobuf,
    Json,
}

impl MediaType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            MediaType::Protobuf => "application/x-protobuf",
            MediaType::Json => "application/json",
        }
    }
}

const MENDED: &str = "text that is not UTF-8 was mended: send strings in UTF-8, or bytes_value";
const LEFT_OUT: &str =
    "attributes that cannot be read, or are nested deeper than 64 levels, were left out";

/// `ExportTraceServiceResponse { partial_success = 1 { rejected_spans = 1, error_message = 2 } }`.
/// Without rejected spans the message is a warning, which the specification has for that.
pub(crate) fn response(outcome: &Outcome, media_type: MediaType) -> Vec<u8> {
    let why = match outcome.first {
        Some(reject) => reject.to_string(),
        None if outcome.left_out > 0 => LEFT_OUT.to_owned(),
        None if outcome.mended > 0 => MENDED.to_owned(),
        None => String::new(),
    };
    if why.is_empty() {
        return match media_type {
            MediaType::Protobuf => Vec::new(),
            MediaType::Json => b"{}".to_vec(),
        };
    }
    match media_type {
        MediaType::Protobuf => {
            let mut out = Vec::new();
            put::message(&mut out, 1, |partial| {
                put::uint(partial, 1, outcome.rejected);
                put::bytes(partial, 2, why.as_bytes());
            });
            out
        }
        MediaType::Json => serde_json::json!({
            "partialSuccess": { "rejectedSpans": outcome.rejected.to_string(), "errorMessage": why }
        })
        .to_string()
        .into_bytes(),
    }
}

/// `google.rpc.Status { code = 1, message = 2, details = 3 }`, with a `RetryInfo` where the
/// sender may come again.
pub(crate) fn status(fault: &Fault, media_type: MediaType) -> Vec<u8> {
    let (code, message) = (fault.code() as u8, fault.to_string());
    match media_type {
        MediaType::Protobuf => {
            let mut out = Vec::new();
            put::uint(&mut out, 1, u64::from(code));
            put::bytes(&mut out, 2, message.as_bytes());
            if let Some(delay) = fault.retry_after() {
                put::message(&mut out, 3, |any| retry_info(any, delay));
            }
            out
        }
        MediaType::Json => {
            serde_json::json!({ "code": code, "message": message }).to_string().into_bytes()
        }
    }
}

/// [`status`] for gRPC's `grpc-status-details-bin`, where there is more to say than code and text.
pub(crate) fn status_details(fault: &Fault) -> Option<String> {
    fault.retry_after()?;
    Some(STANDARD_NO_PAD.encode(status(fault, MediaType::Protobuf)))
}

/// `Any { type_url = 1, value = 2: RetryInfo { retry_delay = 1: Duration { seconds, nanos } } }`.
fn retry_info(any: &mut Vec<u8>, delay: Duration) {
    put::bytes(any, 1, b"type.googleapis.com/google.rpc.RetryInfo");
    put::message(any, 2, |info| {
        put::message(info, 1, |duration| {
            if delay.as_secs() > 0 {
                put::uint(duration, 1, delay.as_secs());
            }
            if delay.subsec_nanos() > 0 {
                put::uint(duration, 2, u64::from(delay.subsec_nanos()));
            }
        });
    });
}

/// Seconds for `Retry-After`, which has no fractions: rounded up.
pub(crate) fn retry_after_seconds(delay: Duration) -> u64 {
    delay.as_secs() + u64::from(delay.subsec_nanos() > 0)
}

/// A text in `grpc-message`: percent-encoded but for printable ASCII.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => out.push(char::from(byte)),
            _ => {
                const HEX: [char; 16] = [
                    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
                ];
                out.push('%');
                out.extend(HEX.get(usize::from(byte >> 4)));
                out.extend(HEX.get(usize::from(byte & 15)));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(percent_encoded("100% für\n"), "100%25 f%C3%BCr%0A");
    }

    #[test]
    fn seconds_are_rounded_up() {
        let table = [(0, 0), (1, 1), (999, 1), (1000, 1), (1001, 2)];
        for (millis, seconds) in table {
            assert_eq!(retry_after_seconds(Duration::from_millis(millis)), seconds, "{millis} ms");
        }
    }

    #[test]
    fn what_was_mended_or_left_out_is_a_warning() {
        for (mended, left_out, why) in [(1, 0, MENDED), (0, 2, LEFT_OUT), (1, 1, LEFT_OUT)] {
            let outcome = Outcome { accepted: 1, mended, left_out, ..Outcome::default() };
            let json: serde_json::Value =
                serde_json::from_slice(&response(&outcome, MediaType::Json)).unwrap();
            assert_eq!(json["partialSuccess"]["rejectedSpans"], "0");
            assert_eq!(json["partialSuccess"]["errorMessage"], why);
            assert!(response(&outcome, MediaType::Protobuf).ends_with(why.as_bytes()));
        }
    }

    #[test]
    fn full_success_is_an_empty_message() {
        let outcome = Outcome { accepted: 3, ..Outcome::default() };
        assert_eq!(response(&outcome, MediaType::Protobuf), b"");
        assert_eq!(response(&outcome, MediaType::Json), b"{}");
    }
}
