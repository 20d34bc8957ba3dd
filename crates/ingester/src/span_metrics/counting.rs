//! The task that counts spans, and the queue that it is fed by.
//!
//! The queue never makes the journal wait: it is bounded in bytes, and frames that do not fit are not
//! counted, which is counted. The columns in it are mostly those that a generation holds as well.

use super::SpanMetrics;
use crate::metrics::Metrics;
use crate::runtime::IdGenerator;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tributary_span::Columns;
use tributary_span_metrics::{Now, Settings, Stats, Store};

/// Frames in the queue, beside their bytes.
const FRAMES: usize = 1024;
/// Bytes are counted in units of this many.
const UNIT: usize = 1024;
/// How often calls are looked at that have waited.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A frame that is to be counted.
#[derive(Debug)]
struct Frame {
    tenant: Arc<str>,
    columns: Arc<Columns>,
    /// Its bytes in the queue.
    _room: OwnedSemaphorePermit,
}

/// Takes frames that are to be counted.
#[derive(Debug, Clone)]
pub(crate) struct CountingQueue {
    frames: mpsc::Sender<Frame>,
    room: Arc<Semaphore>,
    units: usize,
    metrics: Arc<Metrics>,
}

impl CountingQueue {
    /// Has a frame's spans counted, if there is room for it in the queue.
    pub(crate) fn offer(&self, tenant: &Arc<str>, columns: &Arc<Columns>) {
        // One that is larger than the queue has it for itself.
        let units = columns.bytes().div_ceil(UNIT).clamp(1, self.units);
        let room = u32::try_from(units).ok();
        let room = room.and_then(|units| self.room.clone().try_acquire_many_owned(units).ok());
        let sent = room.is_some_and(|room| {
            let frame = Frame { tenant: tenant.clone(), columns: columns.clone(), _room: room };
            self.frames.try_send(frame).is_ok()
        });
        if !sent {
            self.metrics.span_metrics_spans_dropped.add(columns.len() as u64);
        }
    }
}

/// The task that counts.
#[derive(Debug)]
pub(crate) struct Counting {
    frames: mpsc::Receiver<Frame>,
    counted: SpanMetrics,
    clock: IdGenerator,
    metrics: Arc<Metrics>,
}

/// The queue, in which `bytes` may lie, the task that it feeds, and what that counts.
pub(crate) fn start(
    settings: Settings,
    bytes: usize,
    clock: IdGenerator,
    metrics: Arc<Metrics>,
) -> (CountingQueue, Counting, SpanMetrics) {
    let (sender, frames) = mpsc::channel(FRAMES);
    let units = (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS >> 3);
    let room = Arc::new(Semaphore::new(units));
    let queue = CountingQueue { frames: sender, room, units, metrics: metrics.clone() };
    let store = Arc::new(Mutex::new(Store::new(settings)));
    let counted = SpanMetrics { store, since: clock.unix_ms() };
    let counting = Counting { frames, counted: counted.clone(), clock, metrics };
    (queue, counting, counted)
}

impl Counting {
    /// Counts what comes until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let begun = Instant::now();
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The journal ends before the page does.
        let mut open = true;
        loop {
            let frame = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = looks.tick() => None,
                frame = self.frames.recv(), if open => {
                    open = frame.is_some();
                    frame
                }
            };
            let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            let now = Now { ms, unix_ms: self.clock.unix_ms() };
            let mut store = self.counted.store.lock().await;
            match frame {
                Some(frame) => store.count(&frame.tenant, &frame.columns, now),
                None => {
                    store.expire(now);
                    let stats = store.stats();
                    drop(store);
                    self.tell(stats);
                }
            }
        }
    }

    fn tell(&self, stats: Stats) {
        let metrics = &self.metrics;
        metrics.span_metrics_spans.raise_to(stats.spans);
        metrics.span_metrics_spans_overflowed.raise_to(stats.spans_overflowed);
        metrics.span_metrics_spans_without_room.raise_to(stats.spans_dropped);
        metrics.span_metrics_edges.raise_to(stats.edges);
        metrics.span_metrics_edges_overflowed.raise_to(stats.edges_overflowed);
        metrics.span_metrics_sides_expired.raise_to(stats.sides_expired);
        metrics.span_metrics_sides_dropped.raise_to(stats.sides_dropped);
        let gauge = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        metrics.span_metrics_series.set(gauge(stats.series));
        metrics.span_metrics_sides_waiting.set(gauge(stats.waiting));
        metrics.span_metrics_bytes.set(gauge(stats.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_span::columns::Builder;
    use tributary_span::otlp::decode::{Limits, append_all};
    use tributary_testkit::recording;

    fn frames() -> Vec<Arc<Columns>> {
        let columns = recording("payment").unwrap().records.into_iter().map(|request| {
            let mut builder = Builder::new();
            append_all(&mut builder, &request, &Limits::default()).unwrap();
            Arc::new(builder.take())
        });
        columns.collect()
    }

    fn begun(bytes: usize) -> (CountingQueue, Counting, SpanMetrics, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::default());
        let clock = IdGenerator::default();
        let (queue, counting, counted) = start(Settings::default(), bytes, clock, metrics.clone());
        (queue, counting, counted, metrics)
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_fit_is_dropped_and_told_and_the_rest_is_counted() {
        let frames = frames();
        let (queue, counting, counted, metrics) = begun(200 << 10);
        // The task does not run yet.
        for frame in &frames {
            queue.offer(&"t".into(), frame);
        }
        let all: usize = frames.iter().map(|frame| frame.len()).sum();
        let dropped = metrics.span_metrics_spans_dropped.get();
        assert!(dropped > 0 && dropped < all as u64, "{dropped} of {all}");
        let stop = CancellationToken::new();
        let task = tokio::spawn(counting.run(stop.clone()));
        // Twice, so that what was counted in between is told.
        tokio::time::sleep(LOOK_EVERY * 2).await;
        assert_eq!(metrics.span_metrics_spans.get() + dropped, all as u64);
        assert_eq!(queue.room.available_permits(), queue.units, "all of it is given back");
        // There is room again, also for one that is larger than all of it.
        let large = frames.iter().max_by_key(|frame| frame.bytes()).unwrap();
        queue.offer(&"t".into(), large);
        // The journal is gone; what it handed over is counted.
        drop(queue);
        tokio::time::sleep(LOOK_EVERY * 2).await;
        assert_eq!(metrics.span_metrics_spans_dropped.get(), dropped);
        let expected = all as u64 - dropped + large.len() as u64;
        assert_eq!(counted.store.lock().await.stats().spans, expected);
        assert!(!task.is_finished(), "it goes on for those who ask");
        stop.cancel();
        task.await.unwrap();
    }

    #[tokio::test]
    async fn a_frame_larger_than_the_queue_has_it_for_itself() {
        let (queue, _counting, _, metrics) = begun(UNIT);
        let frames = frames();
        queue.offer(&"t".into(), &frames[0]);
        assert_eq!(metrics.span_metrics_spans_dropped.get(), 0);
        queue.offer(&"t".into(), &frames[1]);
        assert_eq!(metrics.span_metrics_spans_dropped.get(), frames[1].len() as u64);
    }
}
