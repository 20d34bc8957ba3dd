//! Tells the story: traces at a steady rate, sent as they end.

use super::export::{ExportError, Exporter, exports};
use super::story;
use anyhow::bail;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How far the story has got. All spans of traces `0..traces` were taken by the sidecar.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) traces: AtomicU64,
    pub(crate) spans: AtomicU64,
    /// Times that the sidecar said "later".
    pub(crate) refused: AtomicU64,
}

/// Between two batches, as of an exporter with a short delay.
const BEAT: Duration = Duration::from_millis(100);
/// Traces of one batch at most: after a pause the story goes on, it does not catch up.
const BATCH: u64 = 500;
/// How long one request is tried again before the story is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Tells `rate` traces a second until `stop`.
///
/// # Errors
/// When the sidecar refuses spans for good, or for too long.
pub(crate) async fn tell(
    exporter: Exporter,
    seed: u64,
    rate: u64,
    stop: CancellationToken,
    told: &Told,
) -> anyhow::Result<()> {
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut next, mut owed) = (0, 0.0);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            _ = beat.tick() => {}
        }
        owed += rate as f64 * BEAT.as_secs_f64();
        let batch = (owed as u64).min(BATCH);
        owed = (owed - batch as f64).min(BATCH as f64);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let traces: Vec<_> = (next..next + batch)
            .map(|number| {
                let trace = story::trace(seed, number);
                let length = trace.spans.iter().map(|span| span.end).max().unwrap_or_default();
                (trace, now.saturating_sub(length))
            })
            .collect();
        for export in exports(&traces) {
            let deadline = Instant::now() + PATIENCE;
            while let Err(error) = exporter.send(&export).await {
                match error {
                    ExportError::Refused(why) => bail!("the sidecar refuses spans: {why}"),
                    ExportError::Later(why) if Instant::now() > deadline => {
                        bail!("the sidecar took no spans for {PATIENCE:?}: {why}")
                    }
                    ExportError::Later(_) => told.refused.fetch_add(1, Ordering::Relaxed),
                };
                tokio::time::sleep(BEAT).await;
            }
            told.spans.fetch_add(export.spans, Ordering::Relaxed);
        }
        next += batch;
        told.traces.store(next, Ordering::Relaxed);
    }
}
