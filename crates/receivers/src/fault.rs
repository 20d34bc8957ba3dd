//! Every reason to turn a request away, and what it is called in gRPC and in HTTP.

use crate::sink::{OfferError, Refused};
use ::http::StatusCode;
use std::time::Duration;
use tributary_span::protobuf::Malformed;
use tributary_span::tenant::TenantError;

/// Where metrics go.
pub(crate) const METRICS: &str =
    "metrics are not taken: send traces to /v1/traces, and metrics elsewhere or none";
/// Where logs go.
pub(crate) const LOGS: &str =
    "logs are not taken: send traces to /v1/traces, and logs elsewhere or none";

/// Why a request was turned away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// No room now.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// No tenant, or none that can be one, where each request has to name one.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// Its tenant has sent as much as it may for now.
    #[error(transparent)]
    Limited(Refused),
    /// Not what it says it is.
    #[error("{0}")]
    Malformed(String),
    /// gRPC's own framing is broken.
    #[error("{0}")]
    Framing(&'static str),
    /// Not exactly one message in a call that takes one.
    #[error("the call takes exactly one message")]
    Cardinality,
    /// Above the limit, in bytes after decompression.
    #[error("the request is larger than {0} bytes")]
    TooLarge(usize),
    /// A compression that is not spoken here.
    #[error("unknown compression; supported: gzip, deflate, zstd, identity")]
    Encoding,
    /// A content type that is not spoken here; says which are.
    #[error("unsupported content type; supported: {0}")]
    ContentType(&'static str),
    /// gRPC without HTTP/2.
    #[error("gRPC needs HTTP/2")]
    Version,
    /// Something else than POST.
    #[error("only POST is supported")]
    Method,
    /// Nothing is served there; says what is.
    #[error("nothing is served here; {0}")]
    Path(&'static str),
    /// The body did not come in time.
    #[error("the request's body did not come in time")]
    Slow,
    /// The sender went away.
    #[error("the connection broke: {0}")]
    Gone(String),
}

impl From<OfferError> for Fault {
    fn from(error: OfferError) -> Self {
        match error {
            OfferError::Refused(refused) => Fault::Refused(refused),
            OfferError::Limited(refused) => Fault::Limited(refused),
            OfferError::Malformed(_) => Fault::Malformed(error.to_string()),
        }
    }
}

impl From<Malformed> for Fault {
    fn from(error: Malformed) -> Self {
        Fault::Malformed(format!("not the protobuf that is expected here: {error}"))
    }
}

/// gRPC status codes, by number as on the wire.
/// <https://github.com/grpc/grpc/blob/master/doc/statuscodes.md>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidArgument = 3,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

impl Fault {
    /// The code for gRPC, and in the `google.rpc.Status` of an HTTP answer. OTLP clients come
    /// again after UNAVAILABLE; RESOURCE_EXHAUSTED without a retry hint is final for them.
    pub(crate) fn code(&self) -> Code {
        match self {
            Fault::Refused(_) | Fault::Slow | Fault::Gone(_) => Code::Unavailable,
            Fault::Tenant(TenantError::Missing) => Code::Unauthenticated,
            Fault::Tenant(_) | Fault::Malformed(_) | Fault::ContentType(_) => Code::InvalidArgument,
            Fault::Framing(_) => Code::Internal,
            Fault::Limited(_) | Fault::TooLarge(_) => Code::ResourceExhausted,
            Fault::Cardinality
            | Fault::Encoding
            | Fault::Version
            | Fault::Method
            | Fault::Path(_) => Code::Unimplemented,
        }
    }

    /// The status for HTTP. OTLP clients come again after 429, 502, 503 and 504 only, so a slow
    /// body is 503 and not 408, which would cost the sender its spans.
    pub(crate) fn http(&self) -> StatusCode {
        match self {
            Fault::Refused(_) | Fault::Slow | Fault::Gone(_) => StatusCode::SERVICE_UNAVAILABLE,
            Fault::Limited(_) => StatusCode::TOO_MANY_REQUESTS,
            // As Tempo answers.
            Fault::Tenant(TenantError::Missing) => StatusCode::UNAUTHORIZED,
            Fault::Tenant(_) | Fault::Malformed(_) | Fault::Framing(_) | Fault::Cardinality => {
                StatusCode::BAD_REQUEST
            }
            Fault::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Fault::Encoding | Fault::ContentType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Fault::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Fault::Method => StatusCode::METHOD_NOT_ALLOWED,
            Fault::Path(_) => StatusCode::NOT_FOUND,
        }
    }

    /// Its name in the log. None for what is not the sender's mistake.
    pub(crate) fn kind(&self) -> Option<&'static str> {
        Some(match self {
            Fault::Refused(_) | Fault::Limited(_) => return None,
            Fault::Tenant(_) => "tenant",
            Fault::Malformed(_) => "malformed",
            Fault::Framing(_) | Fault::Cardinality => "framing",
            Fault::TooLarge(_) => "too_large",
            Fault::Encoding => "encoding",
            Fault::ContentType(_) => "content_type",
            Fault::Version => "version",
            Fault::Method => "method",
            Fault::Path(_) => "path",
            Fault::Slow => "slow",
            Fault::Gone(_) => "gone",
        })
    }

    /// When the sender may come again, if it may.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Fault::Refused(refused) | Fault::Limited(refused) => Some(refused.retry_after),
            Fault::Slow | Fault::Gone(_) => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rule that decides whether spans survive: retryable exactly when a hint is given. That of a
    /// tenant's rate alone has other codes, which OTLP's clients take for retryable beside the hint.
    #[test]
    fn what_may_be_sent_again_says_so_in_every_protocol() {
        let refused = Refused { retry_after: Duration::ZERO, why: "full" };
        let faults = [
            Fault::Refused(refused),
            Fault::Limited(refused),
            Fault::Tenant(TenantError::Missing),
            Fault::Tenant(TenantError::Character),
            Fault::Malformed("x".into()),
            Fault::Framing("x"),
            Fault::Cardinality,
            Fault::TooLarge(1),
            Fault::Encoding,
            Fault::ContentType("x"),
            Fault::Version,
            Fault::Method,
            Fault::Path("x"),
            Fault::Slow,
            Fault::Gone("x".into()),
        ];
        for fault in faults {
            let again = fault.retry_after().is_some();
            let (code, http) = match fault {
                Fault::Limited(_) => (Code::ResourceExhausted, StatusCode::TOO_MANY_REQUESTS),
                _ => (Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
            };
            assert_eq!(fault.code() == code, again, "{fault:?}");
            assert_eq!(fault.http() == http, again, "{fault:?}");
            let for_want_of_room = matches!(fault, Fault::Refused(_) | Fault::Limited(_));
            assert_eq!(fault.kind().is_none(), for_want_of_room, "{fault:?}");
        }
    }
}
