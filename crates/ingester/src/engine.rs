//! The ingester without its sockets: what journals, groups, writes blocks, adopts and collects.
//!
//! [`crate::app`] puts sockets around it, a simulation a faulty store beneath it. What its tasks
//! share is made by `parts`, the tasks by `tasks`, and how large each part may be says `sizes`.

mod parts;
mod sizes;
mod tasks;
#[cfg(test)]
mod tests;

use crate::access::Gate;
use crate::block::{KnownBlocks, SegmentDeleter};
use crate::cluster::Membership;
use crate::config::Config;
use crate::disk::DiskRoom;
use crate::error::IngesterError;
use crate::group::LiveSpans;
use crate::journal::Refusing;
use crate::memory::MemoryBudget;
use crate::metrics::Metrics;
use crate::query::TraceFinder;
use crate::receive::{Announcement, Intake};
use crate::runtime::{BackgroundTasks, CriticalTask, IdGenerator};
use crate::span_metrics::SpanMetrics;
use crate::tenant_limits::WatchedLimits;
use parts::Parts;
use std::sync::Arc;
use std::time::Duration;
use tasks::Tasks;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tributary_journal::{Journal, Uid};
use tributary_store::Store;

/// Between two looks at whether everything that was lost is adopted.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What the engine runs on.
pub struct Environment {
    /// Where everything is kept.
    pub store: Store,
    /// Makes ids, and tells the time.
    pub ids: IdGenerator,
    /// This process, as its heartbeat tells it.
    pub own: tributary_journal::Heartbeat,
    /// Whether blocks are built on the runtime's own threads and not on those for long work.
    pub build_inline: bool,
}

/// The parts, and the tasks once they are started.
pub struct Engine {
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The budget for spans.
    pub memory: MemoryBudget,
    /// Whether the store's disk has room for new spans.
    pub(crate) disk: DiskRoom,
    /// Whether the store takes segments.
    pub(crate) refusing: Refusing,
    /// Spans in memory.
    pub live: Arc<LiveSpans>,
    /// Spans in blocks.
    pub blocks: Arc<KnownBlocks>,
    /// The journal.
    pub journal: Journal,
    /// Where traces are looked for.
    pub traces: Arc<TraceFinder>,
    /// Which other ingesters there are.
    pub membership: Membership,
    /// What sidecars are told.
    pub announcements: Arc<watch::Sender<Announcement>>,
    /// Lets callers in.
    pub(crate) gate: Arc<Gate>,
    /// What tenants may have.
    pub(crate) limits: Arc<WatchedLimits>,
    /// What is counted of spans, if it is.
    pub(crate) span_metrics: Option<SpanMetrics>,
    /// Where streams hand their frames.
    pub intake: Arc<Intake>,
    /// Ends everything where it stands.
    pub stop: CancellationToken,
    process: Uid,
    drain_segments: CancellationToken,
    drain_blocks: CancellationToken,
    deleter: Arc<SegmentDeleter>,
    segment_writer: CriticalTask,
    flusher: CriticalTask,
    /// What goes on beside the road of a span.
    pub(crate) background: BackgroundTasks,
    /// Until they are started.
    tasks: Option<Tasks>,
}

