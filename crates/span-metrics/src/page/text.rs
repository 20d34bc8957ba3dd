//! OpenMetrics' text, version 1.0.0.

use super::TRACE;
use super::family::{Family, Kind};
use crate::histogram::{Bounds, Exemplar, Histogram, seconds};
use crate::labels::write;
use tributary_span::TraceId;

/// The last line.
pub(super) const END: &str = "# EOF\n";

/// What stands before a metric's samples.
pub(super) fn head(out: &mut String, family: &Family) {
    let kind = match family.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    for (what, text) in [("HELP", family.help), ("TYPE", kind)] {
        out.extend(["# ", what, " ", family.name, " ", text, "\n"]);
    }
}

/// A counter or a gauge.
pub(super) fn number(out: &mut String, family: &Family, labels: &str, value: u64) {
    let suffix = if family.kind == Kind::Counter { "_total" } else { "" };
    sample(out, family, suffix, labels, value);
}

/// A histogram, with a trace of each bucket.
pub(super) fn histogram<const N: usize>(
    out: &mut String,
    family: &Family,
    labels: &str,
    bounds: &Bounds<N>,
    observed: &Histogram<N>,
) {
    let mut below = 0;
    let buckets = bounds.names.iter().zip(&observed.counts).zip(&observed.exemplars);
    for ((bound, count), exemplar) in buckets {
        below += count;
        begin(out, family, "_bucket", labels, Some(bound));
        write(out, below);
        if exemplar.trace != TraceId::default() {
            append_exemplar(out, exemplar);
        }
        out.push('\n');
    }
    sample(out, family, "_count", labels, below);
    sample(out, family, "_sum", labels, observed.sum());
}

fn begin(out: &mut String, family: &Family, suffix: &str, labels: &str, bound: Option<&str>) {
    out.extend([family.name, suffix]);
    if !labels.is_empty() || bound.is_some() {
        out.push('{');
        out.push_str(labels);
        if let Some(bound) = bound {
            out.push_str(if labels.is_empty() { "le=\"" } else { ",le=\"" });
            out.extend([bound, "\""]);
        }
        out.push('}');
    }
    out.push(' ');
}

fn sample(
    out: &mut String,
    family: &Family,
    suffix: &str,
    labels: &str,
    value: impl std::fmt::Display,
) {
    begin(out, family, suffix, labels, None);
    write(out, value);
    out.push('\n');
}

fn append_exemplar(out: &mut String, exemplar: &Exemplar) {
    out.extend([" # {", TRACE, "=\""]);
    write(out, exemplar.trace);
    out.push_str("\"} ");
    write(out, seconds(exemplar.ns.into()));
    let (seconds, millis) = (exemplar.unix_ms / 1000, exemplar.unix_ms % 1000);
    write(out, format_args!(" {seconds}.{millis:03}"));
}
