use super::*;
use crate::{Dimensions, Format, Page};
use tributary_span::columns::Builder;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_span::protobuf::put;

/// A span in few words: `kind id parent [attributes…] [!]`, of a service.
#[derive(Clone, Copy)]
struct Told {
    service: &'static str,
    kind: u64,
    id: u8,
    parent: u8,
    attributes: &'static [(&'static str, &'static str)],
    failed: bool,
}

const fn told(service: &'static str, kind: u64, id: u8, parent: u8) -> Told {
    Told { service, kind, id, parent, attributes: &[], failed: false }
}

const fn with(told: Told, attributes: &'static [(&'static str, &'static str)]) -> Told {
    Told { attributes, ..told }
}

const fn failed(told: Told) -> Told {
    Told { failed: true, ..told }
}

fn attribute(out: &mut Vec<u8>, field: u32, key: &str, value: &str) {
    put::message(out, field, |pair| {
        put::bytes(pair, 1, key.as_bytes());
        put::message(pair, 2, |any| put::bytes(any, 1, value.as_bytes()));
    });
}

/// A frame with one span that lasts `ns` nanoseconds.
fn frame(told: Told, name: &str, ns: u64) -> Columns {
    let mut request = Vec::new();
    put::message(&mut request, 1, |resource_spans| {
        put::message(resource_spans, 1, |resource| {
            attribute(resource, 1, "service.name", told.service);
            attribute(resource, 1, "k8s.pod.name", "pod-1");
        });
        put::message(resource_spans, 2, |scope_spans| {
            put::message(scope_spans, 2, |span| {
                put::bytes(span, 1, &[7; 16]);
                put::bytes(span, 2, &[told.id; 8]);
                if told.parent != 0 {
                    put::bytes(span, 4, &[told.parent; 8]);
                }
                put::bytes(span, 5, name.as_bytes());
                put::uint(span, 6, told.kind);
                put::fixed64(span, 7, 1000);
                put::fixed64(span, 8, 1000 + ns);
                for (key, value) in told.attributes {
                    attribute(span, 9, key, value);
                }
                put::message(span, 15, |status| put::uint(status, 3, 2 * u64::from(told.failed)));
            });
        });
    });
    let mut builder = Builder::new();
    append_all(&mut builder, &request, &Limits::default()).unwrap();
    builder.take()
}

fn at(ms: u64) -> Now {
    Now { ms, unix_ms: 1_000_000 + ms }
}

fn page(store: &Store, tenants: &[&str]) -> String {
    let tenants = tenants.iter().map(|&tenant| tenant.to_owned()).collect();
    let (mut page, mut text) = (Page::new(Format::OpenMetrics, tenants), Vec::new());
    while page.next(store, &mut text) {}
    String::from_utf8(text).unwrap()
}

fn all(store: &Store) -> Vec<String> {
    let calls = store.calls(&["t".to_owned()]);
    let line = |c: &Call| {
        let kind = c.connection.name();
        format!("{} {} [{kind}] {} {}", c.client, c.server, c.calls, c.failed)
    };
    calls.iter().map(line).collect()
}

const HTTP: [Told; 2] = [told("a", 3, 1, 9), told("b", 2, 2, 1)];
const QUEUE: [Told; 2] = [told("a", 4, 1, 9), told("b", 5, 2, 1)];
const DB: Told = told("a", 3, 1, 9);

