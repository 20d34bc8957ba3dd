//! Bytes that no client of ours sends, to every port of both programs; afterwards a good request works
//! and memory has stayed within bounds.

use anyhow::{Context, Result, ensure};
use flate2::{Compression, write::GzEncoder};
use prost::Message;
use std::io::Write;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tributary_testkit::http::{self, Answer};
use tributary_testkit::otlp::any_value::Value;
use tributary_testkit::otlp::collector::trace::v1::ExportTraceServiceResponse;
use tributary_testkit::otlp::{AnyValue, ExportTraceServiceRequest, KeyValue, Span};
use tributary_testkit::otlp::{TraceServiceClient, json};
use tributary_testkit::{NormalSpan, sample};
use tributary_tests::ingester::HOLD;
use tributary_tests::replay::{Protocol, Sender};
use tributary_tests::{Ingester, Place, Sent, Sidecar};

const PROTOBUF: &str = "application/x-protobuf";

/// Peak memory that neither program may pass, bytes: far above what they need, far below what the
/// input claims or inflates to.
const MOST_MEMORY: u64 = 96 << 20;

struct Pair {
    place: Place,
    ingester: Ingester,
    sidecar: Sidecar,
}

impl Pair {
    async fn start() -> Result<Pair> {
        let place = Place::folder()?;
        let ingester = Ingester::start(&place, HOLD).await?;
        let sidecar = Sidecar::start(&ingester.wire.to_string(), &[]).await?;
        Ok(Pair { place, ingester, sidecar })
    }

    fn ports(&self) -> [(&'static str, SocketAddr); 5] {
        [
            ("otlp-grpc", self.sidecar.grpc),
            ("otlp-http", self.sidecar.http),
            ("admin", self.sidecar.admin),
            ("wire", self.ingester.wire),
            ("query", self.ingester.http),
        ]
    }

    /// Good requests work, both processes are those that were started, and stayed small.
    async fn ends_well(mut self, mut sent: Sent) -> Result<()> {
        let protocols = [Protocol::Grpc, Protocol::Protobuf, Protocol::Json];
        for (seed, protocol) in (1_000_001..).zip(protocols) {
            let request = sample::request(seed);
            Sender::open(&self.sidecar, protocol).await?.send(&request.encode_to_vec()).await?;
            sent.add(NormalSpan::of(request.resource_spans));
        }
        sent.check(&[&self.ingester]).await?;
        for process in [&mut self.sidecar.process, &mut self.ingester.process] {
            let peak = process.peak_resident_bytes()?;
            ensure!(peak < MOST_MEMORY, "{peak} bytes at the peak");
            let output = process.output().join("\n");
            ensure!(!output.contains("panicked"), "{output}");
        }
        self.sidecar.stop().await?;
        self.ingester.stop().await?;
        drop(self.place);
        Ok(())
    }
}

/// The same bytes in every run.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(len).collect()
}

/// Writes bytes to a port, closes that side, and reads whatever comes back until the other side
/// closes too, has said much, or has nothing to say: a server may well keep a connection open.
async fn poke(to: SocketAddr, bytes: &[u8]) -> Result<()> {
    let mut stream = TcpStream::connect(to).await.with_context(|| to.to_string())?;
    // A server may close while we still write.
    if stream.write_all(bytes).await.is_err() || stream.shutdown().await.is_err() {
        return Ok(());
    }
    let mut answer = vec![0; 4096];
    let wait = std::time::Duration::from_millis(200);
    while let Ok(Ok(n)) = tokio::time::timeout(wait, stream.read(&mut answer)).await {
        if n == 0 {
            break;
        }
    }
    Ok(())
}

#[tokio::test]
async fn other_protocols_and_noise_on_every_port() -> Result<()> {
    let pair = Pair::start().await?;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let with_preface = |rest: &[u8]| [&preface, rest].concat();
    let settings: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    let mut pokes = vec![
        Vec::new(),
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\n".to_vec(),
        b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n\
          transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n"
            .to_vec(),
        b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nshort".to_vec(),
        // TLS's hello, SSH, Redis, a Thrift call, Kafka's ApiVersions.
        vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3],
        b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
        b"*1\r\n$4\r\nPING\r\n".to_vec(),
        vec![0x80, 1, 0, 1, 0, 0, 0, 4, b'p', b'i', b'n', b'g', 0, 0, 0, 1],
        vec![0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0, 0],
        with_preface(b""),
        with_preface(&noise(1, 5000)),
        with_preface(settings),
        // A frame that claims 16 MB, and headers on stream 0.
        with_preface(&[settings, &[0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]].concat()),
        with_preface(&[settings, &[0, 0, 1, 1, 5, 0, 0, 0, 0, 0x82]].concat()),
        b"A".repeat(1 << 20),
    ];
    pokes.extend((2..10).map(|seed| noise(seed, 1 << (2 * seed))));
    for (name, port) in pair.ports() {
        for bytes in &pokes {
            poke(port, bytes).await.with_context(|| name.to_owned())?;
        }
    }
    pair.ends_well(Sent::default()).await
}

