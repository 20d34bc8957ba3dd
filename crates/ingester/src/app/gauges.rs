//! Gauges: what is read when metrics are asked for, not counted on the way.

use crate::engine::Engine;
use tributary_store::Store;

/// Reads them all.
pub(super) fn set_gauges(engine: &Engine, store: Store) -> Box<dyn Fn() + Send + Sync> {
    let (metrics, memory, live) =
        (engine.metrics.clone(), engine.memory.clone(), engine.live.clone());
    let gauge = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    Box::new(move || {
        let totals = live.totals();
        metrics.memory_bytes.set(gauge(memory.used()));
        metrics.memory_limit_bytes.set(gauge(memory.limit()));
        metrics.generations.set(gauge(totals.generations));
        metrics.spans_live.set(i64::try_from(totals.spans).unwrap_or(i64::MAX));
        metrics.segments_uncovered.set(gauge(totals.uncovered));
        let oldest = live.oldest().map_or(0, |since| since.elapsed().as_secs());
        metrics.oldest_uncovered_seconds.set(i64::try_from(oldest).unwrap_or(i64::MAX));
        metrics.count_store(store.counters().snapshot());
    })
}