#[test]
fn calls_are_what_their_sides_tell() {
    let table: &[(&[Told], &[&str])] = &[
        (&HTTP, &["a b [] 1 0"]),
        (&[failed(HTTP[0]), HTTP[1]], &["a b [] 1 1"]),
        (&[HTTP[0], failed(HTTP[1])], &["a b [] 1 1"]),
        (&QUEUE, &["a b [messaging_system] 1 0"]),
        // One side alone.
        (&[HTTP[0]], &[]),
        (&[HTTP[1]], &[]),
        (&[with(HTTP[0], &[("peer.service", "stripe")])], &["a stripe [virtual_node] 1 0"]),
        (&[with(QUEUE[0], &[("messaging.system", "kafka")])], &["a kafka [virtual_node] 1 0"]),
        (&[with(HTTP[0], &[("messaging.system", "kafka")])], &[]),
        (&[told("b", 2, 2, 0)], &["user b [virtual_node] 1 0"]),
        (&[failed(told("b", 5, 2, 0))], &["user b [virtual_node] 1 1"]),
        (
            &[with(told("b", 2, 2, 0), &[("peer.service", "phone")])],
            &["phone b [virtual_node] 1 0"],
        ),
        // Databases need no other side, and are named by the best that is told.
        (&[with(DB, &[("db.system", "redis")])], &["a redis [database] 1 0"]),
        (&[with(DB, &[("db.system", "redis"), ("db.name", "carts")])], &["a carts [database] 1 0"]),
        (
            &[with(DB, &[("db.system", "x"), ("network.peer.address", "1.2.3.4")])],
            &["a 1.2.3.4 [database] 1 0"],
        ),
        (
            &[with(
                DB,
                &[
                    ("network.peer.port", "6379"),
                    ("network.peer.address", "h"),
                    ("db.system.name", "x"),
                ],
            )],
            &["a h:6379 [database] 1 0"],
        ),
        (
            &[with(DB, &[("db.system", "x"), ("server.address", "s"), ("peer.service", "p")])],
            &["a p [database] 1 0"],
        ),
        // Neither internal spans nor nameless services are sides of a call.
        (&[told("a", 1, 1, 9), told("b", 2, 2, 1)], &[]),
        (&[told("", 3, 1, 9), told("b", 2, 2, 1)], &[]),
        // Of two servers with one caller one is its other side.
        (&[HTTP[0], HTTP[1], told("c", 2, 3, 1)], &["a b [] 1 0"]),
    ];
    for (spans, expected) in table {
        for backwards in [false, true] {
            if backwards && spans.len() > 2 {
                continue;
            }
            let mut store = Store::new(Settings::default());
            let mut spans = spans.to_vec();
            if backwards {
                spans.reverse();
            }
            for span in &spans {
                store.count(&"t".into(), &frame(*span, "s", 1), at(0));
            }
            store.expire(at(10_000));
            let names = spans.iter().map(|span| (span.service, span.kind));
            assert_eq!(all(&store), *expected, "{:?}", names.collect::<Vec<_>>());
            let stats = store.stats();
            assert_eq!((stats.waiting, stats.edges), (0, expected.len() as u64));
        }
    }
}

#[test]
fn a_side_waits_so_long_and_no_longer() {
    for (second_at, expected) in [(9_000, "a b [] 1 0"), (10_000, "")] {
        let mut store = Store::new(Settings::default());
        store.count(&"t".into(), &frame(HTTP[0], "s", 1), at(0));
        store.expire(at(second_at));
        store.count(&"t".into(), &frame(HTTP[1], "s", 1), at(second_at));
        assert_eq!(all(&store).concat(), expected);
        store.expire(at(60_000));
        let expired = store.stats().sides_expired;
        assert_eq!(expired, if expected.is_empty() { 2 } else { 0 });
    }
}

#[test]
fn stale_series_go_with_their_memory() {
    let mut store = Store::new(Settings { stale_ms: 100_000, ..Settings::default() });
    store.count(&"t".into(), &frame(HTTP[0], "old", 1), at(0));
    store.count(&"t".into(), &frame(HTTP[1], "young", 1), at(90_000));
    store.expire(at(100_001));
    let text = page(&store, &["t"]);
    assert!(text.contains("span_name=\"young\"") && !text.contains("span_name=\"old\""), "{text}");
    store.expire(at(190_001));
    store.expire(at(300_000));
    assert_eq!((store.stats().series, store.stats().bytes), (0, 0));
    assert!(!page(&store, &["t"]).contains("young"));
}