#[tokio::test]
async fn grpc_that_is_not_meant_for_the_port() -> Result<()> {
    let pair = Pair::start().await?;
    let request = sample::plain(1);
    // An application that was pointed at the ingester's wire, or at its query API.
    for port in [pair.ingester.wire, pair.ingester.http, pair.sidecar.admin] {
        let mut client = TraceServiceClient::connect(format!("http://{port}")).await?;
        let status = client.export(request.clone()).await.expect_err("not meant for it");
        ensure!(status.code() != tonic::Code::Ok, "{status:?}");
    }
    // A sidecar that was pointed at another sidecar's OTLP port: it keeps what it took and waits.
    let lost = Sidecar::start(&pair.sidecar.grpc.to_string(), &[]).await?;
    Sender::open(&lost, Protocol::Protobuf).await?.send(&request.encode_to_vec()).await?;
    let acknowledged = lost.until("tributary_sidecar_spans_acked_total", |_| true).await?;
    ensure!(acknowledged == 0.0, "{acknowledged} spans acknowledged where no ingester is");
    drop(lost);
    pair.ends_well(Sent::default()).await
}

async fn post(pair: &Pair, headers: &[(&str, &str)], body: Vec<u8>) -> Result<Answer> {
    http::send(pair.sidecar.http, ::http::Method::POST, "/v1/traces", headers, body).await
}

async fn post_protobuf(pair: &Pair, body: Vec<u8>) -> Result<Answer> {
    post(pair, &[("content-type", PROTOBUF)], body).await
}

#[tokio::test]
async fn bodies_that_are_no_request_are_refused_for_good() -> Result<()> {
    let pair = Pair::start().await?;
    let good = sample::request(1).encode_to_vec();
    let text = json::write(&sample::request(1).resource_spans).to_string();
    for cut in (1..good.len()).step_by(97) {
        let answer = post_protobuf(&pair, good.get(..cut).unwrap_or_default().to_vec()).await?;
        ensure!(answer.status == 400, "cut at {cut}: {} {}", answer.status, answer.text());
    }
    for cut in (1..text.len()).step_by(997) {
        let cut_text = text.as_bytes().get(..cut).unwrap_or_default().to_vec();
        let answer = post(&pair, &[("content-type", "application/json")], cut_text).await?;
        ensure!(answer.status == 400, "cut at {cut}: {} {}", answer.status, answer.text());
    }
    let deep = "[".repeat(1 << 20).into_bytes();
    let answer = post(&pair, &[("content-type", "application/json")], deep).await?;
    ensure!(answer.status == 400, "{} {}", answer.status, answer.text());
    for seed in 1..50 {
        // Almost any noise is no request; what happens to be one has no spans with valid ids.
        let answer = post_protobuf(&pair, noise(seed, 500)).await?;
        ensure!(matches!(answer.status.as_u16(), 200 | 400), "{} {}", answer.status, answer.text());
    }
    pair.ends_well(Sent::default()).await
}

#[tokio::test]
async fn bodies_that_are_too_large_are_refused_without_being_held() -> Result<()> {
    let pair = Pair::start().await?;
    let zeros = vec![0; 100 << 20];
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..10 {
        bomb.write_all(&zeros)?;
    }
    let bomb = bomb.finish()?;
    // A server that refuses early may close the connection while the body is still being sent.
    match post_protobuf(&pair, zeros).await {
        Ok(answer) => ensure!(answer.status == 413, "{} {}", answer.status, answer.text()),
        Err(e) => ensure!(!format!("{e:#}").contains("connecting"), "{e:#}"),
    }
    let gzip = [("content-type", PROTOBUF), ("content-encoding", "gzip")];
    let answer = post(&pair, &gzip, bomb.clone()).await?;
    ensure!(matches!(answer.status.as_u16(), 400 | 413), "{} {}", answer.status, answer.text());
    let answer = post(&pair, &gzip, noise(1, 1000)).await?;
    ensure!(answer.status == 400, "{} {}", answer.status, answer.text());
    // The same by gRPC.
    let mut huge = sample::plain(1);
    if let Some(span) = only_span(&mut huge) {
        span.name = "x".repeat(100 << 20);
    }
    let client = TraceServiceClient::connect(format!("http://{}", pair.sidecar.grpc)).await?;
    let mut client = client.max_encoding_message_size(200 << 20);
    let status = client.export(huge.clone()).await.expect_err("too large");
    let codes =
        [tonic::Code::ResourceExhausted, tonic::Code::InvalidArgument, tonic::Code::Unknown];
    ensure!(codes.contains(&status.code()), "{status:?}");
    let mut client = client.send_compressed(tonic::codec::CompressionEncoding::Gzip);
    let status = client.export(huge).await.expect_err("too large once inflated");
    ensure!(codes.contains(&status.code()), "{status:?}");
    pair.ends_well(Sent::default()).await
}

