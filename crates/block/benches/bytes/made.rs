//! Spans of another kind than the recorded ones: of a public API that is asked by many, one to four
//! short HTTP spans a trace, with attributes that hardly repeat themselves.

use prost::Message;
use tributary_testkit::Random;
use tributary_testkit::otlp::trace::v1::{Span, Status};
use tributary_testkit::otlp::{
    AnyValue, ExportTraceServiceRequest, InstrumentationScope, KeyValue, Resource, ResourceSpans,
    ScopeSpans, any_value::Value,
};

/// Spans of a request.
const BATCH: usize = 256;
/// Spans of the four services start within an hour from here.
const FROM: u64 = 1_795_344_000_000_000_000;

fn text(key: &str, value: String) -> KeyValue {
    attribute(key, Value::StringValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }) }
}

/// Requests with so many spans, or a few more.
pub(crate) fn requests(spans: usize) -> Vec<Vec<u8>> {
    let mut random = Random::new(7);
    let mut services: [Vec<Span>; 4] = Default::default();
    let (mut made, mut requests) = (0, Vec::new());
    while made < spans {
        let trace = [random.bits().to_be_bytes(), random.bits().to_be_bytes()].concat();
        let mut start = FROM + random.draw(3_600_000_000_000);
        let (mut parent, depth) = (Vec::new(), 1 + random.below(4));
        let mut left = {
            let scale = random.draw(8);
            1_000_000 + random.draw(1 << (20 + scale))
        };
        for (level, service) in services.iter_mut().enumerate().take(depth) {
            let kind = if level == 0 { 2 } else { 2 + i32::from(random.draw(2) == 0) };
            let span = span(&mut random, (&trace, &parent), kind, (start, left));
            parent.clone_from(&span.span_id);
            start += random.draw(left / 4);
            left /= 2;
            service.push(span);
            made += 1;
        }
        for (n, service) in services.iter_mut().enumerate() {
            if service.len() >= BATCH || (made >= spans && !service.is_empty()) {
                let pod = random.draw(5);
                requests.push(request(n, pod, std::mem::take(service)).encode_to_vec());
            }
        }
    }
    requests
}

fn span(
    random: &mut Random,
    (trace, parent): (&[u8], &[u8]),
    kind: i32,
    (start, length): (u64, u64),
) -> Span {
    let verbs = ["GET", "GET", "GET", "POST", "PUT", "DELETE"];
    let things = ["users", "orders", "carts", "invoices", "sessions", "devices"];
    let verb = random.pick(&verbs).copied().unwrap_or_default();
    let thing = random.pick(&things).copied().unwrap_or_default();
    let route = format!("/v1/{thing}/{{id}}");
    let path = format!("/v1/{thing}/{:08x}-{:04x}", random.draw(1 << 32), random.draw(1 << 16));
    let failed = random.draw(50) == 0;
    let code = if failed { 500 } else { 200 + random.draw(2) };
    let ip = |r: &mut Random| format!("10.{}.{}.{}", r.draw(8), r.draw(256), r.draw(256));
    let int = |n: u64| Value::IntValue(n.cast_signed());
    let scale = random.draw(12);
    let size = random.draw(1 << (8 + scale));
    Span {
        trace_id: trace.to_vec(),
        span_id: random.bits().to_be_bytes().to_vec(),
        parent_span_id: parent.to_vec(),
        name: format!("{verb} {route}"),
        kind,
        start_time_unix_nano: start,
        end_time_unix_nano: start + length + random.draw(1 << 16),
        attributes: vec![
            text("http.request.method", verb.to_owned()),
            text("http.route", route),
            text("url.path", path),
            text("client.address", ip(random)),
            attribute("client.port", int(1024 + random.draw(64_000))),
            attribute("http.response.status_code", int(code)),
            attribute("http.response.body.size", int(size)),
            text("user_agent.original", format!("client/{}.{}", random.draw(4), random.draw(20))),
            text("request.id", format!("{:016x}{:016x}", random.bits(), random.bits())),
            text("enduser.id", format!("u-{}", random.draw(200_000))),
        ],
        status: failed.then(|| Status { code: 2, message: String::new() }),
        ..Default::default()
    }
}

fn request(service: usize, pod: u64, spans: Vec<Span>) -> ExportTraceServiceRequest {
    let name = ["edge", "api", "accounts", "storage"].get(service).copied().unwrap_or_default();
    let attributes = vec![
        text("service.name", name.to_owned()),
        text("k8s.pod.name", format!("{name}-7f9c-{pod}")),
        text("k8s.namespace.name", "shop".to_owned()),
    ];
    let resource = Resource { attributes, ..Default::default() };
    let scope =
        InstrumentationScope { name: "http".into(), version: "1.4.0".into(), ..Default::default() };
    let group = ScopeSpans { scope: Some(scope), spans, ..Default::default() };
    let batch =
        ResourceSpans { resource: Some(resource), scope_spans: vec![group], ..Default::default() };
    ExportTraceServiceRequest { resource_spans: vec![batch] }
}