impl Engine {
    /// Puts the parts together. Nothing runs yet.
    ///
    /// # Errors
    /// When the bucket belongs to another program, the operating system gives no random bytes, or the
    /// policy cannot be read.
    pub async fn new(config: &Config, environment: Environment) -> Result<Engine, IngesterError> {
        let own = environment.own.clone();
        let parts = Parts::open(config, environment).await?;
        let stop = CancellationToken::new();
        let (journal_queue, frames) = mpsc::channel(sizes::JOURNAL_QUEUE);
        let process = own.process;
        let tasks = Tasks::new(config, &parts, own, frames);
        Ok(Engine {
            traces: Arc::new(parts.trace_finder(config)),
            intake: Arc::new(parts.intake(journal_queue, &stop)),
            span_metrics: tasks.counted.clone(),
            tasks: Some(tasks),
            deleter: parts.deleter,
            metrics: parts.metrics,
            memory: parts.memory,
            disk: parts.disk,
            refusing: parts.refusing,
            live: parts.live,
            blocks: parts.blocks,
            journal: parts.journal,
            membership: parts.membership,
            announcements: parts.announcements,
            gate: parts.gate,
            limits: parts.limits,
            stop,
            process,
            drain_segments: CancellationToken::new(),
            drain_blocks: CancellationToken::new(),
            segment_writer: CriticalTask::new("writing segments"),
            flusher: CriticalTask::new("writing blocks"),
            background: BackgroundTasks::default(),
        })
    }

    /// Writes the first heartbeat, which names the first epoch, and starts the tasks. Nothing that
    /// lies in the bucket is read before: spans can be taken then, and what is old is read beside it.
    pub async fn start(&mut self) {
        let Some(mut tasks) = self.tasks.take() else { return };
        let has_disk = tasks.disk.look().await;
        tasks.heartbeat.begin().await;
        let all = self.stop.clone();
        let stop = || all.clone();
        let writer = tasks.segment_writer.run(tasks.frames, self.drain_segments.clone(), stop());
        self.segment_writer.spawn(writer);
        self.flusher.spawn(tasks.flusher.run(self.drain_blocks.clone(), stop()));
        let background = &mut self.background;
        background.spawn("deleting covered segments", self.deleter.clone().run(stop()));
        background.spawn("making room in memory", tasks.evictor.run(stop()));
        let [chance, ..] = crc32fast::hash(self.intake.name.as_bytes()).to_le_bytes();
        background.spawn("listing blocks", self.blocks.clone().run(chance, stop()));
        background.spawn("exchanging heartbeats", tasks.heartbeat.run(stop()));
        background.spawn("adopting and collecting", tasks.upkeep.run(stop()));
        if has_disk {
            background.spawn("looking at the store's disk", tasks.disk.run(stop()));
        }
        if let Some(counting) = tasks.counting {
            background.spawn("counting spans", counting.run(stop()));
        }
        if let Some(compactor) = tasks.compactor {
            background.spawn("merging blocks", compactor.run(stop()));
        }
    }

    /// The error that ends the engine before its time: a task failed, panicked, or is gone. What it
    /// has taken is to be made durable then ([`Engine::finish_segments`]), and the process to end.
    pub async fn failure(&mut self) -> IngesterError {
        tokio::select! {
            error = self.segment_writer.failure() => error.into(),
            error = self.flusher.failure() => error.into(),
            error = self.background.failure() => error.into(),
        }
    }

    /// No more frames: those that came become durable and are acknowledged.
    ///
    /// # Errors
    /// When segments cannot be written any more.
    pub async fn finish_segments(&mut self) -> Result<(), IngesterError> {
        self.intake.stop_reading.cancel();
        self.drain_segments.cancel();
        Ok(self.segment_writer.finish().await?)
    }

    /// Writes everything in memory as blocks, and deletes what they cover.
    ///
    /// # Errors
    /// When a block cannot be built.
    pub async fn finish_blocks(&mut self) -> Result<(), IngesterError> {
        self.drain_blocks.cancel();
        self.flusher.finish().await?;
        self.deleter.finish().await;
        Ok(())
    }

    /// Waits until what this process has lost is adopted, and takes the heartbeat away if nothing is
    /// left to adopt: otherwise it tells the others of it.
    ///
    /// # Errors
    /// When the store does not confirm it.
    pub(crate) async fn leave(&self) -> Result<(), IngesterError> {
        while !self.live.lost_epochs().is_empty() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        if !self.live.relogged().is_empty() {
            return Ok(());
        }
        self.journal.stop_beating(&self.process).await.map_err(IngesterError::Leave)
    }
}
