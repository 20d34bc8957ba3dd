//! Metrics from spans, beside the road of a span: what is counted is `tributary-span-metrics`, here are
//! its settings, the queue from the segment writer, and the task that counts (`Counting`).
//!
//! A frame is counted when it joins a segment: it is known to be no repeat there, and it joins one
//! once. What is counted is in memory alone: a process that is killed takes with it what came after the
//! last scrape.

mod counting;
mod settings;

pub(crate) use counting::{Counting, CountingQueue, start};
pub use settings::SpanMetricsSettings;

use std::sync::Arc;
use tokio::sync::Mutex;
use tributary_span_metrics::Store;

/// What is counted, for those who ask. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct SpanMetrics {
    /// The lock is held for a frame's spans or a portion of a page, never longer.
    pub(crate) store: Arc<Mutex<Store>>,
    /// When counting began, milliseconds since 1970.
    pub(crate) since: u64,
}
