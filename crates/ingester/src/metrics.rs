//! Every counter of the ingester.

use crate::limits::Limit;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tributary_store::Operations;

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

/// Name and value of labels.
type Labels<const N: usize> = [(&'static str, &'static str); N];

macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $field:ident: $kind:ty = $make:expr, $name:literal;)+) => {
        /// The ingester's metrics; the names on the page begin with `tributary_ingester_`.
        #[derive(Debug)]
        pub struct Metrics {
            $($(#[doc = $doc])+ pub $field: $kind,)+
        }

        impl Default for Metrics {
            fn default() -> Self {
                Metrics { $($field: $make,)+ }
            }
        }

        impl Metrics {
            fn registry(&self) -> Registry {
                let mut registry = Registry::with_prefix("tributary_ingester");
                $(registry.register($name, concat!($($doc),+).trim(), self.$field.clone());)+
                registry
            }
        }
    };
}

metrics! {
    /// Streams of sidecars that are open
    streams: Gauge = Gauge::default(), "streams";
    /// Streams that were last told that they may have nothing in flight but one frame
    streams_without_credit: Gauge = Gauge::default(), "streams_without_credit";
    /// How often a limit was met, and what happens there
    limited: Family<Labels<2>, Counter> = limits(), "limited";
    /// Seconds that a frame waited for memory, of those that did
    memory_wait_seconds: Histogram = Histogram::new(SECONDS), "memory_wait_seconds";
    /// Frames that came
    frames_received: Counter = Counter::default(), "frames_received";
    /// Frames that came again and were not logged again
    frames_repeated: Counter = Counter::default(), "frames_repeated";
    /// Durable frames that would not be known again: the oldest make room
    frames_forgotten: Counter = Counter::default(), "frames_forgotten";
    /// Frames that could not be decoded
    frames_rejected: Counter = Counter::default(), "frames_rejected";
    /// Spans in frames that were decoded
    spans_received: Counter = Counter::default(), "spans_received";
    /// Spans in segments that are in the store: what was acknowledged
    spans_journaled: Counter = Counter::default(), "spans_journaled";
    /// Spans in blocks that are visible
    spans_stored: Counter = Counter::default(), "spans_stored";
    /// Spans that stood twice in a generation and were dropped once
    spans_duplicate: Counter = Counter::default(), "spans_duplicate";
    /// Spans with the id and kind of another one but other contents; the first was kept
    spans_conflicting: Counter = Counter::default(), "spans_conflicting";
    /// Segments written
    segments: Counter = Counter::default(), "segments";
    /// Bytes of segments written
    segment_bytes: Counter = Counter::default(), "segment_bytes";
    /// Segments that could not be written and were given up; their frames were not acknowledged
    segments_failed: Counter = Counter::default(), "segments_failed";
    /// Segments that no block covers yet
    segments_uncovered: Gauge = Gauge::default(), "segments_uncovered";
    /// Epochs of others, or lost ones of this process, in which something was left to do
    adoptions: Counter = Counter::default(), "adoptions";
    /// Segments of such epochs that were rebuilt into blocks
    segments_adopted: Counter = Counter::default(), "segments_adopted";
    /// Segments that cannot be read: they stay, and a copy is kept under journal/quar
    segments_quarantined: Counter = Counter::default(), "segments_quarantined";
    /// Adoptions, sweeps and collections that failed and are tried again
    upkeep_failed: Counter = Counter::default(), "upkeep_failed";
    /// Blocks deleted because the slot they were made for names others
    blocks_collected: Counter = Counter::default(), "blocks_collected";
    /// Collections that were stopped because they would have deleted too much
    collections_stopped: Counter = Counter::default(), "collections_stopped";
    /// Merges of blocks that were carried out
    compactions: Counter = Counter::default(), "compactions";
    /// Merges whose blocks were in vain, since another ingester was quicker
    compactions_lost: Counter = Counter::default(), "compactions_lost";
    /// Passes over a window that failed and are tried again
    compactions_failed: Counter = Counter::default(), "compactions_failed";
    /// Blocks that were merged into others
    blocks_merged: Counter = Counter::default(), "blocks_merged";
    /// Blocks deleted some time after they were merged into others
    blocks_superseded_deleted: Counter = Counter::default(), "blocks_superseded_deleted";
    /// Commit slots and records of old hours that were deleted
    slots_retired: Counter = Counter::default(), "slots_retired";
    /// Seconds since the oldest segment that no block covers became durable, of this process
    oldest_uncovered_seconds: Gauge = Gauge::default(), "oldest_uncovered_seconds";
    /// Blocks made visible
    blocks: Counter = Counter::default(), "blocks";
    /// Bytes of those blocks
    block_bytes: Counter = Counter::default(), "block_bytes";
    /// Generations that could not be written yet; they are tried again
    flushes_failed: Counter = Counter::default(), "flushes_failed";
    /// Generations, or parts of them, whose spans left memory because it was short
    generations_spilled: Counter = Counter::default(), "generations_spilled";
    /// Those that were brought back from their segments to become blocks
    generations_rebuilt: Counter = Counter::default(), "generations_rebuilt";
    /// Commit slots that another process had taken
    slots_lost: Counter = Counter::default(), "slots_lost";
    /// Blocks of all ingesters that are known
    blocks_known: Gauge = Gauge::default(), "blocks_known";
    /// Ingesters that live, this one included
    members: Gauge = Gauge::default(), "members";
    /// Memory of spans, by the budget's account
    memory_bytes: Gauge = Gauge::default(), "memory_bytes";
    /// The budget
    memory_limit_bytes: Gauge = Gauge::default(), "memory_limit_bytes";
    /// Generations in memory
    generations: Gauge = Gauge::default(), "generations";
    /// Spans in memory
    spans_live: Gauge = Gauge::default(), "spans_live";
    /// Writes asked of the store, each attempt and each part counted
    store_puts: Counter = Counter::default(), "store_puts";
    /// Reads asked of the store
    store_gets: Counter = Counter::default(), "store_gets";
    /// Listings asked of the store
    store_lists: Counter = Counter::default(), "store_lists";
    /// Objects whose deletion was asked of the store
    store_deletes: Counter = Counter::default(), "store_deletes";
    /// Requests to the store that failed for another reason than that nothing was there
    store_errors: Counter = Counter::default(), "store_errors";
    /// Second copies of slow writes that were sent
    store_hedges: Counter = Counter::default(), "store_hedges";
    /// Requests to the query API
    queries: Counter = Counter::default(), "queries";
    /// Segments that queries read, for spans that are in nobody's memory and in no block yet
    segments_queried: Counter = Counter::default(), "segments_queried";
    /// Queries whose answer may not be whole, because something could not be asked or read
    queries_partial: Counter = Counter::default(), "queries_partial";
    /// Seconds from the first frame of a segment to its acknowledgement
    ack_seconds: Histogram = Histogram::new(FINE_SECONDS), "ack_seconds";
    /// Seconds that writing a segment took
    put_seconds: Histogram = Histogram::new(FINE_SECONDS), "put_seconds";
    /// Seconds from freezing a generation to its blocks being visible
    flush_seconds: Histogram = Histogram::new(SECONDS), "flush_seconds";
}

/// A counter for each limit, so that the page shows them before they are met.
fn limits() -> Family<Labels<2>, Counter> {
    let family = Family::default();
    Limit::ALL.iter().for_each(|&limit| drop(family.get_or_create(&labels(limit))));
    family
}

fn labels(limit: Limit) -> Labels<2> {
    [("limit", limit.name()), ("policy", limit.policy().name())]
}

impl Metrics {
    /// A limit was met.
    pub fn limited(&self, limit: Limit) {
        self.limited.get_or_create(&labels(limit)).inc();
    }

    /// How often a limit was met.
    pub fn times_limited(&self, limit: Limit) -> u64 {
        self.limited.get_or_create(&labels(limit)).get()
    }

    /// Streams that are open.
    pub fn streams_open(&self) -> usize {
        usize::try_from(self.streams.get()).unwrap_or(0)
    }

    /// Takes over what the store has counted.
    pub fn count_store(&self, now: Operations) {
        let set = |counter: &Counter, total: u64| {
            counter.inc_by(total.saturating_sub(counter.get()));
        };
        set(&self.store_puts, now.puts);
        set(&self.store_gets, now.gets + now.heads);
        set(&self.store_lists, now.lists);
        set(&self.store_deletes, now.deletes);
        set(&self.store_errors, now.errors);
        set(&self.store_hedges, now.hedges);
    }

    /// The page in Prometheus' text format.
    pub fn page(&self) -> String {
        let mut page = String::new();
        match encode(&mut page, &self.registry()) {
            Ok(()) => page,
            Err(std::fmt::Error) => unreachable!("writing to a String does not fail"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn the_page_has_the_names_that_dashboards_use() {
        let metrics = Metrics::default();
        metrics.spans_journaled.inc_by(7);
        metrics.limited(Limit::Memory);
        assert_eq!(metrics.times_limited(Limit::Memory), 1);
        let page = metrics.page();
        for line in [
            "tributary_ingester_limited_total{limit=\"memory\",policy=\"waits\"} 1\n",
            "tributary_ingester_limited_total{limit=\"tenants\",policy=\"refuses\"} 0\n",
        ] {
            assert!(page.contains(line), "{page}");
        }
        assert!(page.contains("tributary_ingester_spans_journaled_total 7\n"), "{page}");
        assert!(
            page.contains("# HELP tributary_ingester_streams Streams of sidecars that are open")
        );
    }
}
