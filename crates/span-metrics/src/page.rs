//! The metrics, written a portion at a time, as a scraper wants them.
//!
//! All samples of a metric stand together, so the page goes through all series once for each metric.
//! What is counted between two portions may be in the later one and not in the earlier: the metrics of
//! a series may differ by what came meanwhile, and no sample is ever written twice.

mod family;
mod format;
mod protobuf;
mod text;

use crate::histogram::{Bounds, EDGES, Histogram, SPANS};
use crate::labels::append;
use crate::store::Store;
use crate::tenant::Tenant;
use crate::totals::{EdgeTotals, SpanTotals};
use family::{FAMILIES, Family, What};
pub use format::Format;

/// A portion is a little longer than this, bytes.
const PORTION: usize = 64 << 10;
/// The label of the series in which all is counted that may have none of its own: OpenTelemetry's.
const OVERFLOW: &str = "otel_metric_overflow";
/// The label of an exemplar: what Tempo calls it where nothing else is said.
const TRACE: &str = "traceID";

/// How far a page is written.
#[derive(Debug)]
pub struct Page {
    format: Format,
    tenants: Vec<String>,
    family: usize,
    tenant: usize,
    slot: usize,
    has_head: bool,
    is_done: bool,
}

impl Page {
    /// The page of these tenants.
    pub fn new(format: Format, tenants: Vec<String>) -> Page {
        Page { format, tenants, family: 0, tenant: 0, slot: 0, has_head: false, is_done: false }
    }

    /// Appends the next portion, all of it from one moment; whether there is another one.
    pub fn next(&mut self, store: &Store, out: &mut Vec<u8>) -> bool {
        let mut portion = Portion::new(self.format);
        let is_more = self.fill(store, &mut portion);
        out.append(&mut portion.done);
        is_more
    }

    fn fill(&mut self, store: &Store, portion: &mut Portion) -> bool {
        while let Some(family) = FAMILIES.get(self.family) {
            if !std::mem::replace(&mut self.has_head, true) {
                portion.begin(family);
            }
            while let Some(named) = self.tenants.get(self.tenant) {
                if let Some(tenant) = store.tenant(named) {
                    let common = common(store, named);
                    let mut series = Writer { family, common, store, portion };
                    while series.write(tenant, self.slot) {
                        self.slot += 1;
                        if series.portion.len() >= PORTION {
                            portion.end(family);
                            return true;
                        }
                    }
                }
                (self.tenant, self.slot) = (self.tenant + 1, 0);
            }
            portion.end(family);
            (self.family, self.tenant, self.has_head) = (self.family + 1, 0, false);
        }
        if !std::mem::replace(&mut self.is_done, true) {
            portion.finish();
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

/// What is written at a time.
#[derive(Debug)]
struct Portion {
    format: Format,
    done: Vec<u8>,
    /// Of the metric at hand: lines, or messages of the field `metric`.
    text: String,
    messages: Vec<u8>,
}

impl Portion {
    fn new(format: Format) -> Portion {
        Portion { format, done: Vec::new(), text: String::new(), messages: Vec::new() }
    }

    fn len(&self) -> usize {
        self.done.len() + self.text.len() + self.messages.len()
    }

    /// A metric begins.
    fn begin(&mut self, family: &Family) {
        if self.format == Format::OpenMetrics {
            text::head(&mut self.text, family);
        }
    }

    /// All of a metric is written, or as much of it as stands in this portion.
    fn end(&mut self, family: &Family) {
        self.done.append(&mut std::mem::take(&mut self.text).into_bytes());
        if !self.messages.is_empty() {
            protobuf::family(&mut self.done, family, &self.messages);
            self.messages.clear();
        }
    }

    /// The page is written.
    fn finish(&mut self) {
        if self.format == Format::OpenMetrics {
            self.done.extend_from_slice(text::END.as_bytes());
        }
    }

    /// A counter's value, which it has had since then was 0 (milliseconds since 1970), or a gauge's.
    fn number(&mut self, family: &Family, labels: &str, value: u64, since: u64) {
        match self.format {
            Format::OpenMetrics => text::number(&mut self.text, family, labels, value),
            Format::Protobuf => {
                protobuf::number(&mut self.messages, family, labels, value, since);
            }
        }
    }

    fn histogram<const N: usize>(
        &mut self,
        family: &Family,
        labels: &str,
        bounds: &Bounds<N>,
        observed: &Histogram<N>,
    ) {
        match self.format {
            Format::OpenMetrics => {
                text::histogram(&mut self.text, family, labels, bounds, observed);
            }
            Format::Protobuf => {
                protobuf::histogram(&mut self.messages, labels, bounds, observed);
            }
        }
    }
}

struct Writer<'a> {
    family: &'static Family,
    common: String,
    store: &'a Store,
    portion: &'a mut Portion,
}

impl Writer<'_> {
    /// Writes series `slot`; the one behind the last is the overflow. False when there is none.
    fn write(&mut self, tenant: &Tenant, slot: usize) -> bool {
        match self.family.what {
            What::Calls | What::Latency | What::Size => {
                let is_more = slot <= tenant.spans.slots();
                if let Some(series) = tenant.spans.get(slot) {
                    self.span(&self.of_span(series.values()), &series.value);
                } else if slot == tenant.spans.slots() && tenant.other_spans.latency.count() > 0 {
                    self.span(&self.overflow(), &tenant.other_spans);
                }
                is_more
            }
            What::Target => {
                if let Some(series) = tenant.targets.get(slot) {
                    let mut labels = self.common.clone();
                    for told in series.values() {
                        if !labels.is_empty() {
                            labels.push(',');
                        }
                        labels.push_str(told);
                    }
                    self.portion.number(self.family, &labels, 1, 0);
                }
                slot < tenant.targets.slots()
            }
            What::Requests | What::Failed | What::Server | What::Client => {
                let is_more = slot <= tenant.edges.slots();
                if let Some(series) = tenant.edges.get(slot) {
                    let names = ["client", "server", "connection_type"].into_iter();
                    self.edge(&self.labels(names, series.values()), &series.value);
                } else if slot == tenant.edges.slots() && tenant.other_edges.server.count() > 0 {
                    self.edge(&self.overflow(), &tenant.other_edges);
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

    fn span(&mut self, labels: &str, totals: &SpanTotals) {
        let Writer { family, portion, .. } = self;
        let latency = &totals.latency;
        match family.what {
            What::Calls => portion.number(family, labels, latency.count(), latency.since),
            What::Size => portion.number(family, labels, totals.size, latency.since),
            _ => portion.histogram(family, labels, &SPANS, latency),
        }
    }

    fn edge(&mut self, labels: &str, totals: &EdgeTotals) {
        let Writer { family, portion, .. } = self;
        let EdgeTotals { failed, server, client } = totals;
        match family.what {
            What::Requests => portion.number(family, labels, server.count(), server.since),
            What::Failed => portion.number(family, labels, *failed, server.since),
            What::Client => portion.histogram(family, labels, &EDGES, client),
            _ => portion.histogram(family, labels, &EDGES, server),
        }
    }
}
