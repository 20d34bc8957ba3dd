//! Every counter of the ingester, and how they are published: Prometheus' text.

mod by_tenant;
mod family;
mod part;

pub use by_tenant::ByTenant;
pub use family::Family;
pub use part::Part;

use crate::limits::Limit;
use tributary_identity::Refusal;
use tributary_receivers::Counters;
use tributary_store::Operations;
use tributary_telemetry::{Counter, Gauge, Histogram, Text, Type};

/// Upper bounds of buckets for what takes seconds.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// The same for the road to an acknowledgement: twelve a decade between 10 ms and 5 s, each about
/// 1.2 times the one before, so that a quantile read from them is off by a quarter at the worst.
#[rustfmt::skip]
const FINE_SECONDS: [f64; 42] = [
    0.001, 0.0025, 0.005,
    0.01, 0.012, 0.015, 0.018, 0.022, 0.027, 0.033, 0.039, 0.047, 0.056, 0.068, 0.082,
    0.1, 0.12, 0.15, 0.18, 0.22, 0.27, 0.33, 0.39, 0.47, 0.5, 0.56, 0.68, 0.82,
    1.0, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 3.9, 4.7, 5.0,
    10.0, 25.0, 60.0, 120.0,
];

/// Before each name.
const PREFIX: &str = "tributary_ingester_";

