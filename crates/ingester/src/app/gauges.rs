//! Gauges: what is read when metrics are asked for, not counted on the way.

use super::pressure::{Load, averaged};
use crate::engine::Engine;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;
use tokio::time::Instant;
use tributary_store::Store;

/// Reads them all.
pub(super) fn set_gauges(engine: &Engine, store: Store) -> Box<dyn Fn() + Send + Sync> {
    let (metrics, memory, live) =
        (engine.metrics.clone(), engine.memory.clone(), engine.live.clone());
    // Weak: a queue that is drained ends with its last sender.
    let queue = engine.intake.journal_queue.downgrade();
    let refusing = engine.refusing.clone();
    let looked: Mutex<Option<Instant>> = Mutex::default();
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
        let frames = queue.upgrade().map_or((0, 0), |queue| {
            (queue.max_capacity().saturating_sub(queue.capacity()), queue.max_capacity())
        });
        let load = Load {
            // What is in generations is durable, and what is set aside is no load.
            bytes: (memory.usage().used.saturating_sub(totals.bytes), memory.limit()),
            streams: (metrics.streams_stalled(), metrics.streams_open()),
            frames,
        };
        let now = Instant::now();
        let mut looked = looked.lock().unwrap_or_else(PoisonError::into_inner);
        let pressure = looked.replace(now).map_or(load.pressure(), |before| {
            averaged(metrics.pressure.get(), load.pressure(), now.duration_since(before))
        });
        metrics.pressure.set(pressure);
        let refused = refusing.lasts(now).map_or(0, |lasts| lasts.as_secs().max(1));
        metrics.store_refusing_seconds.set(i64::try_from(refused).unwrap_or(i64::MAX));
        let left = store.counters().credential_left(now);
        metrics
            .credential_expires_seconds
            .set(left.map_or(0, |left| seconds(SystemTime::now() + left)));
        metrics.count_store(store.counters().snapshot());
    })
}

/// Since 1970.
fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
