//! The settings of metrics from spans.

use std::ops::RangeInclusive;
use std::time::Duration;
use tributary_settings::Given;
use tributary_settings::value::{boolean, duration_between};
use tributary_span_metrics::{Dimensions, Settings};

/// How long one side of a call may wait for the other: it is held in memory meanwhile.
const WAIT: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(300);
/// Sets of labels that a tenant may have of each kind.
const SERIES: RangeInclusive<usize> = 1..=1_000_000;

/// What is counted of spans.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanMetricsSettings {
    /// Labels of the span metrics.
    pub dimensions: Dimensions,
    /// Sets of labels that a tenant may have of each kind.
    pub series: usize,
    /// How long one side of a call waits for the other.
    pub wait: Duration,
    /// Whether resources are told.
    pub target_info: bool,
}

impl SpanMetricsSettings {
    /// Takes them; none when nothing is counted.
    pub(crate) fn take(given: &mut Given) -> Option<SpanMetricsSettings> {
        let is_on = given.take("span-metrics", boolean);
        let settings = SpanMetricsSettings {
            dimensions: given.take("span-metrics-dimensions", Dimensions::read),
            series: given.take("span-metrics-series", series),
            wait: given.take("span-metrics-wait", duration_between(WAIT)),
            target_info: given.take("span-metrics-target-info", boolean),
        };
        is_on.then_some(settings)
    }

    /// As they count; `bytes` are for series, and as many for sides of calls that wait. `ingester` is
    /// this one's name.
    pub(crate) fn counting(&self, bytes: usize, multitenancy: bool, ingester: &str) -> Settings {
        Settings {
            dimensions: self.dimensions.clone(),
            series: self.series,
            wait_ms: u64::try_from(self.wait.as_millis()).unwrap_or(u64::MAX),
            target_info: self.target_info,
            name_tenants: multitenancy,
            // Prometheus keeps `instance` as it is told where targets are: what two ingesters count of
            // one pod must differ by something else.
            label: self.target_info.then(|| ("ingester".to_owned(), ingester.to_owned())),
            series_bytes: bytes,
            waiting_bytes: bytes,
            ..Settings::default()
        }
    }
}

fn series(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| SERIES.contains(number));
    number.ok_or_else(|| format!("`{text}`: must be {} to {}", SERIES.start(), SERIES.end()))
}
