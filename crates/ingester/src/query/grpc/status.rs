//! What HTTP would refuse, in gRPC's words.

use tonic::{Code, Status};
use tributary_query::api::Answer;

/// Characters of a reason that are told: it goes into a header.
const LONGEST: usize = 1_000;

/// The status that stands for an answer which refuses.
pub(super) fn refused(answer: Answer) -> Status {
    let reason: String = String::from_utf8_lossy(&answer.body).chars().take(LONGEST).collect();
    Status::new(code(answer.status.as_u16()), reason)
}

/// As Tempo has it; what it leaves to gRPC's own layer, a missing tenant, is named as that does.
fn code(status: u16) -> Code {
    match status {
        400 => Code::InvalidArgument,
        401 => Code::Unauthenticated,
        404 => Code::NotFound,
        429 => Code::ResourceExhausted,
        499 => Code::Cancelled,
        500..=599 => Code::Internal,
        _ => Code::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    #[test]
    fn reasons_are_told_and_not_too_long() {
        let refusal = |status, why: &str| refused(Answer::error(status, why));
        let bad = refusal(StatusCode::BAD_REQUEST, "parse error: Straße");
        assert_eq!((bad.code(), bad.message()), (Code::InvalidArgument, "parse error: Straße"));
        let long = refusal(StatusCode::GATEWAY_TIMEOUT, &"ß".repeat(5_000));
        assert_eq!((long.code(), long.message().chars().count()), (Code::Internal, LONGEST));
        for (status, expected) in [
            (StatusCode::UNAUTHORIZED, Code::Unauthenticated),
            (StatusCode::TOO_MANY_REQUESTS, Code::ResourceExhausted),
            (StatusCode::SERVICE_UNAVAILABLE, Code::Internal),
            (StatusCode::PAYLOAD_TOO_LARGE, Code::Unknown),
        ] {
            assert_eq!(refusal(status, "x").code(), expected, "{status}");
        }
    }
}
