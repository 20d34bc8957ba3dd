//! What a span of each protocol costs until it is OTLP bytes, and until it is in columns: rows of
//! the cost table. The spans are those that real clients sent.
#![expect(clippy::print_stdout, reason = "rows go to the person who asked for them")]

use anyhow::{Result, ensure};
use std::hint::black_box;
use std::time::{Duration, Instant};
use tributary_receivers::format::Format;
use tributary_span::columns::Builder;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_testkit::data::records;
use tributary_testkit::otlp::{TracesData, json};
use tributary_testkit::{data_dir, recordings};

/// A recording of each legacy format.
const LEGACY: [(Format, &str); 9] = [
    (Format::JaegerDatagram, "jaeger-compact-udp.python-jaeger-client"),
    (Format::JaegerDatagram, "jaeger-binary-udp.node-jaeger-client"),
    (Format::JaegerHttp, "jaeger-binary-http.node-opentelemetry"),
    (Format::JaegerGrpc, "jaeger-grpc.python-opentelemetry"),
    (Format::ZipkinV1Json, "zipkin-v1-json.py_zipkin"),
    (Format::ZipkinV1Thrift, "zipkin-v1-thrift.py_zipkin"),
    (Format::ZipkinV2Json, "zipkin-v2-json.py_zipkin"),
    (Format::ZipkinV2Json, "zipkin-v2-json.python-opentelemetry"),
    (Format::ZipkinV2Protobuf, "zipkin-v2-proto.python-opentelemetry"),
];

/// How long each is measured.
const TIME: Duration = Duration::from_millis(500);

fn main() -> Result<()> {
    let dir = data_dir()?.join("legacy");
    for (format, name) in LEGACY {
        measure(name, format, &records(&dir.join(format!("{name}.bin.zst")))?)?;
    }
    let otlp: Vec<_> = recordings()?.into_iter().flat_map(|r| r.records).take(60).collect();
    let texts = otlp.iter().map(|bytes| {
        let data: TracesData = prost::Message::decode(bytes.as_slice())?;
        Ok(serde_json::to_vec(&json::write(&data.resource_spans))?)
    });
    let texts: Vec<_> = texts.collect::<Result<_>>()?;
    measure("OTLP JSON", Format::OtlpJson, &texts)?;
    measure("OTLP protobuf", Format::OtlpProtobuf, &otlp)
}

fn measure(name: &str, format: Format, bodies: &[Vec<u8>]) -> Result<()> {
    let limit = 256 << 20;
    let (mut spans, mut rounds) = (0, 0u32);
    let (mut translated, mut all) = (Duration::ZERO, Duration::ZERO);
    let mut builder = Builder::new();
    while all < TIME {
        rounds += 1;
        for body in bodies {
            let start = Instant::now();
            let request = format.translate(black_box(body), limit)?;
            translated += start.elapsed();
            let outcome = append_all(&mut builder, &request, &Limits::default())?;
            ensure!(outcome.rejected == 0, "{name}: {outcome:?}");
            spans += outcome.accepted;
            black_box(builder.take());
            all += start.elapsed();
        }
    }
    ensure!(rounds > 0 && spans > 0, "{name}: nothing was measured");
    let each = |time: Duration| time.as_secs_f64() * 1e6 / spans as f64;
    println!("row\treceive {name}: to OTLP\t{:.3}\tµs/span", each(translated));
    println!("row\treceive {name}: to columns\t{:.3}\tµs/span", each(all));
    Ok(())
}
