//! The answer to a metrics query in JSON. Members at their default are left out.

use super::MetricsForm;
use crate::answer::{Exemplar, MetricsAnswer, Sample, Series};
use crate::api::{attributes, cost};
use crate::json::Json;

/// A `QueryRangeResponse` or a `QueryInstantResponse`.
pub(super) fn response(form: MetricsForm, found: &MetricsAnswer) -> Vec<u8> {
    let mut json = Json::default();
    json.object(|json| {
        json.member("series").array(|json| {
            for series in &found.series {
                match form {
                    MetricsForm::Range => range(json, series),
                    MetricsForm::Instant => instant(json, series),
                }
            }
        });
        cost::of_search(json, &found.cost);
        if let Some(message) = &found.partial {
            json.member("status").string("PARTIAL");
            json.member("message").string(message);
        }
    });
    json.finish()
}

/// A series without samples says nothing, and is left out.
fn range(json: &mut Json, series: &Series) {
    if series.samples.is_empty() {
        return;
    }
    json.element().object(|json| {
        attributes::member(json, "labels", &series.labels);
        json.member("samples").array(|json| {
            for sample in &series.samples {
                json.element().object(|json| number(json, *sample));
            }
        });
        if !series.exemplars.is_empty() {
            json.member("exemplars").array(|json| {
                for Exemplar { labels, at, value } in &series.exemplars {
                    json.element().object(|json| {
                        attributes::member(json, "labels", labels);
                        number(json, Sample { at: *at, value: *value });
                    });
                }
            });
        }
    });
}

fn instant(json: &mut Json, series: &Series) {
    let Some(sample) = series.samples.last() else { return };
    json.element().object(|json| {
        attributes::member(json, "labels", &series.labels);
        value(json, sample.value);
    });
}

fn number(json: &mut Json, sample: Sample) {
    if sample.at != 0 {
        json.member("timestampMs").int64(sample.at);
    }
    value(json, sample.value);
}

/// Of the two zeros only the positive one is a default.
fn value(json: &mut Json, value: f64) {
    if value.to_bits() != 0 {
        json.member("value").double(value);
    }
}
