//! One store in both formats: what Prometheus' protobuf says is what the text says, and the native buckets
//! hold the same spans as the others.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the answer")]

use prost::Message;
use std::collections::BTreeMap;
use std::sync::Arc;
use tributary_span::columns::Builder;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_span_metrics::{Format, Now, Page, Settings, Store};
use tributary_testkit::prometheus::Metrics;
use tributary_testkit::recordings;

/// `io/prometheus/client/metrics.proto`, as far as it is used.
mod client {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct MetricFamily {
        #[prost(string, tag = "1")]
        pub(crate) name: String,
        #[prost(int32, tag = "3")]
        pub(crate) kind: i32,
        #[prost(message, repeated, tag = "4")]
        pub(crate) metric: Vec<Metric>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Metric {
        #[prost(message, repeated, tag = "1")]
        pub(crate) label: Vec<Label>,
        #[prost(message, optional, tag = "2")]
        pub(crate) gauge: Option<Number>,
        #[prost(message, optional, tag = "3")]
        pub(crate) counter: Option<Number>,
        #[prost(message, optional, tag = "7")]
        pub(crate) histogram: Option<Histogram>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Label {
        #[prost(string, tag = "1")]
        pub(crate) name: String,
        #[prost(string, tag = "2")]
        pub(crate) value: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Number {
        #[prost(double, tag = "1")]
        pub(crate) value: f64,
        #[prost(message, optional, tag = "3")]
        pub(crate) since: Option<Timestamp>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Timestamp {
        #[prost(int64, tag = "1")]
        pub(crate) seconds: i64,
        #[prost(int32, tag = "2")]
        pub(crate) nanos: i32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Histogram {
        #[prost(uint64, tag = "1")]
        pub(crate) count: u64,
        #[prost(double, tag = "2")]
        pub(crate) sum: f64,
        #[prost(message, repeated, tag = "3")]
        pub(crate) bucket: Vec<Bucket>,
        #[prost(sint32, tag = "5")]
        pub(crate) schema: i32,
        #[prost(uint64, tag = "7")]
        pub(crate) zeros: u64,
        #[prost(message, repeated, tag = "12")]
        pub(crate) spans: Vec<Span>,
        #[prost(sint64, repeated, packed = "false", tag = "13")]
        pub(crate) deltas: Vec<i64>,
        #[prost(message, optional, tag = "15")]
        pub(crate) since: Option<Timestamp>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Bucket {
        #[prost(uint64, tag = "1")]
        pub(crate) below: u64,
        #[prost(double, tag = "2")]
        pub(crate) bound: f64,
        #[prost(message, optional, tag = "3")]
        pub(crate) exemplar: Option<Exemplar>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Span {
        #[prost(sint32, tag = "1")]
        pub(crate) offset: i32,
        #[prost(uint32, tag = "2")]
        pub(crate) length: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Exemplar {
        #[prost(message, repeated, tag = "1")]
        pub(crate) label: Vec<Label>,
        #[prost(double, tag = "2")]
        pub(crate) value: f64,
    }
}

const UNIX_MS: u64 = 1_795_344_000_123;

fn counted() -> Store {
    let settings = Settings { target_info: true, series: 1000, ..Settings::default() };
    let mut store = Store::new(settings);
    let now = Now { ms: 0, unix_ms: UNIX_MS };
    for request in recordings().unwrap().into_iter().flat_map(|r| r.records) {
        let mut builder = Builder::new();
        append_all(&mut builder, &request, &Limits::default()).unwrap();
        store.count(&Arc::from("t"), builder.columns(), now);
    }
    store.expire(Now { ms: 10_000, ..now });
    store
}

fn page(store: &Store, format: Format) -> Vec<u8> {
    let (mut page, mut bytes) = (Page::new(format, vec!["t".to_owned()]), Vec::new());
    while page.next(store, &mut bytes) {}
    bytes
}

/// Samples by name and labels.
type Samples = BTreeMap<(String, BTreeMap<String, String>), f64>;

/// The samples that Prometheus makes of a family's histograms and numbers, and how many spans are in
/// native buckets.
fn samples(bytes: &[u8]) -> (Samples, u64) {
    let (mut rest, mut all, mut in_native) = (bytes, Samples::new(), 0);
    while !rest.is_empty() {
        let family = client::MetricFamily::decode_length_delimited(&mut rest).unwrap();
        for metric in family.metric {
            let labels = metric.label.into_iter().map(|label| (label.name, label.value));
            let labels: BTreeMap<_, _> = labels.collect();
            let mut put = |suffix: &str, bound: Option<f64>, value: f64| {
                let le = bound.map(|bound| match bound {
                    f64::INFINITY => ("le".to_owned(), "+Inf".to_owned()),
                    bound => ("le".to_owned(), bound.to_string()),
                });
                let labels = labels.clone().into_iter().chain(le).collect();
                let before = all.insert((format!("{}{suffix}", family.name), labels), value);
                assert_eq!(before, None, "twice");
            };
            let since = match (family.kind, metric.counter, metric.gauge, metric.histogram) {
                (0, Some(counter), None, None) => {
                    put("", None, counter.value);
                    counter.since
                }
                (1, None, Some(gauge), None) => {
                    put("", None, gauge.value);
                    continue;
                }
                (4, None, None, Some(histogram)) => {
                    put("_count", None, histogram.count as f64);
                    put("_sum", None, histogram.sum);
                    for bucket in &histogram.bucket {
                        put("_bucket", Some(bucket.bound), bucket.below as f64);
                        let Some(exemplar) = &bucket.exemplar else { continue };
                        assert!(exemplar.value <= bucket.bound);
                        assert_eq!(exemplar.label.first().unwrap().name, "traceID");
                    }
                    in_native += of_native(&histogram);
                    histogram.since
                }
                other => panic!("{other:?}"),
            };
            let since = since.unwrap();
            assert_eq!(since.seconds * 1000 + i64::from(since.nanos) / 1_000_000, UNIX_MS as i64);
        }
    }
    (all, in_native)
}

/// That native buckets hold what the others hold, within the width of a bucket; and how many they are.
fn of_native(histogram: &client::Histogram) -> u64 {
    let (mut number, mut count, mut deltas) = (0, 0, histogram.deltas.iter());
    let (mut all, base) = (histogram.zeros, 2f64.powf(2f64.powi(-histogram.schema)));
    let mut buckets = Vec::new();
    for span in &histogram.spans {
        number += span.offset;
        for _ in 0..span.length {
            count += deltas.next().unwrap();
            all += u64::try_from(count).unwrap();
            buckets.push((base.powi(number), all));
            number += 1;
        }
    }
    assert_eq!((deltas.next(), all), (None, histogram.count));
    for bucket in &histogram.bucket {
        let within = |bound: f64| {
            let fits = buckets.partition_point(|(upper, _)| *upper <= bound);
            let last = fits.checked_sub(1).and_then(|last| buckets.get(last));
            last.map_or(histogram.zeros, |(_, all)| *all)
        };
        let wider = if bucket.bound.is_finite() { bucket.bound * base } else { f64::MAX };
        assert!(within(bucket.bound) <= bucket.below, "{histogram:?}");
        assert!(bucket.below <= within(wider * 1.000_001), "{histogram:?}");
    }
    all
}

#[test]
fn both_say_the_same() {
    let store = counted();
    let (protobuf, in_native) = samples(&page(&store, Format::Protobuf));
    let text = String::from_utf8(page(&store, Format::OpenMetrics)).unwrap();
    let text = Metrics::parse(&text).unwrap();
    let text: Samples =
        text.0.into_iter().map(|sample| ((sample.name, sample.labels), sample.value)).collect();
    assert!(text.len() > 10_000, "{} samples", text.len());
    assert_eq!(text, protobuf);
    let count = |name: &str| {
        let of = protobuf.iter().filter(|((is, _), _)| is == name);
        of.map(|(_, value)| *value).sum::<f64>()
    };
    let calls = count("traces_service_graph_request_total");
    let spans = count("traces_spanmetrics_calls_total");
    assert_eq!(spans, 178_582.0);
    assert_eq!(in_native as f64, spans + 2.0 * calls);
}
