//! Looking the bucket up for blocks from time to time: all tenants side by side, with a bound on the
//! requests of all of them together, so that the time that it takes hangs on their number and not on
//! which of them is slow, and its memory on the bound.

use super::tenant::For;
use super::{AT_ONCE, KnownBlocks, LookUpError, PAUSES};
use futures_util::{StreamExt, stream};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tributary_journal::layout;
use tributary_telemetry::{ErrorChain, Repeated};

/// Polls between two looks at what has been merged: until then a block is asked beside the one that
/// it went into, which costs time and no more.
const SUPERSEDED_EVERY: u32 = 4;

/// The time between two polls of one ingester: up to a tenth less than is set, so that those that were
/// started together do not poll together. `chance` is any number that others do not have.
fn own_period(poll: Duration, chance: u8) -> Duration {
    poll - poll / 10 * u32::from(chance) / 255
}

impl KnownBlocks {
    /// Looks the bucket up until `stop`, once at once.
    pub(crate) async fn run(self: Arc<Self>, chance: u8, stop: CancellationToken) {
        let work = async {
            let mut failures = 0;
            let told = Repeated::default();
            for n in (0..SUPERSEDED_EVERY).cycle() {
                let mut pause = own_period(self.poll, chance);
                match self.poll_blocks(n == 0).await {
                    // What is incomplete has been told, each unit once.
                    Ok(()) | Err(LookUpError::Incomplete { .. }) => failures = 0,
                    Err(error) => {
                        failures += 1;
                        pause = pause.min(PAUSES.after(failures));
                        if let Some(times) = told.due(Instant::now().into_std()) {
                            tracing::warn!(times, error = %ErrorChain(&error), "blocks could not be listed");
                        }
                    }
                }
                tokio::time::sleep(pause).await;
            }
        };
        stop.run_until_cancelled(work).await;
    }

    /// Lists all tenants' blocks, reads the metas of those not known yet, and forgets what has been
    /// merged into others.
    ///
    /// # Errors
    /// When the bucket cannot be listed, or when a tenant or a block is not known by then.
    pub async fn poll_once(&self) -> Result<(), LookUpError> {
        self.poll_blocks(true).await
    }

    async fn poll_blocks(&self, superseded_too: bool) -> Result<(), LookUpError> {
        let begun = Instant::now();
        self.first.begin();
        if superseded_too {
            self.refresh_superseded().await;
        }
        let mut tenants: BTreeSet<String> = {
            let _request = self.poll_requests.acquire().await;
            self.store.list_folders(layout::BLOCKS).await?.into_iter().collect()
        };
        // And those that are there no more, so that this is seen.
        tenants.extend(self.list().tenants().map(str::to_owned));
        tenants.extend(self.unreadable().keys().cloned());
        let due: Vec<String> = {
            let (polled, now) = (self.polled(), Instant::now());
            tenants.iter().filter(|tenant| polled.is_due(tenant, now)).cloned().collect()
        };
        let looks = due.into_iter().map(|tenant| self.poll_tenant(tenant));
        stream::iter(looks).buffer_unordered(AT_ONCE).collect::<()>().await;
        let failed = self.polled().all(begun, |tenant| tenants.contains(tenant));
        self.first.end();
        self.metrics.tenants_unlisted.set(i64::try_from(failed).unwrap_or(i64::MAX));
        let unknown = self.unreadable().values().map(super::Unreadable::len).sum();
        match (failed, unknown) {
            (0, 0) => Ok(()),
            (tenants, blocks) => Err(LookUpError::Incomplete { tenants, blocks }),
        }
    }

    /// One of them, which fails alone.
    async fn poll_tenant(&self, tenant: String) {
        let turn = self.turn(&tenant);
        let _turn = turn.lock().await;
        if let Err(error) = self.look_up(&tenant, For::Poll).await
            && self.polled().failed(&tenant, error.chain(), Instant::now())
        {
            tracing::warn!(
                tenant,
                error = error.chain(),
                "a tenant's blocks could not be listed: answers for it say so; it is tried again"
            );
        }
    }

    /// Takes in what was merged since. Nothing depends on it but work.
    async fn refresh_superseded(&self) {
        if let Err(error) = self.superseded.refresh(&self.poll_requests).await
            && let Some(times) = self.superseded.unlisted.due(Instant::now().into_std())
        {
            tracing::warn!(times, error = %ErrorChain(&error), "what has been merged could not be listed");
        }
        let unreadable = self.superseded.unreadable();
        self.metrics.records_unreadable.set(i64::try_from(unreadable).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests;
