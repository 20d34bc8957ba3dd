//! Applications that send all the time, each to a sidecar of its own, and write down what was
//! taken.

use super::Torture;
use crate::books::Ledger;
use crate::replay::{Protocol, Sender};
use crate::{Sidecar, Traffic};
use anyhow::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tributary_testkit::{Recording, recordings};

/// Applications at a time, each with a sidecar.
const SIDECARS: usize = 3;

/// They run until they are finished.
pub(super) struct Applications {
    tasks: JoinSet<Result<Ledger>>,
    stop: Arc<AtomicBool>,
}

impl Applications {
    /// Starts them.
    ///
    /// # Errors
    /// When there is nothing to send.
    pub(super) fn start(upstream: &str, torture: &Torture) -> Result<Applications> {
        let recordings = recordings()?;
        let mut tasks = JoinSet::new();
        let stop = Arc::new(AtomicBool::new(false));
        let pace = torture.spans_per_second.map(|all| (all / SIDECARS as u64).max(1));
        for i in 0..SIDECARS {
            let own: Vec<_> = recordings.iter().skip(i).step_by(SIDECARS).cloned().collect();
            tasks.spawn(send(own, upstream.to_owned(), pace, stop.clone()));
        }
        Ok(Applications { tasks, stop })
    }

    /// Ends them when all that was taken is acknowledged; gives the books.
    ///
    /// # Errors
    /// When one of them failed.
    pub(super) async fn finish(mut self) -> Result<Ledger> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Ledger::default();
        while let Some(ledger) = self.tasks.join_next().await {
            all.merge(ledger??);
        }
        Ok(all)
    }
}

/// Sends at this pace, or as fast as the sidecar takes it.
async fn send(
    recordings: Vec<Recording>,
    upstream: String,
    pace: Option<u64>,
    stop: Arc<AtomicBool>,
) -> Result<Ledger> {
    let traffic = Traffic::of(&recordings)?;
    let sidecar = Sidecar::start(&upstream, &["--buffer", "64MiB"]).await?;
    let mut sender = Sender::open(&sidecar, Protocol::Protobuf).await?;
    let (mut ledger, begun) = (Ledger::default(), Instant::now());
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        if let Some(pace) = pace {
            let due = Duration::from_millis(ledger.len() as u64 * 1000 / pace);
            tokio::time::sleep_until((begun + due).into()).await;
        }
        let (request, _) = traffic.request(n);
        sender.send(&request).await?;
        ledger.add(traffic.identities(n));
    }
    // Nothing but an acknowledgement empties a sidecar.
    let all = ledger.len() as f64;
    sidecar.until("tributary_sidecar_spans_acked_total", |n| n >= all).await?;
    sidecar.stop().await?;
    Ok(ledger)
}
