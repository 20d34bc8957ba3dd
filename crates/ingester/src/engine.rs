//! The ingester without its sockets: what journals, groups, writes blocks, adopts and collects.
//!
//! [`crate::app`] puts sockets around it, a simulation a faulty store beneath it.

use crate::block::Blocks;
use crate::block::Rebuilder;
use crate::block::{Builder, Flush, FlushError, Steps};
use crate::cluster::{HeartbeatTask, Membership, members};
use crate::config::Config;
use crate::group::evict::Evictor;
use crate::group::{FreezeAt, Live};
use crate::journal::{CutAt, SegmentWriter, SegmentWriterError};
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::query::Segments;
use crate::query::Traces;
use crate::receive::{FrameDedup, PendingFrame, Receive, Told};
use crate::runtime::Names;
use crate::runtime::{Helpers, Stage};
use crate::upkeep::Adopter;
use crate::upkeep::Collector;
use crate::upkeep::Upkeep;
use crate::upkeep::compact::Compactor;
use anyhow::Context;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tributary_block::WriterSettings;
use tributary_journal::compact::Limits;
use tributary_journal::failure_detector::{FailureDetector, Patience};
use tributary_journal::{Journal, Uid};
use tributary_store::Store;

/// Frames between the streams and the journal, counted beside their bytes, which memory bounds.
const FRAMES_WAITING: usize = 1024;
/// Memory for footers and filters of blocks.
const BLOCK_CACHE: usize = 32 << 20;
/// The most memory for segments that queries read.
const SEGMENTS_READ: usize = 64 << 20;

/// Between two looks at whether everything that was lost is adopted.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// One part in so many of the memory budget remembers durable frames, beside it.
const KNOWN_PART: usize = 64;

/// What the engine runs on.
pub struct Foundation {
    /// Where everything is kept.
    pub store: Store,
    /// Names what is new.
    pub names: Names,
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
    pub memory: Memory,
    /// Spans in memory.
    pub live: Arc<Live>,
    /// Spans in blocks.
    pub blocks: Arc<Blocks>,
    /// The journal.
    pub journal: Journal,
    /// Where traces are looked for.
    pub traces: Arc<Traces>,
    /// Who the other ingesters are.
    pub membership: Membership,
    /// What sidecars are told.
    pub told: Arc<watch::Sender<Told>>,
    /// Where streams hand their frames.
    pub receive: Arc<Receive>,
    /// Ends everything where it stands.
    pub stop: CancellationToken,
    process: Uid,
    drain_commit: CancellationToken,
    drain_flush: CancellationToken,
    /// Writes segments.
    pub commit: Stage<SegmentWriterError>,
    /// Writes blocks.
    pub flush: Stage<FlushError>,
    helpers: Helpers,
    idle: Option<Idle>,
}

/// Tasks that are not started yet.
struct Idle {
    beating: HeartbeatTask,
    upkeep: Upkeep,
    compactor: Option<Compactor>,
    commit: SegmentWriter,
    frames: mpsc::Receiver<PendingFrame>,
    evictor: Evictor,
    flush: Flush,
}

