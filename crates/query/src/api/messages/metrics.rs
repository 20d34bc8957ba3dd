//! The answers to metrics queries.

use super::portions::portions;
use super::{put_cost, put_text, put_uint};
use crate::answer::{MetricsAnswer, Sample, Series};
use crate::api::attributes::put_attributes;
use tributary_span::protobuf::put;

/// `QueryRangeResponse`: series = 1, metrics = 2, status = 3 { COMPLETE = 0, PARTIAL = 1 },
/// message = 4. A series without samples says nothing, and is left out. In as many messages as a
/// stream needs.
pub fn range_messages(found: &MetricsAnswer) -> Vec<Vec<u8>> {
    let series = found.series.iter().filter(|series| !series.samples.is_empty());
    let put = |out: &mut Vec<u8>, series| put::message(out, 1, |out| put_series(out, series));
    portions(series, put, |out| put_end(out, found))
}

/// `QueryInstantResponse`, whose fields are those of a `QueryRangeResponse`, with series of
/// labels = 1 and value = 2.
pub fn instant_messages(found: &MetricsAnswer) -> Vec<Vec<u8>> {
    let values = found.series.iter().filter_map(|series| Some((series, series.samples.last()?)));
    let put = |out: &mut Vec<u8>, (series, sample): (&Series, &Sample)| {
        put::message(out, 1, |out| {
            put_attributes(out, 1, &series.labels);
            put_double(out, 2, sample.value);
        });
    };
    portions(values, put, |out| put_end(out, found))
}

fn put_end(out: &mut Vec<u8>, found: &MetricsAnswer) {
    put_cost(out, 2, &found.cost);
    if let Some(message) = &found.partial {
        put::uint(out, 3, 1);
        put_text(out, 4, message);
    }
}

/// `TimeSeries`: labels = 1, samples = 2 { value = 1, timestamp_ms = 2 }, exemplars = 4
/// { labels = 1, value = 2, timestamp_ms = 3 }.
fn put_series(out: &mut Vec<u8>, series: &Series) {
    put_attributes(out, 1, &series.labels);
    for Sample { at, value } in &series.samples {
        put::message(out, 2, |out| {
            put_double(out, 1, *value);
            put_uint(out, 2, at.cast_unsigned());
        });
    }
    for exemplar in &series.exemplars {
        put::message(out, 4, |out| {
            put_attributes(out, 1, &exemplar.labels);
            put_double(out, 2, exemplar.value);
            put_uint(out, 3, exemplar.at.cast_unsigned());
        });
    }
}

fn put_double(out: &mut Vec<u8>, number: u32, value: f64) {
    if value.to_bits() != 0 {
        put::fixed64(out, number, value.to_bits());
    }
}
