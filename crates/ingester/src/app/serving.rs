//! An ingester that serves, until it fails or leaves.

use crate::engine::Engine;
use crate::error::IngesterError;
use crate::receive::direct::DirectReceivers;
use crate::runtime::CriticalTask;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tributary_telemetry::ErrorChain;
use tributary_wire::v1::Member;

/// Longest time that sidecars get to move elsewhere.
const MOVE_WITHIN: Duration = Duration::from_secs(5);
/// Between two looks at whether all streams have ended.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The engine, and what serves it.
pub(super) struct Serving {
    pub(super) engine: Engine,
    pub(super) http: CriticalTask,
    pub(super) stop_http: CancellationToken,
    pub(super) wire: CriticalTask,
    pub(super) stop_wire: CancellationToken,
    pub(super) direct: DirectReceivers,
    /// Whether `/ready` says so.
    pub(super) ready: Arc<AtomicBool>,
    /// The address of this ingester as its members' list has it.
    pub(super) own_address: String,
}

impl Serving {
    /// Runs until `shutdown` and leaves, or until a task is gone and ends with that.
    ///
    /// # Errors
    /// The failure of a task, or of a stage of the leaving.
    pub(super) async fn run(
        mut self,
        shutdown: impl Future<Output = ()>,
        grace: Duration,
    ) -> Result<(), IngesterError> {
        let failed = tokio::select! {
            () = shutdown => None,
            error = self.failure() => Some(error),
        };
        match failed {
            None => Box::pin(self.leave(grace)).await,
            Some(error) => Err(Box::pin(self.end_with(error, Instant::now() + grace)).await),
        }
    }

    /// The first failure of any task.
    async fn failure(&mut self) -> IngesterError {
        tokio::select! {
            error = self.http.failure() => error.into(),
            error = self.wire.failure() => error.into(),
            error = self.direct.failure() => error.into(),
            error = self.engine.failure() => error,
        }
    }

    /// A task is gone, which `error` tells: what was taken becomes durable and is acknowledged, until
    /// `deadline`, and everything ends. Blocks are left to the next process, which adopts.
    async fn end_with(&mut self, error: IngesterError, deadline: Instant) -> IngesterError {
        self.ready.store(false, Ordering::Relaxed);
        tracing::error!(
            error = %ErrorChain(&error),
            "a task is gone that the ingester cannot go on without; it ends as soon as what it has taken is in the journal"
        );
        let patience = MOVE_WITHIN.min(deadline.saturating_duration_since(Instant::now()) / 4);
        if timeout_at(deadline, self.seal(patience)).await.is_err() {
            tracing::warn!("the grace period ran out; senders still have what is not acknowledged");
        }
        self.engine.stop.cancel();
        error
    }

    /// Takes nothing more, and answers for what was taken. A step that fails holds up no other.
    async fn seal(&mut self, patience: Duration) {
        self.announce_leaving(patience);
        if let Err(error) = self.engine.finish_segments().await {
            tracing::error!(error = %ErrorChain(&error), "the journal's tail was not written; senders still have what is in it");
        }
        // Their requests are settled: what is left is to answer them.
        self.direct.finish(patience).await;
        self.engine.intake.stop.cancel();
        self.stop_wire.cancel();
        match timeout(patience, self.wire.finish()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = %ErrorChain(&error), "streams were cut off"),
            Err(_) => tracing::warn!("streams were cut off"),
        }
    }

    /// Leaves in stages, each of which hands everything on to the next; within `grace`. What is not
    /// in a block by then stays in the journal.
    ///
    /// # Errors
    /// When a stage fails for good, or a task is gone meanwhile.
    async fn leave(&mut self, grace: Duration) -> Result<(), IngesterError> {
        self.ready.store(false, Ordering::Relaxed);
        let deadline = Instant::now() + grace;
        // The stages need what these tasks do, and do not look at them.
        let mut background = std::mem::take(&mut self.engine.background);
        let ended = tokio::select! {
            ended = timeout(grace, self.stages(MOVE_WITHIN.min(grace / 4))) => ended,
            gone = background.failure() => return Err(self.end_with(gone.into(), deadline).await),
        };
        self.engine.stop.cancel();
        match ended {
            Ok(Ok(())) => {
                let metrics = &self.engine.metrics;
                let (journaled, stored) =
                    (metrics.spans_journaled.get(), metrics.spans_stored.get());
                tracing::info!(journaled, stored, "left");
                Ok(())
            }
            Ok(Err(error)) => Err(error),
            Err(_) => {
                let left = self.engine.live.totals();
                let (spans, segments) = (left.spans, left.uncovered);
                tracing::warn!(
                    spans,
                    segments,
                    "the grace period ran out; these spans stay in the journal and become blocks at the next start"
                );
                Ok(())
            }
        }
    }

    async fn stages(&mut self, patience: Duration) -> Result<(), IngesterError> {
        tracing::info!(stage = "telling the sidecars", "leaving");
        self.announce_leaving(patience);
        self.direct.finish(patience).await;
        let metrics = self.engine.metrics.clone();
        let all_gone = async {
            while metrics.streams_open() > 0 {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        drop(timeout(patience, all_gone).await);
        self.engine.finish_segments().await?;
        self.engine.intake.stop.cancel();
        self.stop_wire.cancel();
        self.wire.finish().await?;
        tracing::info!(stage = "writing the last blocks", "leaving");
        self.engine.finish_blocks().await?;
        self.engine.leave().await?;
        self.stop_http.cancel();
        Ok(self.http.finish().await?)
    }

    /// Tells the sidecars to move to the other ingesters.
    fn announce_leaving(&self, patience: Duration) {
        self.engine.announcements.send_modify(|announcement| {
            announcement.drain_ms = Some(u32::try_from(patience.as_millis()).unwrap_or(u32::MAX));
            let is_own = |member: &Member| member.address == self.own_address;
            announcement.members.members.retain(|member| !is_own(member));
        });
    }
}
