//! The decoders under attack.

mod journal;
mod receivers;
mod traceql;
mod wire;

use crate::target::Target;
use receivers::{INFLATED, INFLATED_ZSTD, TRANSLATED};
use tributary_receivers::format::Format;

/// All of them. A new one is one more entry.
pub const TARGETS: &[Target] = &[
    Target::new("segment", journal::segments, journal::segment)
        .with_checksums(journal::repair_segment),
    Target::new("slot", journal::slots, journal::slot).with_checksums(journal::repair_slot),
    Target::new("record", journal::records, journal::record).with_checksums(journal::repair_slot),
    Target::new("heartbeat", journal::heartbeats, journal::heartbeat),
    Target::new("cluster", journal::clusters, journal::cluster),
    // Decompression is bounded by a limit and not by the input.
    Target::new("frame", wire::frames, wire::frame).holding(8 * wire::LIMIT, 64),
    // So is what applications send, here and below.
    Target::new("otlp-protobuf", receivers::otlp_protobuf, |input| {
        receivers::translate(Format::OtlpProtobuf, input)
    })
    .with_recorded(receivers::recorded_otlp)
    .holding(TRANSLATED, 0),
    Target::new("otlp-json", receivers::otlp_json, |input| {
        receivers::translate(Format::OtlpJson, input)
    })
    .holding(TRANSLATED, 0),
    Target::new(
        "jaeger-datagram",
        || [receivers::short("jaeger-compact-udp"), receivers::short("jaeger-binary-udp")].concat(),
        |input| receivers::translate(Format::JaegerDatagram, input),
    )
    .with_recorded(|| {
        [receivers::recorded("jaeger-compact-udp"), receivers::recorded("jaeger-binary-udp")]
            .concat()
    })
    .holding(TRANSLATED, 0),
    Target::new(
        "jaeger-http",
        || receivers::short("jaeger-binary-http"),
        |input| receivers::translate(Format::JaegerHttp, input),
    )
    .with_recorded(|| receivers::recorded("jaeger-binary-http"))
    .holding(TRANSLATED, 0),
    Target::new(
        "jaeger-grpc",
        || receivers::short("jaeger-grpc"),
        |input| receivers::translate(Format::JaegerGrpc, input),
    )
    .with_recorded(|| receivers::recorded("jaeger-grpc"))
    .holding(TRANSLATED, 0),
    Target::new(
        "zipkin-v1-json",
        || receivers::short("zipkin-v1-json"),
        |input| receivers::translate(Format::ZipkinV1Json, input),
    )
    .with_recorded(|| receivers::recorded("zipkin-v1-json"))
    .holding(TRANSLATED, 0),
    Target::new(
        "zipkin-v1-thrift",
        || receivers::short("zipkin-v1-thrift"),
        |input| receivers::translate(Format::ZipkinV1Thrift, input),
    )
    .with_recorded(|| receivers::recorded("zipkin-v1-thrift"))
    .holding(TRANSLATED, 0),
    Target::new(
        "zipkin-v2-json",
        || receivers::short("zipkin-v2-json"),
        |input| receivers::translate(Format::ZipkinV2Json, input),
    )
    .with_recorded(|| receivers::recorded("zipkin-v2-json"))
    .holding(TRANSLATED, 0),
    Target::new(
        "zipkin-v2-protobuf",
        || receivers::short("zipkin-v2-proto"),
        |input| receivers::translate(Format::ZipkinV2Protobuf, input),
    )
    .with_recorded(|| receivers::recorded("zipkin-v2-proto"))
    .holding(TRANSLATED, 0),
    Target::new(
        "inflate-gzip",
        || receivers::compressed("gzip"),
        |input| receivers::decompress("gzip", input),
    )
    .with_recorded(|| receivers::recorded_compressed("gzip"))
    .holding(INFLATED, 0),
    Target::new(
        "inflate-deflate",
        || receivers::compressed("deflate"),
        |input| receivers::decompress("deflate", input),
    )
    .with_recorded(|| receivers::recorded_compressed("deflate"))
    .holding(INFLATED, 0),
    Target::new(
        "inflate-zstd",
        || receivers::compressed("zstd"),
        |input| receivers::decompress("zstd", input),
    )
    .with_recorded(|| receivers::recorded_compressed("zstd"))
    .holding(INFLATED_ZSTD, 0),
    // Patterns are compiled, each within its own limit.
    Target::new("traceql", traceql::queries, traceql::text).holding(traceql::TREES, 0),
    Target::new("traceql-generated", traceql::choices, traceql::generated)
        .holding(traceql::TREES, 0),
];

/// What went wrong, without what of the input is quoted in it.
fn unquoted(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    let mut out = String::new();
    while let Some(c) = chars.next() {
        match c {
            '"' | '`' => {
                while let Some(quoted) = chars.next() {
                    match quoted {
                        // An escaped quote in it.
                        '\\' if c == '"' => drop(chars.next()),
                        end if end == c => break,
                        _ => {}
                    }
                }
            }
            c if !c.is_ascii_digit() => out.push(c),
            _ => {}
        }
    }
    out
}
