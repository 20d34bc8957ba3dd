//! An ingester that serves, until it fails or leaves.

use crate::engine::Engine;
use crate::error::IngesterError;
use crate::receive::direct::DirectReceivers;
use crate::runtime::CriticalTask;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
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
    /// How the address of this ingester ends as its members' list has it: with its port.
    pub(super) own_port: String,
}

impl Serving {
    /// The first failure of any task.
    pub(super) async fn failure(&mut self) -> IngesterError {
        tokio::select! {
            error = self.http.failure() => error.into(),
            error = self.wire.failure() => error.into(),
            error = self.engine.failure() => error,
        }
    }

    /// Ends everything where it stands.
    pub(super) fn stop(&self) {
        self.engine.stop.cancel();
    }

    /// Leaves in stages, each of which hands everything on to the next; within `grace`. What is not
    /// in a block by then stays in the journal.
    ///
    /// # Errors
    /// When a stage fails for good.
    pub(super) async fn leave(self, grace: Duration) -> Result<(), IngesterError> {
        self.ready.store(false, Ordering::Relaxed);
        let (stop, live) = (self.engine.stop.clone(), self.engine.live.clone());
        let metrics = self.engine.metrics.clone();
        let ended = tokio::time::timeout(grace, self.stages(MOVE_WITHIN.min(grace / 4))).await;
        stop.cancel();
        match ended {
            Ok(Ok(())) => {
                let (journaled, stored) =
                    (metrics.spans_journaled.get(), metrics.spans_stored.get());
                tracing::info!(journaled, stored, "left");
                Ok(())
            }
            Ok(Err(error)) => Err(error),
            Err(_) => {
                let left = live.totals();
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

    async fn stages(mut self, patience: Duration) -> Result<(), IngesterError> {
        tracing::info!(stage = "telling the sidecars", "leaving");
        self.announce_leaving(patience);
        self.direct.finish(patience).await;
        let metrics = self.engine.metrics.clone();
        let all_gone = async {
            while metrics.streams_open() > 0 {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        drop(tokio::time::timeout(patience, all_gone).await);
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
            let is_own = |member: &Member| member.address.ends_with(&self.own_port);
            announcement.members.members.retain(|member| !is_own(member));
        });
    }
}
