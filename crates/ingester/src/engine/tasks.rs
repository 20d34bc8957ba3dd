//! The tasks of an engine, made of its parts and not started yet.

use super::parts::Parts;
use super::sizes;
use crate::block::Flusher;
use crate::cluster::HeartbeatTask;
use crate::config::{Config, Retention};
use crate::disk::DiskWatch;
use crate::group::Evictor;
use crate::journal::{CutAt, SegmentWriter};
use crate::receive::PendingFrame;
use crate::span_metrics::{Counting, CountingQueue, SpanMetrics};
use crate::upkeep::{Adopter, Collector, Compactor, Expiring, LeftSegments, Upkeep};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::mpsc;
use tributary_journal::Heartbeat;
use tributary_telemetry::{ErrorChain, Repeated};

/// How often windows are looked at where no blocks are merged.
const LOOK_FOR_EXPIRED: Duration = Duration::from_secs(60);

pub(super) struct Tasks {
    pub(super) disk: DiskWatch,
    pub(super) heartbeat: HeartbeatTask,
    pub(super) segment_writer: SegmentWriter,
    /// What it is handed.
    pub(super) frames: mpsc::Receiver<PendingFrame>,
    pub(super) evictor: Evictor,
    pub(super) flusher: Flusher,
    pub(super) upkeep: Upkeep,
    /// None when another program merges blocks, and nothing expires.
    pub(super) compactor: Option<Compactor>,
    /// None when nothing is counted of spans.
    pub(super) counting: Option<Counting>,
    /// What it counts.
    pub(super) counted: Option<SpanMetrics>,
}

impl Tasks {
    /// Makes them. `own` is this process's heartbeat, `frames` what streams hand to the journal.
    pub(super) fn new(
        config: &Config,
        parts: &Parts,
        own: Heartbeat,
        frames: mpsc::Receiver<PendingFrame>,
    ) -> Tasks {
        let (queue, counting, counted) = counting(config, parts);
        Tasks {
            disk: disk(config, parts),
            heartbeat: heartbeat(config, parts, own),
            segment_writer: segment_writer(config, parts, queue),
            frames,
            evictor: evictor(config, parts),
            flusher: flusher(config, parts),
            upkeep: upkeep(config, parts),
            compactor: compactor(config, parts),
            counting,
            counted,
        }
    }
}

fn disk(config: &Config, parts: &Parts) -> DiskWatch {
    DiskWatch {
        store: parts.builder.store.clone(),
        reserve: config.disk_reserve,
        room: parts.disk.clone(),
        metrics: parts.metrics.clone(),
        failed: false,
    }
}

fn heartbeat(config: &Config, parts: &Parts, own: Heartbeat) -> HeartbeatTask {
    let (live, ids) = (parts.live.clone(), parts.ids.clone());
    HeartbeatTask {
        journal: parts.journal.clone(),
        own,
        beats: false,
        period: config.heartbeat,
        epochs: Box::new(move || {
            let prepared = live.prepare_epochs(ids.epoch_seconds(), |at| ids.epoch_at(at));
            if let Err(error) = prepared {
                tracing::warn!(error = %ErrorChain(&error), "the epochs to come could not be named");
            }
            live.epochs()
        }),
        membership: parts.membership.clone(),
        namesakes: BTreeSet::new(),
        unreadable: BTreeSet::new(),
        failing: Repeated::default(),
        announcements: parts.announcements.clone(),
        metrics: parts.metrics.clone(),
    }
}

/// The queue of what is to be counted of spans, the task that counts, and what it counts.
fn counting(
    config: &Config,
    parts: &Parts,
) -> (Option<CountingQueue>, Option<Counting>, Option<SpanMetrics>) {
    let Some(settings) = &config.span_metrics else { return (None, None, None) };
    let bytes = sizes::span_metrics(config.memory);
    let settings = settings.counting(bytes, config.multitenancy, &parts.instance);
    let (ids, metrics) = (parts.ids.clone(), parts.metrics.clone());
    let (queue, counting, counted) = crate::span_metrics::start(settings, bytes, ids, metrics);
    (Some(queue), Some(counting), Some(counted))
}

