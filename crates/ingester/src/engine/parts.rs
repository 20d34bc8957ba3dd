//! What the tasks of an engine share, from the store up.

use super::{Environment, sizes};
use crate::access::Gate;
use crate::block::{BlockBuilder, Committer, KnownBlocks, Rebuilder, Relogger, SegmentDeleter};
use crate::cluster::Membership;
use crate::config::Config;
use crate::disk::DiskRoom;
use crate::error::IngesterError;
use crate::group::LiveSpans;
use crate::journal::Refusing;
use crate::memory::MemoryBudget;
use crate::metrics::Metrics;
use crate::query::{SegmentReader, TraceFinder};
use crate::receive::{Announcement, FrameDedup, Intake, PendingFrame};
use crate::runtime::IdGenerator;
use crate::tenant_limits::{Rates, WatchedLimits};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tributary_block::WriterSettings;
use tributary_journal::Journal;
use tributary_journal::failure_detector::{FailureDetector, Patience};

/// Handles: a clone of any shares what is behind it.
pub(super) struct Parts {
    /// This ingester's name.
    pub(super) instance: String,
    pub(super) ids: IdGenerator,
    pub(super) metrics: Arc<Metrics>,
    pub(super) journal: Journal,
    pub(super) membership: Membership,
    pub(super) announcements: Arc<watch::Sender<Announcement>>,
    pub(super) memory: MemoryBudget,
    pub(super) gate: Arc<Gate>,
    /// Whether tenants are told apart.
    pub(super) multitenancy: bool,
    /// What tenants may have.
    pub(super) limits: Arc<WatchedLimits>,
    /// How old streams become, if they do.
    pub(super) max_stream_age: Option<Duration>,
    /// For messages that arrive.
    pub(super) messages: MemoryBudget,
    pub(super) disk: DiskRoom,
    /// Whether the store takes segments.
    pub(super) refusing: Refusing,
    pub(super) dedup: Arc<FrameDedup>,
    pub(super) live: Arc<LiveSpans>,
    pub(super) blocks: Arc<KnownBlocks>,
    pub(super) builder: BlockBuilder,
    pub(super) committer: Committer,
    pub(super) rebuilder: Rebuilder,
    pub(super) deleter: Arc<SegmentDeleter>,
    /// Wakes the task that writes blocks.
    pub(super) flush_due: Arc<Notify>,
    /// Wakes the task that adopts.
    pub(super) epoch_lost: Arc<Notify>,
}

impl Parts {
    /// Makes them.
    ///
    /// # Errors
    /// When the bucket belongs to another program, the operating system gives no random bytes, or the
    /// policy cannot be read.
    pub(super) async fn open(
        config: &Config,
        environment: Environment,
    ) -> Result<Parts, IngesterError> {
        let Environment { store, ids, own, build_inline } = environment;
        let journal = Journal::new(store.clone());
        let cluster = ids.uid().map_err(IngesterError::Id)?;
        let opened = journal.open_cluster(cluster, config.cluster.as_deref()).await;
        let opened = opened.map_err(IngesterError::Cluster)?;
        if let (Some(cluster), None) = (&config.cluster, &opened.name) {
            tracing::warn!(
                cluster,
                "the bucket was begun without a name: it is not known whether it is this cluster's"
            );
        }
        // When it cannot be read now, the adoption of what came to lie below it reads it.
        if ids.stay_above(journal.floor().await.ok().flatten().as_deref()) {
            tracing::error!(
                "the clock of this machine, or of another one that collected, is wrong by hours: new epochs are filed under the hour after the floor"
            );
        }
        let first_epoch = ids.epoch().map_err(IngesterError::Id)?;

        let metrics = Arc::new(Metrics::default());
        let gate = Gate::open(&config.access, ids.clone(), metrics.clone())?;
        let patience = Patience::from_heartbeat(config.heartbeat);
        let detector = FailureDetector::new(own.process, &own.instance, patience);
        let (poll, cache) = (config.blocks_poll, sizes::block_cache(config.memory));
        let blocks = KnownBlocks::new(store.clone(), cache, poll, metrics.clone());
        let dedup = FrameDedup::new(sizes::dedup(config.memory), metrics.clone());
        let builder = BlockBuilder {
            store,
            settings: WriterSettings {
                row_group_spans: sizes::row_group_spans(config.memory),
                ..WriterSettings::default()
            },
            ids: ids.clone(),
            building: Arc::new(Semaphore::new(sizes::built_at_once(config.memory))),
            inline: build_inline,
        };
        let live = Arc::new(LiveSpans::new(first_epoch));
        let relogger = Relogger {
            journal: journal.clone(),
            ids: ids.clone(),
            live: live.clone(),
            metrics: metrics.clone(),
        };
        let committer = Committer {
            journal: journal.clone(),
            builder: builder.clone(),
            relogger,
            metrics: metrics.clone(),
        };
        let limits = Arc::new(WatchedLimits::new(config.limits.as_ref()));
        let budget = |bytes| MemoryBudget::new(bytes).shared_by(limits.subscribe());
        let deleter = SegmentDeleter::new(journal.clone(), live.clone(), metrics.clone());
        Ok(Parts {
            instance: own.instance,
            gate: Arc::new(gate),
            multitenancy: config.multitenancy,
            max_stream_age: config.access.ages().then_some(config.access.max_stream_age),
            ids,
            membership: Membership::new(detector),
            // No member is named before the others' heartbeats were read: that says nothing.
            announcements: Arc::new(watch::Sender::new(Announcement::default())),
            memory: budget(sizes::spans(config)),
            messages: budget(sizes::messages(config.memory)),
            limits,
            disk: DiskRoom::default(),
            refusing: Refusing::default(),
            dedup: Arc::new(dedup),
            live,
            deleter: Arc::new(deleter),
            blocks: Arc::new(blocks),
            builder,
            committer,
            rebuilder: Rebuilder { journal: journal.clone(), metrics: metrics.clone() },
            flush_due: Arc::default(),
            epoch_lost: Arc::default(),
            journal,
            metrics,
        })
    }

    /// What streams share. Their frames go to `journal_queue`, and all of them end with `stop`.
    pub(super) fn intake(
        &self,
        journal_queue: mpsc::Sender<PendingFrame>,
        stop: &CancellationToken,
    ) -> Intake {
        Intake {
            name: self.instance.clone(),
            ids: self.ids.clone(),
            memory: self.memory.clone(),
            messages: self.messages.clone(),
            disk: self.disk.clone(),
            dedup: self.dedup.clone(),
            journal_queue,
            multitenancy: self.multitenancy,
            gate: self.gate.clone(),
            rates: Rates::new(self.limits.subscribe()),
            max_stream_age: self.max_stream_age,
            announcements: self.announcements.subscribe(),
            tasks: TaskTracker::new(),
            stop_reading: stop.child_token(),
            stop: stop.child_token(),
            next_stream: AtomicU32::new(0),
            metrics: self.metrics.clone(),
        }
    }

    /// Where queries look.
    pub(super) fn trace_finder(&self, config: &Config) -> TraceFinder {
        let segments = SegmentReader::new(
            self.journal.clone(),
            sizes::segment_reads(config.memory),
            self.builder.inline,
            self.metrics.clone(),
        );
        TraceFinder {
            live: self.live.clone(),
            segments: Arc::new(segments),
            blocks: self.blocks.clone(),
        }
    }
}
