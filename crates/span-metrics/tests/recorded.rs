//! The recorded traffic of 28 pods, counted; beside it what others make of the same bytes: calls as
//! `tests/python/calls.py` pairs them, spans as another decoder reads them.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the answer")]

use std::collections::BTreeMap;
use std::sync::Arc;
use tributary_span::columns::Builder;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_span_metrics::{Format, Now, Page, Settings, Stats, Store};
use tributary_testkit::otlp::{ExportTraceServiceRequest, any_value::Value};
use tributary_testkit::prometheus::Metrics;
use tributary_testkit::recordings;

const CALLS: &str = include_str!("calls.tsv");
const TENANT: &str = "single-tenant";

fn counted(requests: &[Vec<u8>], settings: Settings) -> Store {
    let mut store = Store::new(settings);
    let (tenant, now) = (Arc::from(TENANT), Now { ms: 0, unix_ms: 1_795_344_000_123 });
    for request in requests {
        let mut builder = Builder::new();
        append_all(&mut builder, request, &Limits::default()).unwrap();
        store.count(&tenant, builder.columns(), now);
    }
    store.expire(Now { ms: 9_999, ..now });
    assert!(store.stats().waiting > 0, "they wait for ten seconds");
    store.expire(Now { ms: 10_000, ..now });
    store
}

fn text(store: &Store) -> String {
    let mut page = Page::new(Format::OpenMetrics, vec![TENANT.to_owned()]);
    let (mut text, mut portions) = (Vec::new(), 1);
    while page.next(store, &mut text) {
        portions += 1;
    }
    assert!(portions > 3, "{portions} portions");
    String::from_utf8(text).unwrap()
}

/// As the script prints them.
fn lines(store: &Store) -> Vec<String> {
    let ns = |seconds: f64| (seconds * 1e9).round();
    let line = |call: &tributary_span_metrics::Call| {
        let (client, server, kind) = (&call.client, &call.server, call.connection.name());
        let (calls, failed) = (call.calls, call.failed);
        let (by_server, by_client) = (ns(call.server_seconds), ns(call.client_seconds));
        format!("{client}\t{server}\t{kind}\t{calls}\t{failed}\t{by_server}\t{by_client}")
    };
    let mut lines: Vec<String> = store.calls(&[TENANT.to_owned()]).iter().map(line).collect();
    lines.sort_unstable();
    lines
}

/// Spans and their nanoseconds by service, name, kind and status.
fn independent(requests: &[Vec<u8>]) -> BTreeMap<[String; 4], (u64, u64)> {
    use prost::Message;
    let mut all: BTreeMap<[String; 4], (u64, u64)> = BTreeMap::new();
    for request in requests {
        for resource_spans in ExportTraceServiceRequest::decode(&**request).unwrap().resource_spans
        {
            let attributes = resource_spans.resource.unwrap_or_default().attributes;
            let service = attributes.iter().find(|a| a.key == "service.name").unwrap();
            let Some(Value::StringValue(service)) = service.value.clone().unwrap().value else {
                panic!("a name is a text")
            };
            for span in resource_spans.scope_spans.iter().flat_map(|scope| &scope.spans) {
                let kind = span.kind().as_str_name().to_owned();
                let status = span.status.clone().unwrap_or_default().code().as_str_name();
                let one = all.entry([service.clone(), span.name.clone(), kind, status.to_owned()]);
                let one = one.or_default();
                one.0 += 1;
                one.1 += span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano);
            }
        }
    }
    all
}

#[test]
fn calls_and_spans_are_those_that_others_count() {
    let recordings = recordings().unwrap();
    let mut requests: Vec<Vec<u8>> = recordings.into_iter().flat_map(|r| r.records).collect();
    let store = counted(&requests, Settings::default());
    let expected: Vec<&str> = CALLS.lines().collect();
    assert_eq!(lines(&store), expected);
    assert_eq!(expected.len(), 39);
    let Stats { spans, spans_overflowed, spans_dropped, sides_dropped, .. } = store.stats();
    assert_eq!((spans, spans_overflowed, spans_dropped, sides_dropped), (178_582, 0, 0, 0));

    let page = text(&store);
    let samples = Metrics::parse(&page).unwrap();
    let independent = independent(&requests);
    for ([service, name, kind, status], (spans, ns)) in &independent {
        let labels = [
            ("service", &**service),
            ("span_name", name),
            ("span_kind", kind),
            ("status_code", status),
        ];
        let sum = |metric: &str| samples.sum(metric, &labels).unwrap();
        assert_eq!(sum("traces_spanmetrics_calls_total"), *spans as f64, "{labels:?}");
        assert_eq!(sum("traces_spanmetrics_latency_count"), *spans as f64);
        assert_eq!((sum("traces_spanmetrics_latency_sum") * 1e9).round(), *ns as f64);
        let all = [&labels[..], &[("le", "+Inf")]].concat();
        let below = samples.sum("traces_spanmetrics_latency_bucket", &all);
        assert_eq!(below, Some(*spans as f64));
    }
    let series = samples.0.iter().filter(|s| s.name == "traces_spanmetrics_calls_total").count();
    assert_eq!(series, independent.len());
    assert!(page.contains(" # {traceID=\"") && page.contains(" 1795344000.123\n"));

    // Whichever side comes first.
    requests.reverse();
    assert_eq!(lines(&counted(&requests, Settings::default())), expected);
}

#[test]
fn what_has_no_room_is_counted_all_the_same() {
    let requests = recordings().unwrap().into_iter().flat_map(|r| r.records);
    let requests: Vec<Vec<u8>> = requests.collect();
    let settings = Settings { series: 10, waiting_bytes: 20_000, ..Settings::default() };
    let store = counted(&requests, settings);
    let stats = store.stats();
    assert!(stats.sides_dropped > 0 && stats.spans_overflowed > 0 && stats.edges_overflowed > 0);
    let samples = {
        let mut page = Page::new(Format::OpenMetrics, vec![TENANT.to_owned()]);
        let mut text = Vec::new();
        while page.next(&store, &mut text) {}
        Metrics::parse(&String::from_utf8(text).unwrap()).unwrap()
    };
    let sum = |name: &str, labels: &[(&str, &str)]| samples.sum(name, labels).unwrap();
    let overflow = [("otel_metric_overflow", "true")];
    let calls = "traces_spanmetrics_calls_total";
    assert_eq!(sum(calls, &[]), 178_582.0, "none is lost");
    assert_eq!(sum(calls, &overflow), stats.spans_overflowed as f64);
    let edges = "traces_service_graph_request_total";
    assert_eq!(sum(edges, &[]), stats.edges as f64);
    assert_eq!(sum(edges, &overflow), stats.edges_overflowed as f64);
    assert_eq!(samples.0.iter().filter(|s| s.name == edges).count(), 11);
}
