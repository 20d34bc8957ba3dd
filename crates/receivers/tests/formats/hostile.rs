//! Bytes that no client sends.

use proptest::prelude::*;
use std::sync::LazyLock;
use tributary_receivers::format::{Format, TranslateError, inflate};
use tributary_span::columns::Builder;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_testkit::data::legacy;

const LIMIT: usize = 1 << 20;

/// Short recorded bodies of each format that has any.
static RECORDED: LazyLock<Vec<(Format, Vec<u8>)>> = LazyLock::new(|| {
    let format = |name: &str| match name {
        n if n.starts_with("jaeger-binary-http") => Format::JaegerHttp,
        n if n.starts_with("jaeger-grpc") => Format::JaegerGrpc,
        n if n.starts_with("jaeger") => Format::JaegerDatagram,
        n if n.starts_with("zipkin-v1-json") => Format::ZipkinV1Json,
        n if n.starts_with("zipkin-v1-thrift") => Format::ZipkinV1Thrift,
        n if n.starts_with("zipkin-v2-json") => Format::ZipkinV2Json,
        _ => Format::ZipkinV2Protobuf,
    };
    let mut found = Vec::new();
    for mut client in legacy("").unwrap() {
        client.records.sort_by_key(Vec::len);
        let shortest = client.records.into_iter().take(5);
        found.extend(shortest.map(|body| (format(&client.pod), body)));
    }
    assert!(found.len() > 50);
    found
});

/// Whatever comes out is a request.
fn try_all(body: &[u8]) {
    for format in Format::ALL {
        if let Ok(request) = format.translate(body, LIMIT)
            && format != Format::OtlpProtobuf
        {
            append_all(&mut Builder::new(), &request, &Limits::default()).unwrap();
        }
    }
    for coding in ["gzip", "deflate", "zstd"] {
        if let Ok(out) = inflate(coding, body, LIMIT) {
            assert!(out.len() <= LIMIT);
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        try_all(&body);
    }

    #[test]
    fn no_json_panics(body in r#"[\[\]{}:,"0-9a-z\\. -]{0,200}"#) {
        try_all(body.as_bytes());
        try_all(format!("[{{{body}}}]").as_bytes());
    }

    #[test]
    fn recorded_bodies_with_faults_do_not_panic(
        pick in any::<prop::sample::Index>(),
        faults in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let (format, body) = &RECORDED[pick.index(RECORDED.len())];
        let mut body = body.clone();
        for (at, byte) in faults {
            let at = at.index(body.len());
            body[at] = byte;
        }
        if let Ok(request) = format.translate(&body, LIMIT) {
            append_all(&mut Builder::new(), &request, &Limits::default()).unwrap();
        }
        body.truncate(cut.index(body.len()));
        drop(format.translate(&body, LIMIT));
    }
}

/// Small bodies that would become large ones are refused before they are.
#[test]
fn what_grows_is_refused_before_it_has_grown() {
    // Each span of 30 bytes has a service of its own, so each becomes a resource of its own.
    let spans: Vec<String> = (0..100_000)
        .map(|n| format!(r#"{{"traceId":"1","id":"1","localEndpoint":{{"serviceName":"{n}"}}}}"#))
        .collect();
    let body = format!("[{}]", spans.join(","));
    let refused = Format::ZipkinV2Json.translate(body.as_bytes(), LIMIT).unwrap_err();
    assert_eq!(refused, TranslateError::TooLarge(LIMIT));
}
