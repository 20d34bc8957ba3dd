//! Prometheus' protobuf: messages `io.prometheus.client.MetricFamily`, each behind its length.
//!
//! Layout by `io/prometheus/client/metrics.proto` of `prometheus/client_model`. A page has the whole of a
//! metric in as many messages of one name as it has portions: readers take each by itself. Histograms have
//! both kinds of buckets, those with fixed bounds and native ones; a scraper takes what it is set to take.

use super::TRACE;
use super::family::{Family, Kind};
use crate::histogram::{Bounds, Exemplar, Histogram, seconds};
use crate::labels::pairs;
use crate::native::Native;
use tributary_span::TraceId;
use tributary_span::protobuf::put;

/// Values up to this are in the bucket of zero: Prometheus' own default, 2^-128.
const ZERO: f64 = 2.938_735_877_055_719e-39;

/// Wraps messages of the field `metric`.
pub(super) fn family(out: &mut Vec<u8>, family: &Family, metrics: &[u8]) {
    let mut message = Vec::with_capacity(metrics.len() + 128);
    let suffix = if family.kind == Kind::Counter { "_total" } else { "" };
    put::bytes(&mut message, 1, [family.name, suffix].concat().as_bytes());
    put::bytes(&mut message, 2, family.help.as_bytes());
    let kind = match family.kind {
        Kind::Counter => 0,
        Kind::Gauge => 1,
        Kind::Histogram => 4,
    };
    put::uint(&mut message, 3, kind);
    message.extend_from_slice(metrics);
    put::varint(out, message.len() as u64);
    out.append(&mut message);
}

/// Appends a counter or a gauge as a field `metric`.
pub(super) fn number(out: &mut Vec<u8>, family: &Family, labels: &str, value: u64, since: u64) {
    metric(out, labels, |metric| match family.kind {
        Kind::Counter => put::message(metric, 3, |counter| {
            double(counter, 1, whole(value));
            timestamp(counter, 3, since);
        }),
        Kind::Gauge | Kind::Histogram => {
            put::message(metric, 2, |gauge| double(gauge, 1, whole(value)));
        }
    });
}

/// Appends a histogram as a field `metric`.
pub(super) fn histogram<const N: usize>(
    out: &mut Vec<u8>,
    labels: &str,
    bounds: &Bounds<N>,
    observed: &Histogram<N>,
) {
    metric(out, labels, |metric| {
        put::message(metric, 7, |histogram| {
            put::uint(histogram, 1, observed.count());
            double(histogram, 2, observed.sum());
            let mut below = 0;
            let buckets = bounds.names.iter().zip(&observed.counts).zip(&observed.exemplars);
            for ((bound, count), exemplar) in buckets {
                below += count;
                put::message(histogram, 3, |bucket| {
                    put::uint(bucket, 1, below);
                    double(bucket, 2, bound.parse().unwrap_or(f64::INFINITY));
                    if exemplar.trace != TraceId::default() {
                        put::message(bucket, 3, |out| self::exemplar(out, exemplar));
                    }
                });
            }
            native(histogram, &observed.native);
            timestamp(histogram, 15, observed.since);
        });
    });
}

/// Buckets where there is something: runs of them, each behind a gap, and by how much each one's count
/// differs from that of the one before.
fn native(out: &mut Vec<u8>, native: &Native) {
    put::sint(out, 5, native.schema().into());
    double(out, 6, ZERO);
    put::uint(out, 7, native.zeros());
    let buckets: Vec<(i32, u64)> = native.buckets().collect();
    let mut next = 0;
    for run in buckets.chunk_by(|(a, _), (b, _)| a + 1 == *b) {
        let first = run.first().map_or(0, |(number, _)| *number);
        let length = run.len() as u64;
        put::message(out, 12, |span| {
            put::sint(span, 1, (first - next).into());
            put::uint(span, 2, length);
        });
        next = run.last().map_or(0, |(number, _)| number + 1);
    }
    let mut before = 0;
    for count in buckets.iter().map(|(_, count)| count.cast_signed()) {
        put::sint(out, 13, count - before);
        before = count;
    }
}

fn metric(out: &mut Vec<u8>, labels: &str, value: impl FnOnce(&mut Vec<u8>)) {
    put::message(out, 4, |metric| {
        for (name, text) in pairs(labels) {
            label(metric, name, &text);
        }
        value(metric);
    });
}

fn label(out: &mut Vec<u8>, name: &str, value: &str) {
    put::message(out, 1, |pair| {
        put::bytes(pair, 1, name.as_bytes());
        put::bytes(pair, 2, value.as_bytes());
    });
}

fn exemplar(out: &mut Vec<u8>, exemplar: &Exemplar) {
    label(out, TRACE, &exemplar.trace.to_string());
    double(out, 2, seconds(exemplar.ns.into()));
    timestamp(out, 3, exemplar.unix_ms);
}

fn timestamp(out: &mut Vec<u8>, number: u32, unix_ms: u64) {
    put::message(out, number, |time| {
        put::uint(time, 1, unix_ms / 1000);
        put::uint(time, 2, unix_ms % 1000 * 1_000_000);
    });
}

fn double(out: &mut Vec<u8>, number: u32, value: f64) {
    put::fixed64(out, number, value.to_bits());
}

#[expect(clippy::cast_precision_loss, reason = "what is told has 53 bits")]
fn whole(value: u64) -> f64 {
    value as f64
}
