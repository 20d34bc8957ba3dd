//! OpenMetrics' text, a portion at a time.
//!
//! All samples of a metric stand together, so the page goes through all series once for each metric.
//! What is counted between two portions may be in the later one and not in the earlier: the metrics of
//! a series may differ by what came meanwhile, and no sample is ever written twice.

use crate::histogram::{Bounds, EDGES, Exemplar, Histogram, SPANS, seconds};
use crate::labels::{append, write};
use crate::store::Store;
use crate::tenant::{EdgeTotals, SpanTotals, Tenant};
use tributary_span::TraceId;

/// What the page is, in HTTP's words.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A portion is a little longer than this, bytes.
const PORTION: usize = 64 << 10;
/// The label of the series in which all is counted that may have none of its own: OpenTelemetry's.
const OVERFLOW: &str = "otel_metric_overflow";
/// The label of an exemplar: what Tempo calls it where nothing else is said.
const TRACE: &str = "traceID";

/// The metrics, in order: name of the family, type, help.
const FAMILIES: [(Family, &str, &str, &str); 8] = [
    (Family::Calls, "traces_spanmetrics_calls", "counter", "Spans."),
    (Family::Latency, "traces_spanmetrics_latency", "histogram", "Durations of spans, seconds."),
    (Family::Size, "traces_spanmetrics_size", "counter", "Bytes of spans as protobuf of OTLP."),
    (Family::Target, "traces_target_info", "gauge", "Resources that sent spans."),
    (Family::Requests, "traces_service_graph_request", "counter", "Calls between two services."),
    (
        Family::Failed,
        "traces_service_graph_request_failed",
        "counter",
        "Calls between two services that failed.",
    ),
    (
        Family::Server,
        "traces_service_graph_request_server_seconds",
        "histogram",
        "How long calls took on the side of the server, seconds.",
    ),
    (
        Family::Client,
        "traces_service_graph_request_client_seconds",
        "histogram",
        "How long calls took on the side of the client, seconds.",
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Calls,
    Latency,
    Size,
    Target,
    Requests,
    Failed,
    Server,
    Client,
}

/// How far a page is written.
#[derive(Debug)]
pub struct Page {
    tenants: Vec<String>,
    family: usize,
    tenant: usize,
    slot: usize,
    has_head: bool,
    is_done: bool,
}

impl Page {
    /// The page of these tenants.
    pub fn new(tenants: Vec<String>) -> Page {
        Page { tenants, family: 0, tenant: 0, slot: 0, has_head: false, is_done: false }
    }

    /// Appends the next portion, all of it from one moment; whether there is another one.
    pub fn next(&mut self, store: &Store, out: &mut String) -> bool {
        let enough = out.len() + PORTION;
        while let Some(&(family, name, r#type, help)) = FAMILIES.get(self.family) {
            if !std::mem::replace(&mut self.has_head, true) {
                for (what, text) in [("HELP", help), ("TYPE", r#type)] {
                    out.extend(["# ", what, " ", name, " ", text, "\n"]);
                }
            }
            while let Some(named) = self.tenants.get(self.tenant) {
                if let Some(tenant) = store.tenant(named) {
                    let common = common(store, named);
                    let series = Writer { family, name, common, store };
                    while series.write(tenant, self.slot, out) {
                        self.slot += 1;
                        if out.len() >= enough {
                            return true;
                        }
                    }
                }
                (self.tenant, self.slot) = (self.tenant + 1, 0);
            }
            (self.family, self.tenant, self.has_head) = (self.family + 1, 0, false);
        }
        if !std::mem::replace(&mut self.is_done, true) {
            out.push_str("# EOF\n");
        }
        false
    }
}

/// Labels that every series of a tenant has.
fn common(store: &Store, tenant: &str) -> String {
    let mut common = String::new();
    if store.settings().name_tenants {
        append(&mut common, "tenant", tenant);
    }
    if let Some((name, value)) = &store.settings().label {
        append(&mut common, name, value);
    }
    common
}

struct Writer<'a> {
    family: Family,
    name: &'static str,
    common: String,
    store: &'a Store,
}

impl Writer<'_> {
    /// Writes series `slot`; the one behind the last is the overflow. False when there is none.
    fn write(&self, tenant: &Tenant, slot: usize, out: &mut String) -> bool {
        match self.family {
            Family::Calls | Family::Latency | Family::Size => {
                let is_more = slot <= tenant.spans.slots();
                if let Some(series) = tenant.spans.get(slot) {
                    self.span(&self.of_span(series.values()), &series.value, out);
                } else if slot == tenant.spans.slots() && tenant.other_spans.latency.count() > 0 {
                    self.span(&self.overflow(), &tenant.other_spans, out);
                }
                is_more
            }
            Family::Target => {
                if let Some(series) = tenant.targets.get(slot) {
                    let mut labels = self.common.clone();
                    for told in series.values() {
                        if !labels.is_empty() {
                            labels.push(',');
                        }
                        labels.push_str(told);
                    }
                    self.sample(out, "", &labels, 1);
                }
                slot < tenant.targets.slots()
            }
            Family::Requests | Family::Failed | Family::Server | Family::Client => {
                let is_more = slot <= tenant.edges.slots();
                if let Some(series) = tenant.edges.get(slot) {
                    let names = ["client", "server", "connection_type"].into_iter();
                    self.edge(&self.labels(names, series.values()), &series.value, out);
                } else if slot == tenant.edges.slots() && tenant.other_edges.server.count() > 0 {
                    self.edge(&self.overflow(), &tenant.other_edges, out);
                }
                is_more
            }
        }
    }

    fn of_span<'v>(&'v self, values: impl Iterator<Item = &'v str>) -> String {
        let dimensions = self.store.settings().dimensions.all.iter().map(|(_, name)| &**name);
        self.labels(dimensions.chain(["job", "instance"]), values)
    }

    fn labels<'v>(
        &self,
        names: impl Iterator<Item = &'v str>,
        values: impl Iterator<Item = &'v str>,
    ) -> String {
        let mut labels = self.common.clone();
        names.zip(values).for_each(|(name, value)| append(&mut labels, name, value));
        labels
    }

    fn overflow(&self) -> String {
        let mut labels = self.common.clone();
        append(&mut labels, OVERFLOW, "true");
        labels
    }

    fn span(&self, labels: &str, totals: &SpanTotals, out: &mut String) {
        match self.family {
            Family::Calls => self.sample(out, "_total", labels, totals.latency.count()),
            Family::Size => self.sample(out, "_total", labels, totals.size),
            _ => self.histogram(out, labels, &SPANS, &totals.latency),
        }
    }

    fn edge(&self, labels: &str, totals: &EdgeTotals, out: &mut String) {
        match self.family {
            Family::Requests => self.sample(out, "_total", labels, totals.server.count()),
            Family::Failed => self.sample(out, "_total", labels, totals.failed),
            Family::Client => self.histogram(out, labels, &EDGES, &totals.client),
            _ => self.histogram(out, labels, &EDGES, &totals.server),
        }
    }

    fn histogram<const N: usize>(
        &self,
        out: &mut String,
        labels: &str,
        bounds: &Bounds<N>,
        observed: &Histogram<N>,
    ) {
        let mut below = 0;
        let buckets = bounds.names.iter().zip(&observed.counts).zip(&observed.exemplars);
        for ((bound, count), exemplar) in buckets {
            below += count;
            self.begin(out, "_bucket", labels, Some(bound));
            write(out, below);
            if exemplar.trace != TraceId::default() {
                append_exemplar(out, exemplar);
            }
            out.push('\n');
        }
        self.sample(out, "_count", labels, below);
        self.sample(out, "_sum", labels, observed.sum());
    }

    fn begin(&self, out: &mut String, suffix: &str, labels: &str, bound: Option<&str>) {
        out.extend([self.name, suffix]);
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

    fn sample(&self, out: &mut String, suffix: &str, labels: &str, value: impl std::fmt::Display) {
        self.begin(out, suffix, labels, None);
        write(out, value);
        out.push('\n');
    }
}

fn append_exemplar(out: &mut String, exemplar: &Exemplar) {
    out.extend([" # {", TRACE, "=\""]);
    write(out, exemplar.trace);
    out.push_str("\"} ");
    write(out, seconds(exemplar.ns.into()));
    let (seconds, millis) = (exemplar.unix_ms / 1000, exemplar.unix_ms % 1000);
    write(out, format_args!(" {seconds}.{millis:03}"));
}
