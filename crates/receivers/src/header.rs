//! Headers and paths, read as senders write them.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName};

/// A header's value, empty when there is none.
pub(crate) fn header<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h [u8] {
    headers.get(name).map_or(&[], |value| value.as_bytes())
}

/// What a body is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    Protobuf,
    Json,
    /// What a browser's beacon says of any text.
    Text,
    Thrift,
    /// gRPC with protobuf.
    Grpc,
    /// gRPC with something else.
    OtherGrpc,
    Other,
}

const MEDIA: [(&str, Media); 10] = [
    ("application/x-protobuf", Media::Protobuf),
    ("application/protobuf", Media::Protobuf),
    ("application/vnd.google.protobuf", Media::Protobuf),
    ("application/json", Media::Json),
    ("text/json", Media::Json),
    ("text/plain", Media::Text),
    ("application/x-thrift", Media::Thrift),
    ("application/vnd.apache.thrift.binary", Media::Thrift),
    ("application/grpc", Media::Grpc),
    ("application/grpc+proto", Media::Grpc),
];

/// The media type of a request's body, in any case, its parameters left aside.
pub(crate) fn media(headers: &HeaderMap) -> Media {
    let value = header(headers, &CONTENT_TYPE);
    let value = value.split(|&b| b == b';').next().unwrap_or_default().trim_ascii();
    let is = |known: &str| value.eq_ignore_ascii_case(known.as_bytes());
    match MEDIA.iter().find(|(known, _)| is(known)) {
        Some((_, media)) => *media,
        None if value.get(..16).is_some_and(|v| v.eq_ignore_ascii_case(b"application/grpc")) => {
            Media::OtherGrpc
        }
        None => Media::Other,
    }
}

/// Whether a path is this one, whatever double and trailing slashes it has.
pub(crate) fn is_path(path: &str, wanted: &str) -> bool {
    segments(path).eq(segments(wanted))
}

/// Whether a path ends with this one, as behind a prefix.
pub(crate) fn ends_with(path: &str, wanted: &str) -> bool {
    let mut path = segments(path).rev();
    segments(wanted).rev().all(|segment| path.next() == Some(segment))
}

/// The last segment of a path.
pub(crate) fn last_segment(path: &str) -> &str {
    segments(path).next_back().unwrap_or_default()
}

fn segments(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn media_types_in_any_case_and_with_parameters() {
        let table = [
            ("application/x-protobuf", Media::Protobuf),
            ("Application/X-Protobuf; messageType=\"x.Y\"", Media::Protobuf),
            ("application/protobuf", Media::Protobuf),
            ("APPLICATION/JSON;charset=UTF-8", Media::Json),
            (" text/plain ; charset=utf-8", Media::Text),
            ("application/X-Thrift", Media::Thrift),
            ("application/grpc;foo", Media::Grpc),
            ("Application/GRPC+proto", Media::Grpc),
            ("application/grpc-web+json", Media::OtherGrpc),
            ("image/png", Media::Other),
            ("", Media::Other),
        ];
        for (value, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            assert_eq!(media(&headers), expected, "{value}");
        }
        assert_eq!(media(&HeaderMap::new()), Media::Other);
    }

    #[test]
    fn slashes_make_no_difference() {
        for path in ["/v1/traces", "/v1/traces/", "//v1/traces", "/v1//traces//"] {
            assert!(is_path(path, "/v1/traces"), "{path}");
        }
        for path in ["/", "/v1/trace", "/v1/traces/x", "/v1tra/ces", "/V1/traces"] {
            assert!(!is_path(path, "/v1/traces"), "{path}");
        }
        for path in ["/api/v1/spans", "/zipkin//api/v1/spans/"] {
            assert!(ends_with(path, "/api/v1/spans"), "{path}");
        }
        assert!(!ends_with("/v1/spans", "/api/v1/spans"));
        assert!(!ends_with("/myapi/v1/spans", "/api/v1/spans"));
        assert_eq!((last_segment("/v1/metrics/"), last_segment("/")), ("metrics", ""));
    }
}