#[tokio::test]
async fn headers_that_nobody_understands_are_refused_for_good() -> Result<()> {
    let pair = Pair::start().await?;
    let good = sample::plain(1).encode_to_vec();
    type Headers = &'static [(&'static str, &'static str)];
    let table: [(Headers, &[u16]); 5] = [
        (&[("content-type", "text/html")], &[415]),
        (&[], &[400, 415]),
        (&[("content-type", PROTOBUF), ("content-encoding", "br")], &[400, 415]),
        (&[("content-type", PROTOBUF), ("content-encoding", "gzip, gzip")], &[400, 415]),
        (&[("content-type", PROTOBUF), ("content-encoding", "\u{fd}")], &[400, 415]),
    ];
    for (headers, expected) in table {
        let answer = post(&pair, headers, good.clone()).await?;
        let status = answer.status.as_u16();
        ensure!(expected.contains(&status), "{headers:?}: {status} {}", answer.text());
    }
    for (method, path, expected) in
        [("GET", "/v1/traces", 405), ("POST", "/v1/nothing", 404), ("BREW", "/v1/traces", 405)]
    {
        let method = ::http::Method::from_bytes(method.as_bytes())?;
        let answer = http::send(pair.sidecar.http, method, path, &[], good.clone()).await?;
        ensure!(answer.status == expected, "{path}: {} {}", answer.status, answer.text());
    }
    for path in
        ["/api/traces/xyz", "/api/traces/", "/api/v2/traces/0123456789012345678901234567890123"]
    {
        let status = http::get(pair.ingester.http, path).await?.status.as_u16();
        ensure!(matches!(status, 400 | 404), "{path}: {status}");
    }
    pair.ends_well(Sent::default()).await
}

#[tokio::test]
async fn a_span_without_ids_is_refused_alone() -> Result<()> {
    let pair = Pair::start().await?;
    let mut sent = Sent::default();
    for (seed, break_it) in (1..).zip([
        (|span| span.trace_id.clear()) as fn(&mut Span),
        |span| span.trace_id = vec![0; 16],
        |span| span.span_id = vec![0; 8],
        |span| span.span_id = vec![1; 7],
    ]) {
        let mut request = sample::plain(seed);
        let mut broken = sample::plain(seed + 100);
        only_span(&mut broken).map(break_it).context("a span")?;
        request.resource_spans.extend(broken.resource_spans);
        let answer = post_protobuf(&pair, request.encode_to_vec()).await?;
        ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
        let said = ExportTraceServiceResponse::decode(answer.body)?.partial_success;
        let said = said.context("no partial success")?;
        ensure!(said.rejected_spans == 1 && !said.error_message.is_empty(), "{said:?}");
        sent.add(NormalSpan::of(sample::plain(seed).resource_spans));
    }
    pair.ends_well(sent).await
}

#[tokio::test]
async fn a_huge_attribute_and_a_hundred_thousand_of_them_are_kept() -> Result<()> {
    let pair = Pair::start().await?;
    let text = |key: String, text: String| KeyValue {
        key,
        value: Some(AnyValue { value: Some(Value::StringValue(text)) }),
    };
    let mut large = sample::plain(1);
    let mut many = sample::plain(2);
    only_span(&mut large).context("a span")?.attributes =
        vec![text("large".into(), "ä".repeat(512 << 10))];
    only_span(&mut many).context("a span")?.attributes =
        (0..100_000).map(|i| text(format!("key.{i}"), format!("value {i}"))).collect();
    let mut sent = Sent::default();
    for request in [large, many] {
        let mut sender = Sender::open(&pair.sidecar, Protocol::Protobuf).await?;
        sender.send(&request.encode_to_vec()).await?;
        sent.add(NormalSpan::of(request.resource_spans));
    }
    pair.ends_well(sent).await
}

fn only_span(request: &mut ExportTraceServiceRequest) -> Option<&mut Span> {
    request.resource_spans.first_mut()?.scope_spans.first_mut()?.spans.first_mut()
}
