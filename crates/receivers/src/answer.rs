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
const LEFT_OUT: &str = "values that cannot be read, or are nested deeper than 64 levels, and parents' \
    and links' ids that are none (8 and 16 bytes, in JSON hex and not base64), were left out";
const SPANLESS: &str = "no span in the request is known here: OTLP 1.x has them in resourceSpans, \
    scopeSpans, spans; logs and metrics are not taken";

/// What the sender of a request that was taken should know, and what the log calls it.
pub(crate) fn told(outcome: &Outcome) -> Option<(&'static str, String)> {
    Some(match outcome.first {
        Some(reject) => ("rejected", reject.to_string()),
        None if outcome.spanless => ("spanless", SPANLESS.to_owned()),
        None if outcome.left_out > 0 => ("left_out", LEFT_OUT.to_owned()),
        None if outcome.mended > 0 => ("mended", MENDED.to_owned()),
        None => return None,
    })
}

/// `ExportTraceServiceResponse { partial_success = 1 { rejected_spans = 1, error_message = 2 } }`.
/// Without rejected spans the message is a warning, which the specification has for that.
pub(crate) fn response(rejected: u64, told: Option<&str>, media_type: MediaType) -> Vec<u8> {
    match (told, media_type) {
        (None, MediaType::Protobuf) => Vec::new(),
        (None, MediaType::Json) => b"{}".to_vec(),
        (Some(told), MediaType::Protobuf) => {
            let mut out = Vec::new();
            put::message(&mut out, 1, |partial| {
                put::uint(partial, 1, rejected);
                put::bytes(partial, 2, told.as_bytes());
            });
            out
        }
        (Some(told), MediaType::Json) => format!(
            "{{\"partialSuccess\":{{\"rejectedSpans\":\"{rejected}\",\"errorMessage\":{}}}}}",
            quoted(told)
        )
        .into_bytes(),
    }
}

/// A text in JSON.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
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
            format!("{{\"code\":{code},\"message\":{}}}", quoted(&message)).into_bytes()
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
        let table = [
            (1, 0, false, Some(("mended", MENDED))),
            (0, 2, false, Some(("left_out", LEFT_OUT))),
            (1, 1, false, Some(("left_out", LEFT_OUT))),
            (0, 1, true, Some(("spanless", SPANLESS))),
            (0, 0, false, None),
        ];
        for (mended, left_out, spanless, expected) in table {
            let outcome = Outcome { mended, left_out, spanless, ..Outcome::default() };
            let told = told(&outcome);
            assert_eq!(told.as_ref().map(|(kind, why)| (*kind, why.as_str())), expected);
        }
        let told = Some("a \"quoted\" word");
        let json: serde_json::Value =
            serde_json::from_slice(&response(0, told, MediaType::Json)).unwrap();
        assert_eq!(json["partialSuccess"]["rejectedSpans"], "0");
        assert_eq!(json["partialSuccess"]["errorMessage"], "a \"quoted\" word");
        assert!(response(0, told, MediaType::Protobuf).ends_with(b"a \"quoted\" word"));
    }

    #[test]
    fn full_success_is_an_empty_message() {
        assert_eq!(response(0, None, MediaType::Protobuf), b"");
        assert_eq!(response(0, None, MediaType::Json), b"{}");
    }
}