#[test]
fn labels_are_those_that_are_asked_for() {
    let settings = Settings {
        dimensions: Dimensions::read("span_name,http.route,k8s.pod.name,absent").unwrap(),
        label: Some(("ingester".to_owned(), "one".to_owned())),
        name_tenants: true,
        target_info: true,
        ..Settings::default()
    };
    let mut store = Store::new(settings);
    let routed = with(told("a", 1, 1, 0), &[("http.route", "/x\"\\\n{}"), ("k8s.pod.name", "own")]);
    store.count(&"t".into(), &frame(routed, "GET", 3_000_000), at(0));
    store.count(&"u".into(), &frame(told("b", 1, 1, 0), "GET", 2_000_001), at(0));
    let text = page(&store, &["t", "u", "unknown"]);
    let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
    let calls: Vec<&str> = lines.iter().copied().filter(|l| l.contains("calls_total")).collect();
    assert_eq!(
        calls,
        [
            "traces_spanmetrics_calls_total{tenant=\"t\",ingester=\"one\",span_name=\"GET\",\
             http_route=\"/x\\\"\\\\\\n{}\",k8s_pod_name=\"pod-1\",job=\"a\"} 1",
            "traces_spanmetrics_calls_total{tenant=\"u\",ingester=\"one\",span_name=\"GET\",\
             k8s_pod_name=\"pod-1\",job=\"b\"} 1",
        ]
    );
    let target =
        "traces_target_info{tenant=\"t\",ingester=\"one\",k8s_pod_name=\"pod-1\",job=\"a\"} 1";
    assert!(lines.contains(&target), "{text}");
    let exemplar =
        "le=\"0.004\"} 1 # {traceID=\"07070707070707070707070707070707\"} 0.003 1000.000";
    assert!(text.contains(exemplar), "{text}");
    assert!(page(&store, &["unknown"]).ends_with("# EOF\n"));
}

#[test]
fn a_crowd_of_names_or_tenants_stays_within_its_bytes() {
    let settings = Settings { series_bytes: 64 << 10, series: 1 << 20, ..Settings::default() };
    let mut store = Store::new(settings.clone());
    for n in 0..2000u32 {
        let name = format!("{n:04}{}", "x".repeat(5000));
        store.count(&"t".into(), &frame(told("a", 1, 1, 0), &name, 1), at(0));
    }
    store.count(&"t".into(), &frame(HTTP[0], "s", 1), at(0));
    store.count(&"t".into(), &frame(HTTP[1], "s", 1), at(0));
    let stats = store.stats();
    assert!(stats.bytes <= 64 << 10 && stats.spans_overflowed > 1900, "{stats:?}");
    assert_eq!(all(&store), ["a b [] 1 0"], "who calls whom has room of its own");
    let mut store = Store::new(settings);
    for n in 0..2000u32 {
        store.count(&format!("tenant-{n}").into(), &frame(told("a", 1, 1, 0), "s", 1), at(0));
    }
    let stats = store.stats();
    assert!(stats.bytes <= 64 << 10, "{stats:?}");
    assert_eq!(stats.spans + stats.spans_dropped, 2000);
    assert!(stats.spans_dropped > 1000 && stats.spans > 10, "{stats:?}");
}

#[test]
fn a_frame_of_many_resources_is_counted_by_each_of_them() {
    let mut builder = Builder::new();
    let mut request = Vec::new();
    for n in 0..1000u32 {
        put::message(&mut request, 1, |resource_spans| {
            put::message(resource_spans, 1, |resource| {
                attribute(resource, 1, "service.name", &format!("service-{}", n % 700));
                attribute(resource, 1, "host.name", &format!("host-{n}"));
                attribute(resource, 1, "tenant", "their own");
            });
            put::message(resource_spans, 2, |scope_spans| {
                put::message(scope_spans, 2, |span| {
                    put::bytes(span, 1, &[7; 16]);
                    put::bytes(span, 2, &u64::from(n + 1).to_be_bytes());
                    put::uint(span, 6, 2);
                });
            });
        });
    }
    append_all(&mut builder, &request, &Limits::default()).unwrap();
    let settings = Settings { target_info: true, name_tenants: true, ..Settings::default() };
    let mut store = Store::new(settings);
    store.count(&"t".into(), builder.columns(), at(0));
    let text = page(&store, &["t"]);
    let lines = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(lines("traces_spanmetrics_calls_total{tenant=\"t\",service="), 700);
    assert_eq!(lines("traces_target_info{tenant=\"t\",host_name="), 1000);
    assert!(text.contains("__tenant=\"their own\"") && !text.contains(",tenant="));
}
