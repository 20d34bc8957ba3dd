//! What a metrics query may ask for, whichever way it came.

use super::{MetricsCall, MetricsForm, step};
use crate::api::head::Head;
use crate::api::{duration, limits, moment, time_range};
use tributary_traceql::{Exemplars, parse};

/// How long before its end a range begins that does not say so.
const HOUR: u64 = 3_600 * 1_000_000_000;

/// A metrics query as it was asked, not yet checked. Times are in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::api) struct Asked {
    pub(in crate::api) query: String,
    pub(in crate::api) start: Option<u64>,
    pub(in crate::api) end: Option<u64>,
    pub(in crate::api) since: Option<u64>,
    pub(in crate::api) step: Option<u64>,
    pub(in crate::api) exemplars: Option<usize>,
    /// 0 for as many as there may be.
    pub(in crate::api) max_series: usize,
    pub(in crate::api) instant: bool,
}

impl Asked {
    /// Reads the parameters of both routes.
    pub(super) fn read(head: &Head<'_>) -> Result<Asked, String> {
        let parameters = &head.parameters;
        let query = match parameters.text("q")? {
            Some(query) => query,
            None => parameters.text("query")?.ok_or("parameter q: the query is missing")?,
        };
        let time = |name| match parameters.text(name)? {
            Some(text) => match moment::parse(&text) {
                Some(time) => Ok(Some(time)),
                None => Err(format!("invalid {name}: {text:?} is neither Unix time nor RFC 3339")),
            },
            None => Ok(None),
        };
        let step = match parameters.text("step")? {
            Some(text) => match step_of(&text) {
                Some(step) => Some(step),
                None => return Err(format!("cannot parse {text:?} to a valid duration")),
            },
            None => None,
        };
        Ok(Asked {
            query: query.into_owned(),
            start: time("start")?,
            end: time("end")?,
            since: time_range::since(parameters)?,
            step,
            exemplars: parameters.number("exemplars")?,
            max_series: parameters.number("maxSeries")?.unwrap_or_default(),
            instant: parameters.flag("instant")?,
        })
    }

    /// Checks what was asked at a given time.
    pub(in crate::api) fn call(
        self,
        form: MetricsForm,
        tenants: Vec<String>,
        now: u64,
    ) -> Result<MetricsCall, String> {
        let query = parse(&self.query).map_err(|why| why.to_string())?;
        if !query.is_metrics() {
            return Err("not a metrics query".into());
        }
        let end = self.end.unwrap_or(now);
        let start = match self.start {
            Some(start) => start,
            None => end.min(now).saturating_sub(self.since.unwrap_or(HOUR)),
        };
        let Some(range) = end.checked_sub(start).filter(|range| *range > 0) else {
            return Err("end must be greater than start".into());
        };
        let longest = limits::METRICS_SECONDS * 1_000_000_000;
        if range > longest {
            // Grafana knows this text and shows a friendlier one.
            let longest = duration::text(longest);
            return Err(format!(
                "metrics query time range exceeds the maximum allowed duration of {longest}"
            ));
        }
        let instant = self.instant || form == MetricsForm::Instant;
        let step = match self.step {
            _ if instant => range,
            Some(step) => step,
            None => step::default_for(range),
        };
        step::check(step, range)?;
        let exemplars = if instant { 0 } else { exemplars(self.exemplars, query.exemplars()) };
        let max_series = match self.max_series {
            0 => limits::SERIES,
            series => series.min(limits::SERIES),
        };
        Ok(MetricsCall { form, tenants, query, start, end, step, instant, exemplars, max_series })
    }
}

/// A step: plain seconds or a duration.
fn step_of(text: &str) -> Option<u64> {
    duration::seconds(text).or_else(|| duration::go(text)).or_else(|| duration::prometheus(text))
}

/// How many exemplars: the query's hint goes before the parameter, the limit before both.
fn exemplars(asked: Option<usize>, hint: Option<Exemplars>) -> usize {
    let wanted = match hint {
        Some(Exemplars::Wanted(false)) => Some(0),
        Some(Exemplars::Count(count)) => Some(count),
        Some(Exemplars::Wanted(true)) | None => asked,
    };
    wanted.unwrap_or(limits::EXEMPLARS).min(limits::EXEMPLARS)
}
