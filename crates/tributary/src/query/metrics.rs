//! The answer to a metrics query, as far as it is shown.

use super::value::{KeyValue, real, whole};
use serde::Deserialize;

/// A `QueryRangeResponse` or a `QueryInstantResponse`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Answer {
    pub(crate) series: Vec<Series>,
    status: String,
    message: String,
}

/// One series: samples in order of time, or one value.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Series {
    labels: Vec<KeyValue>,
    pub(crate) samples: Vec<Sample>,
    /// Of an instant query.
    #[serde(deserialize_with = "real")]
    pub(crate) value: f64,
}

/// One number.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sample {
    #[serde(rename = "timestampMs", deserialize_with = "whole")]
    pub(crate) at: u64,
    /// Left out where it is zero.
    #[serde(deserialize_with = "real")]
    pub(crate) value: f64,
}

impl Answer {
    /// Why it may not be whole.
    pub(crate) fn partial(&self) -> Option<&str> {
        (self.status == "PARTIAL").then_some(self.message.as_str())
    }
}

impl Series {
    /// What its labels say. A lone series has the name of its function.
    pub(crate) fn title(&self) -> String {
        match self.labels.as_slice() {
            [] => "all".to_owned(),
            [lone] if lone.key == "__name__" => lone.value(),
            labels => labels.iter().map(KeyValue::shown).collect::<Vec<_>>().join(", "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let range = r#"{"series":[{"labels":[{"key":"__name__","value":{"stringValue":"rate"}}],
            "samples":[{"timestampMs":"1000"},{"timestampMs":"2000","value":2.5},
                       {"timestampMs":"3000","value":"NaN"}],
            "exemplars":[{"labels":[],"value":1}]}],
            "metrics":{},"status":"PARTIAL","message":"an ingester is away"}"#;
        let answer: Answer = serde_json::from_str(range).unwrap();
        assert_eq!(answer.partial(), Some("an ingester is away"));
        let series = &answer.series[0];
        let samples: Vec<_> = series.samples.iter().map(|s| (s.at, s.value)).collect();
        assert_eq!(samples[..2], [(1000, 0.0), (2000, 2.5)]);
        assert!(samples[2].1.is_nan());
        assert_eq!(series.title(), "rate");

        let instant = r#"{"series":[{"labels":[{"key":"a","value":{"stringValue":"x"}},
            {"key":"p","value":{"doubleValue":0.9}}],"value":12.5},{"labels":[]}],"metrics":{}}"#;
        let answer: Answer = serde_json::from_str(instant).unwrap();
        let told: Vec<_> = answer.series.iter().map(|s| (s.title(), s.value)).collect();
        assert_eq!(told, [("a=x, p=0.9".to_owned(), 12.5), ("all".to_owned(), 0.0)]);
        assert_eq!(answer.partial(), None);
    }
}