impl Engine {
    /// Puts the parts together. Nothing runs yet.
    ///
    /// # Errors
    /// When the bucket belongs to somebody else, or the operating system gives no random bytes.
    pub async fn new(config: &Config, on: Foundation) -> anyhow::Result<Engine> {
        let Foundation { store, names, own, build_inline } = on;
        let journal = Journal::new(store.clone());
        journal.open_cluster(names.uid()?).await.context("the store's cluster.json")?;
        let metrics = Arc::new(Metrics::default());
        let memory = Memory::new(config.memory);
        let live = Arc::new(Live::new(names.epoch()?));
        let blocks =
            Arc::new(Blocks::new(store.clone(), BLOCK_CACHE, config.blocks_poll, metrics.clone()));
        let (told, told_receiver) = watch::channel(Told::default());
        let told = Arc::new(told);
        let stop = CancellationToken::new();
        let (frames, frames_receiver) = mpsc::channel::<PendingFrame>(FRAMES_WAITING);
        let (due, lost) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (process, instance) = (own.process, own.instance.clone());

        let settings = WriterSettings::default();
        let builder = Builder { store, settings, names: names.clone(), inline: build_inline };
        let steps =
            Steps { journal: journal.clone(), builder: builder.clone(), metrics: metrics.clone() };
        let rebuilder = Rebuilder { journal: journal.clone(), metrics: metrics.clone() };
        let segments = Segments::new(
            journal.clone(),
            (config.memory / 8).min(SEGMENTS_READ),
            build_inline,
            metrics.clone(),
        );
        let segments = Arc::new(segments);
        let traces = Arc::new(Traces { live: live.clone(), segments, blocks: blocks.clone() });
        let patience = Patience::from_heartbeat(config.heartbeat);
        let membership = Membership::new(FailureDetector::new(process, &instance, patience));
        let compactor = config.compact.map(|period| Compactor {
            journal: journal.clone(),
            builder: builder.clone(),
            blocks: blocks.clone(),
            membership: membership.clone(),
            limits: limits(config.memory),
            keep: config.keep_compacted,
            period,
            metrics: metrics.clone(),
            memory: BTreeMap::new(),
        });
        let upkeep = Upkeep {
            membership: membership.clone(),
            adopter: Adopter {
                journal: journal.clone(),
                rebuilder: rebuilder.clone(),
                builder: builder.clone(),
                steps: steps.clone(),
                live: live.clone(),
                blocks: blocks.clone(),
                metrics: metrics.clone(),
                piece_bytes: piece_bytes(config.memory),
            },
            collector: Collector {
                journal: journal.clone(),
                keep_slots: config.keep_slots,
                names: names.clone(),
                metrics: metrics.clone(),
                pending: Mutex::default(),
            },
            live: live.clone(),
            journal: journal.clone(),
            period: config.heartbeat,
            collect_every: config.collect,
            lost: lost.clone(),
            metrics: metrics.clone(),
        };
        told.send_modify(|told| told.members = members([&own].into_iter()));
        let epochs = live.clone();
        let beating = HeartbeatTask {
            journal: journal.clone(),
            own,
            period: config.heartbeat,
            epochs: Box::new(move || epochs.epochs()),
            membership: membership.clone(),
            told: told.clone(),
            metrics: metrics.clone(),
        };
        let freeze_at = FreezeAt {
            age: config.block_age,
            // A quarter grows while others are written, and room is left for what comes in.
            bytes: config.block_bytes.min(config.memory / 4),
        };
        let known = Arc::new(FrameDedup::new(config.memory / KNOWN_PART, metrics.clone()));
        let commit = SegmentWriter {
            known: known.clone(),
            journal: journal.clone(),
            instance: instance.clone(),
            names: names.clone(),
            live: live.clone(),
            cut_at: CutAt { age: config.segment_age, bytes: config.segment_bytes },
            freeze_at,
            due: due.clone(),
            memory: memory.clone(),
            metrics: metrics.clone(),
        };
        let evictor = Evictor {
            memory: memory.clone(),
            live: live.clone(),
            piece_bytes: piece_bytes(config.memory),
            due: due.clone(),
            metrics: metrics.clone(),
        };
        let flush = Flush {
            builder,
            steps,
            rebuilder,
            live: live.clone(),
            blocks: blocks.clone(),
            freeze_at,
            due,
            lost,
        };
        let receive = Arc::new(Receive {
            name: instance,
            names,
            memory: memory.clone(),
            known,
            journal: frames,
            told: told_receiver,
            tasks: TaskTracker::new(),
            stop_reading: stop.child_token(),
            stop: stop.child_token(),
            streams: AtomicU32::new(0),
            metrics: metrics.clone(),
        });
        Ok(Engine {
            metrics,
            memory,
            live,
            blocks,
            journal,
            traces,
            membership,
            told,
            receive,
            stop,
            process,
            drain_commit: CancellationToken::new(),
            drain_flush: CancellationToken::new(),
            commit: Stage::default(),
            flush: Stage::default(),
            helpers: Helpers::default(),
            idle: Some(Idle {
                beating,
                upkeep,
                compactor,
                commit,
                frames: frames_receiver,
                evictor,
                flush,
            }),
        })
    }

    /// Writes the first heartbeat, which names the first epoch, adopts what a process before this
    /// one in its place left, and starts the tasks.
    ///
    /// # Errors
    /// When the blocks of the store cannot be listed.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        let Some(mut idle) = self.idle.take() else { return Ok(()) };
        self.blocks.poll_once().await.context("listing the blocks of the store")?;
        idle.beating.round().await;
        idle.upkeep.adopt_abandoned().await;
        let stop = || self.stop.clone();
        self.commit.spawn(idle.commit.run(idle.frames, self.drain_commit.clone(), stop()));
        self.flush.spawn(idle.flush.run(self.drain_flush.clone(), stop()));
        self.helpers.spawn(idle.evictor.run(stop()));
        self.helpers.spawn(self.blocks.clone().run(stop()));
        self.helpers.spawn(idle.beating.run(stop()));
        self.helpers.spawn(idle.upkeep.run(stop()));
        if let Some(compactor) = idle.compactor {
            self.helpers.spawn(compactor.run(stop()));
        }
        Ok(())
    }

    /// No more frames: those that came become durable and are acknowledged.
    ///
    /// # Errors
    /// When segments cannot be written any more.
    pub async fn finish_segments(&mut self) -> anyhow::Result<()> {
        self.receive.stop_reading.cancel();
        self.drain_commit.cancel();
        self.commit.finish().await
    }

    /// Writes everything in memory as blocks.
    ///
    /// # Errors
    /// When a block cannot be built.
    pub async fn finish_blocks(&mut self) -> anyhow::Result<()> {
        self.drain_flush.cancel();
        self.flush.finish().await
    }

    /// Waits until what this process has lost is adopted, and takes the heartbeat away: nothing is
    /// left to adopt.
    ///
    /// # Errors
    /// When the store does not confirm it.
    pub async fn leave(&self) -> anyhow::Result<()> {
        while !self.live.lost().is_empty() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(self.journal.stop_beating(&self.process).await?)
    }
}

/// A tenth of the budget is for adoption, and another one for this process's own spans that had to
/// leave memory; rebuilt spans take some sixteen times their segments.
fn piece_bytes(memory: usize) -> u64 {
    (memory / 10 / 16).clamp(512 << 10, 4 << 20) as u64
}

/// Of each block that is merged a row group is in memory, a few megabytes of it, and the block that
/// comes out as a whole.
fn limits(memory: usize) -> Limits {
    Limits {
        most: (memory / (32 << 20)).clamp(4, 32),
        fewest: 4,
        bytes: (memory / 2).max(32 << 20) as u64,
        block: (memory / 16).max(4 << 20) as u64,
    }
}