fn segment_writer(
    config: &Config,
    parts: &Parts,
    counting: Option<CountingQueue>,
) -> SegmentWriter {
    SegmentWriter {
        journal: parts.journal.clone(),
        instance: parts.instance.clone(),
        ids: parts.ids.clone(),
        live: parts.live.clone(),
        cut_at: CutAt {
            age: config.segment_age,
            bytes: config.segment_bytes,
            memory: sizes::piece(config.memory),
        },
        freeze_at: sizes::freeze_at(config),
        flush_due: parts.flush_due.clone(),
        dedup: parts.dedup.clone(),
        memory: parts.memory.clone(),
        counting,
        refusing: parts.refusing.clone(),
        told: Repeated::default(),
        metrics: parts.metrics.clone(),
    }
}

fn evictor(config: &Config, parts: &Parts) -> Evictor {
    Evictor {
        memory: parts.memory.clone(),
        live: parts.live.clone(),
        piece: sizes::piece(config.memory),
        flush_due: parts.flush_due.clone(),
        metrics: parts.metrics.clone(),
    }
}

fn flusher(config: &Config, parts: &Parts) -> Flusher {
    Flusher {
        builder: parts.builder.clone(),
        committer: parts.committer.clone(),
        deleter: parts.deleter.clone(),
        rebuilder: parts.rebuilder.clone(),
        live: parts.live.clone(),
        blocks: parts.blocks.clone(),
        freeze_at: sizes::freeze_at(config),
        flush_due: parts.flush_due.clone(),
        epoch_lost: parts.epoch_lost.clone(),
    }
}

fn upkeep(config: &Config, parts: &Parts) -> Upkeep {
    let adopter = Adopter {
        journal: parts.journal.clone(),
        rebuilder: parts.rebuilder.clone(),
        builder: parts.builder.clone(),
        committer: parts.committer.clone(),
        live: parts.live.clone(),
        blocks: parts.blocks.clone(),
        metrics: parts.metrics.clone(),
        piece: sizes::piece(config.memory),
        told: Repeated::default(),
        left: LeftSegments::default(),
    };
    let collector = Collector {
        journal: parts.journal.clone(),
        keep_slots: config.keep_slots,
        ids: parts.ids.clone(),
        metrics: parts.metrics.clone(),
        pending: Mutex::default(),
    };
    Upkeep {
        membership: parts.membership.clone(),
        adopter,
        collector,
        live: parts.live.clone(),
        journal: parts.journal.clone(),
        period: config.heartbeat,
        collect_every: config.collect,
        epoch_lost: parts.epoch_lost.clone(),
        told: Repeated::default(),
        metrics: parts.metrics.clone(),
    }
}

fn compactor(config: &Config, parts: &Parts) -> Option<Compactor> {
    let expiring = Expiring::new(config.retention, parts.limits.subscribe());
    // What the file of limits says may change.
    let may_expire = config.retention != Retention::Forever || config.limits.is_some();
    let period = config.compact.or(may_expire.then_some(LOOK_FOR_EXPIRED))?;
    Some(Compactor {
        journal: parts.journal.clone(),
        builder: parts.builder.clone(),
        blocks: parts.blocks.clone(),
        membership: parts.membership.clone(),
        disk: parts.disk.clone(),
        memory: parts.memory.clone(),
        live: parts.live.clone(),
        merges: config.compact.is_some(),
        expiring,
        limits: sizes::merge_limits(config.memory),
        group_spans: sizes::merged_group_spans(config.memory),
        packs: sizes::packs(config.memory),
        keep: config.keep_compacted,
        period,
        metrics: parts.metrics.clone(),
        told: Repeated::default(),
        history: BTreeMap::new(),
    })
}