macro_rules! metrics {
    ($($(#[doc = $help:literal])+ $name:ident: $metric:ty $(= $new:expr)?;)+) => {
        /// The ingester's metrics. Each is published under its field's name, behind
        /// `tributary_ingester_`, with its text here as help.
        #[derive(Debug)]
        pub struct Metrics {
            $($(#[doc = $help])+ pub $name: $metric,)+
        }

        impl Default for Metrics {
            fn default() -> Self {
                Metrics { $($name: metrics!(@new $($new)?),)+ }
            }
        }

        impl Metrics {
            fn render_own(&self, text: &mut Text) {
                $(
                    let name = family(stringify!($name), <$metric>::TYPE);
                    text.family(&name, <$metric>::TYPE, concat!($($help),+, ".").trim());
                    self.$name.render(&name, text);
                )+
            }
        }
    };
    (@new) => { Default::default() };
    (@new $new:expr) => { $new };
}

metrics! {
    /// Streams of sidecars that are open
    streams: Gauge;
    /// Streams that were last told that they may have nothing in flight but one frame
    streams_without_credit: Gauge;
    /// How near this ingester is to making senders wait, 0 to 1, averaged over 15 s
    pressure: Part;
    /// How often a limit was met, and what happens there
    limited: Limited;
    /// How often a tenant met a limit of its own, by the limit's name in the file; tenants beyond the 256 that came first are counted as `<others>`
    tenant_limited: ByTenant;
    /// Handshakes of TLS, by port and how they ended
    tls_handshakes: Family = Family::new(["port", "outcome"], &["wire", "query"], &["done", "failed", "late"]);
    /// Connections and requests that came to a port that is not for them: TLS where there is none, no TLS where there is, spans of applications, or nothing that is spoken there
    strangers: Family = Family::new(["port", "kind"], &["wire", "query"], &["tls", "no_tls", "other", "spans"]);
    /// Callers that were looked at, by port and what came of it: identified, or what was wrong
    callers: Family = Family::new(["port", "result"], &["wire", "query", "peer"], &[&["identified"][..], &Refusal::REASONS].concat());
    /// Streams that reached their age and were asked to be opened anew
    streams_aged: Counter;
    /// When the certificate of the wire's port expires, in seconds since 1970; 0 without TLS
    wire_certificate_expires_seconds: Gauge;
    /// The same of the query port
    query_certificate_expires_seconds: Gauge;
    /// Sets of certificates, the policy, and the limits of tenants, that could not be read or used when they were last looked at: what was good before counts
    files_unusable: Gauge;
    /// Seconds that a frame waited for memory, of those that did
    memory_wait_seconds: Histogram = Histogram::new(&SECONDS);
    /// Times that an issuer's keys were told at their address
    keys_fetched: Counter;
    /// Times that they were not: those that were told before count
    keys_not_fetched: Counter;
    /// Issuers of the policy whose keys are not known yet: no token of theirs counts
    issuers_without_keys: Gauge;
    /// Frames that came
    frames_received: Counter;
    /// Frames that came again and were not logged again
    frames_repeated: Counter;
    /// Durable frames that would not be known again: the oldest make room
    frames_forgotten: Counter;
    /// Frames that could not be decoded
    frames_rejected: Counter;
    /// Spans in frames that were decoded
    spans_received: Counter;
    /// Spans in segments that are in the store: what was acknowledged
    spans_journaled: Counter;
    /// Spans in blocks that are visible
    spans_stored: Counter;
    /// Spans that stood twice in a generation and were dropped once
    spans_duplicate: Counter;
    /// Spans with the id and kind of another one but other contents; the first was kept
    spans_conflicting: Counter;
    /// Spans that were logged again, because the store takes no blocks of their tenant
    spans_relogged: Counter;
    /// Segments written
    segments: Counter;
    /// Bytes of segments written
    segment_bytes: Counter;
    /// Times that a segment could not be written; it is tried again, and not acknowledged meanwhile
    segments_failed: Counter;
    /// Segments that no block covers yet
    segments_uncovered: Gauge;
    /// Times that covered segments could not be deleted; nothing waits for it, and it is tried again
    deletions_failed: Counter;
    /// Epochs of others, or lost ones of this process, in which something was left to do
    adoptions: Counter;
    /// Segments of such epochs that were rebuilt into blocks
    segments_adopted: Counter;
    /// Segments of which a copy is kept under journal/quar, because they, or frames in them, cannot be read
    segments_quarantined: Counter;
    /// Times that a segment was left live: only a newer release can read it, or no two readings are alike
    segments_left: Counter;
    /// Adoptions, sweeps and collections that failed and are tried again
    upkeep_failed: Counter;
    /// Blocks deleted because the slot they were made for names others
    blocks_collected: Counter;
    /// Collections that were stopped because they would have deleted too much
    collections_stopped: Counter;
    /// Merges of blocks that were carried out
    compactions: Counter;
    /// Merges whose blocks were in vain, since another ingester was quicker
    compactions_lost: Counter;
    /// Passes over a window that failed and are tried again
    compactions_failed: Counter;
    /// Blocks that were merged into others
    blocks_merged: Counter;
    /// Blocks that have expired
    blocks_expired: Counter;
    /// Tenants whose retention is stopped, because so much has long been due that something may be wrong
    retention_stopped: Gauge;
    /// Blocks deleted some time after they were merged into others, or have expired
    blocks_superseded_deleted: Counter;
    /// Commit slots and records of old hours that were deleted
    slots_retired: Counter;
    /// Seconds since the oldest segment that no block covers became durable, of this process
    oldest_uncovered_seconds: Gauge;
    /// Blocks made visible
    blocks: Counter;
    /// Bytes of those blocks
    block_bytes: Counter;
    /// Generations that could not be written yet; they are tried again
    flushes_failed: Counter;
    /// Generations, or parts of them, whose spans left memory because it was short
    generations_spilled: Counter;
    /// Those that were brought back from their segments to become blocks
    generations_rebuilt: Counter;
    /// Commit slots that another process had taken
    slots_lost: Counter;
    /// Blocks of all ingesters that are known
    blocks_known: Gauge;
    /// Blocks whose metas are there and cannot be read: answers for their tenants say so
    blocks_unreadable: Gauge;
    /// Tenants whose blocks could not be listed: answers for them say so
    tenants_unlisted: Gauge;
    /// Records of merges that cannot be read: what was merged stays listed
    records_unreadable: Gauge;
    /// Heartbeats that are there and cannot be read
    heartbeats_unreadable: Gauge;
    /// Blocks that are left out of merges because they could not be read
    blocks_unmerged: Gauge;
    /// Ingesters that live, this one included
    members: Gauge;
    /// Other ingesters that live and have this one's name: each needs a name of its own
    namesakes: Gauge;
    /// Memory of spans, by the budget's account
    memory_bytes: Gauge;
    /// The budget
    memory_limit_bytes: Gauge;
    /// Bytes that are free on the disk below the store's folder; 0 when it is no folder
    disk_free_bytes: Gauge;
    /// Bytes that are kept free there
    disk_reserve_bytes: Gauge;
    /// 1 while less than that is free, so that new spans wait
    disk_short: Gauge;
    /// Generations in memory
    generations: Gauge;
    /// Spans in memory
    spans_live: Gauge;
    /// Writes asked of the store, each attempt and each part counted
    store_puts: Counter;
    /// Reads asked of the store
    store_gets: Counter;
    /// Listings asked of the store
    store_lists: Counter;
    /// Objects whose deletion was asked of the store
    store_deletes: Counter;
    /// Requests to the store that failed for another reason than that nothing was there
    store_errors: Counter;
    /// Second copies of slow writes that were sent
    store_hedges: Counter;
    /// Names that are no object's and that listings left out, by each listing anew
    store_names_left_out: Counter;
    /// Objects that were damaged when they were read and other bytes when they were read again
    store_misreads: Counter;
    /// For how many seconds the store has taken no segment, so that nothing is acknowledged; 0 when all is well
    store_refusing_seconds: Gauge;
    /// When the store's credential ends, in seconds since 1970; 0 when there is none that ends
    credential_expires_seconds: Gauge;
    /// Credentials with an end that the store's cloud gave, the first one included
    credential_renewals: Counter;
    /// Times that the store's cloud was asked for a credential and gave none; the old one is used until it ends
    credential_failures: Counter;
    /// Requests to the query API
    queries: Counter;
    /// Segments that queries read, for spans that are in no ingester's memory and in no block yet
    segments_queried: Counter;
    /// Queries whose answer may not be whole, because something could not be asked or read
    queries_partial: Counter;
    /// Spans that were counted for `/metrics/spans`
    span_metrics_spans: Counter;
    /// Those of them that have no series of their own, since their tenant has as many as it may, or memory is short
    span_metrics_spans_overflowed: Counter;
    /// Spans that were not counted, since counting did not keep up
    span_metrics_spans_dropped: Counter;
    /// Spans that were not counted, since there was no memory for anything of their tenant
    span_metrics_spans_without_room: Counter;
    /// Calls between services that were counted
    span_metrics_edges: Counter;
    /// Those of them that have no series of their own
    span_metrics_edges_overflowed: Counter;
    /// Sides of calls whose other side did not come in time, and of which nothing tells who it is
    span_metrics_sides_expired: Counter;
    /// Sides of calls for which there was no memory to wait in
    span_metrics_sides_dropped: Counter;
    /// Sides of calls that wait for the other one
    span_metrics_sides_waiting: Gauge;
    /// Sets of labels of `/metrics/spans`
    span_metrics_series: Gauge;
    /// Memory of both
    span_metrics_bytes: Gauge;
    /// Seconds from the first frame of a segment to its acknowledgement
    ack_seconds: Histogram = Histogram::new(&FINE_SECONDS);
    /// Seconds that writing a segment took
    put_seconds: Histogram = Histogram::new(&FINE_SECONDS);
    /// Seconds from freezing a generation to its blocks being visible
    flush_seconds: Histogram = Histogram::new(&SECONDS);
}

/// What a field is published as. In the text format that is served here (0.0.4) the head of a counter
/// has the name of its samples, `_total` included: under another one Prometheus takes it for the head
/// of something else, and knows neither type nor help of the counter.
fn family(field: &str, r#type: Type) -> String {
    match r#type {
        Type::Counter => format!("{field}_total"),
        Type::Gauge | Type::Histogram => field.to_owned(),
    }
}

/// One field of [`Metrics`].
trait Metric {
    const TYPE: Type;

    /// Writes its samples. `name` is the family's.
    fn render(&self, name: &str, text: &mut Text);
}

impl Metric for Counter {
    const TYPE: Type = Type::Counter;

    fn render(&self, name: &str, text: &mut Text) {
        text.sample(name, &[], self.get());
    }
}

impl Metric for Gauge {
    const TYPE: Type = Type::Gauge;

    fn render(&self, name: &str, text: &mut Text) {
        text.sample(name, &[], self.get());
    }
}

impl Metric for Histogram {
    const TYPE: Type = Type::Histogram;

    fn render(&self, name: &str, text: &mut Text) {
        text.histogram(name, self);
    }
}

/// A counter for each limit.
#[derive(Debug)]
pub struct Limited([Counter; Limit::ALL.len()]);

impl Default for Limited {
    fn default() -> Self {
        Limited(std::array::from_fn(|_| Counter::default()))
    }
}

impl Limited {
    fn each(&self) -> impl Iterator<Item = (Limit, &Counter)> {
        Limit::ALL.iter().copied().zip(&self.0)
    }

    fn of(&self, limit: Limit) -> Option<&Counter> {
        self.each().find(|(own, _)| *own == limit).map(|(_, counter)| counter)
    }
}

impl Metric for Limited {
    const TYPE: Type = Type::Counter;

    fn render(&self, name: &str, text: &mut Text) {
        for (limit, counter) in self.each() {
            let labels = [("limit", limit.name()), ("policy", limit.policy().name())];
            text.sample(name, &labels, counter.get());
        }
    }
}

impl Metrics {
    /// A limit was met.
    pub fn limited(&self, limit: Limit) {
        self.limited.of(limit).into_iter().for_each(Counter::inc);
    }

    /// A tenant has met a limit.
    pub fn limited_for(&self, tenant: &str, limit: Limit) {
        self.limited(limit);
        self.tenant_limited.inc(tenant, limit);
    }

    /// How often a limit was met.
    pub fn times_limited(&self, limit: Limit) -> u64 {
        self.limited.of(limit).map_or(0, Counter::get)
    }

    /// Streams that are open.
    pub fn streams_open(&self) -> usize {
        usize::try_from(self.streams.get()).unwrap_or(0)
    }

    /// Those of them that may have one frame in flight and no more.
    pub fn streams_stalled(&self) -> usize {
        usize::try_from(self.streams_without_credit.get()).unwrap_or(0)
    }

    /// Takes over what the store has counted.
    pub fn count_store(&self, now: Operations) {
        self.store_puts.raise_to(now.puts);
        self.store_gets.raise_to(now.gets + now.heads);
        self.store_lists.raise_to(now.lists);
        self.store_deletes.raise_to(now.deletes);
        self.store_errors.raise_to(now.errors);
        self.store_hedges.raise_to(now.hedges);
        self.store_names_left_out.raise_to(now.names_left_out);
        self.store_misreads.raise_to(now.misreads);
        self.credential_renewals.raise_to(now.credential_renewals);
        self.credential_failures.raise_to(now.credential_failures);
    }

    /// All of it as text. `receivers` are named.
    pub fn render(&self, receivers: &[(&str, &Counters)]) -> String {
        let mut text = Text::new(PREFIX);
        self.render_own(&mut text);
        tributary_receivers::render_metrics(&mut text, receivers);
        text.into_string() + "# EOF\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use tributary_testkit::prometheus::{Metrics as Samples, families};

    #[test]
    fn buckets_rise_and_are_fine_where_acknowledgements_are() {
        let fine = FINE_SECONDS.windows(2).map(|w| (w[0], w[1] / w[0]));
        for (from, growth) in fine {
            let most = if (0.01..4.9).contains(&from) { 1.26 } else { 2.6 };
            assert!(growth > 1.0 && growth < most, "{from}: {growth}");
        }
        assert!(FINE_SECONDS.contains(&0.5), "the target is a bound");
        assert!(SECONDS.is_sorted());
    }

    #[test]
    fn the_text_has_the_names_that_dashboards_use() {
        let metrics = Metrics::default();
        metrics.spans_journaled.add(7);
        metrics.limited(Limit::Memory);
        assert_eq!(metrics.times_limited(Limit::Memory), 1);
        let text = metrics.render(&[]);
        for line in [
            "tributary_ingester_limited_total{limit=\"memory\",policy=\"waits\"} 1\n",
            "tributary_ingester_limited_total{limit=\"tenants\",policy=\"refuses\"} 0\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(text.contains("tributary_ingester_spans_journaled_total 7\n"), "{text}");
        assert!(
            text.contains("# HELP tributary_ingester_streams Streams of sidecars that are open")
        );
    }

    #[test]
    fn every_family_has_a_name_of_its_own_and_a_text() {
        let text = Metrics::default().render(&[("zipkin", &Counters::default())]);
        assert!(text.ends_with("} 0\n# EOF\n"), "{text}");
        let samples = Samples::parse(&text).unwrap();
        let families = families(&text).unwrap();
        for family in families.iter().filter(|family| family.r#type != "histogram") {
            assert!(samples.sum(&family.name, &[]).is_some(), "no sample of {}", family.name);
        }
        assert!(families.iter().all(|f| f.help.ends_with('.')), "{families:?}");
        let names: BTreeSet<_> = families.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names.len(), families.len());
        for (name, r#type) in [
            ("streams", "gauge"),
            ("ack_seconds", "histogram"),
            ("spans_journaled_total", "counter"),
            ("limited_total", "counter"),
            ("callers_total", "counter"),
            ("receiver_bytes_total", "counter"),
        ] {
            let name = format!("{PREFIX}{name}");
            assert!(families.iter().any(|f| f.name == name && f.r#type == r#type), "{name}");
        }
    }
}
