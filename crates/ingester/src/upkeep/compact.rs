//! Compacting windows: small blocks become larger ones, and the spans of a trace that went to
//! several ingesters, or came twice, meet.
//!
//! The steps are [`tributary_journal::compact`]'s; here they are taken. Each window is one
//! ingester's affair as long as they agree who lives, and several may work on the same one without
//! harm: records decide. One merge at a time, so that its memory is bounded ([`merge`]).

mod merge;

use crate::block::Blocks;
use crate::block::{AGAIN_AFTER, Builder, FlushError};
use crate::cluster::Membership;
use crate::metrics::Metrics;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tributary_block::{BlockMeta, Encoding};
use tributary_journal::collect::is_below;
use tributary_journal::compact::{
    Candidate, Compaction, Done, Known, Limits, Seen, Step, Summary, choose,
};
use tributary_journal::{BlockEntry, CompactionWindow, Journal, JournalError, Record};
use tributary_store::Created;
use tributary_telemetry::ErrorChain;
use uuid::Uuid;

/// A window is quiet when no block has joined it for so many passes.
const QUIET_AFTER: u32 = 10;
/// A window in which nothing is left to do is looked at again after so long.
const NOTHING_TO_DO: Duration = Duration::from_secs(24 * 3600);

/// The task that compacts, and what it works with.
pub struct Compactor {
    /// Where records go.
    pub journal: Journal,
    /// Builds blocks.
    pub builder: Builder,
    /// Which blocks there are, and who is told of new ones.
    pub blocks: Arc<Blocks>,
    /// Whose turn it is.
    pub membership: Membership,
    /// How much is merged at a time.
    pub limits: Limits,
    /// How long superseded blocks are kept for readers with an older view.
    pub keep: Duration,
    /// Time between two passes.
    pub period: Duration,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// What was seen of the windows.
    pub memory: BTreeMap<CompactionWindow, Remembered>,
}

/// What is remembered of a window, so that nothing is asked twice.
#[derive(Debug, Clone)]
pub struct Remembered {
    /// Blocks that were visible at the last look.
    visible: BTreeSet<Uuid>,
    /// When they last changed.
    since: Instant,
    /// How far records are carried out.
    seen: BTreeMap<u32, Seen>,
    /// Nothing is due before then, unless there is something to merge.
    rest: Instant,
    /// Blocks that cannot be read: they are left alone.
    unreadable: BTreeSet<Uuid>,
    /// Whether the floor covers the window, so that it stays as it is.
    retired: bool,
}

impl Remembered {
    fn new(now: Instant) -> Self {
        Remembered {
            visible: BTreeSet::new(),
            since: now,
            seen: BTreeMap::new(),
            rest: now,
            unreadable: BTreeSet::new(),
            retired: false,
        }
    }

    /// Takes in which blocks are visible; whether none has joined for `patience`.
    fn is_quiet(&mut self, visible: &Visible, now: Instant, patience: Duration) -> bool {
        if !visible.keys().eq(&self.visible) {
            (self.visible, self.since) = (visible.keys().copied().collect(), now);
        }
        now.duration_since(self.since) >= patience
    }

    fn candidates(&self, visible: &Visible) -> Vec<Candidate> {
        let readable = visible.values().filter(|meta| !self.unreadable.contains(&meta.block_id));
        readable.map(|meta| Candidate { id: meta.block_id, bytes: meta.size }).collect()
    }
}

/// The visible blocks of a window.
type Visible = BTreeMap<Uuid, Arc<BlockMeta>>;

impl Compactor {
    /// Passes over all windows until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            if stop.run_until_cancelled(tokio::time::sleep(self.period)).await.is_none() {
                return;
            }
            if stop.run_until_cancelled(self.pass()).await.is_none() {
                return;
            }
        }
    }

    /// Looks at all windows that are this ingester's to look after.
    async fn pass(&mut self) {
        let now = Instant::now();
        let mut due = Vec::new();
        let mut windows = self.blocks.by_window(fits(&self.builder));
        for window in self.blocks.windows().all() {
            windows.entry(window).or_default();
        }
        self.memory.retain(|window, _| windows.contains_key(window));
        for (window, blocks) in windows {
            let visible = blocks.into_iter().map(|meta| (meta.block_id, meta)).collect();
            let ours = self.membership.with(|detector, now| detector.is_first(window.key(), now));
            if self.is_due(&window, &visible, now) && ours {
                due.push((window, visible));
            }
        }
        if due.is_empty() {
            return;
        }
        let floor = match self.journal.floor().await {
            Ok(floor) => floor,
            Err(error) => {
                self.metrics.compactions_failed.inc();
                tracing::warn!(error = %ErrorChain(&error), "the floor could not be read; nothing is compacted");
                return;
            }
        };
        for (window, visible) in due {
            if is_below(floor.as_deref(), &window.hour_name()) {
                self.memory.entry(window).and_modify(|remembered| remembered.retired = true);
                continue;
            }
            if let Err(error) = self.window(&window, visible).await {
                self.metrics.compactions_failed.inc();
                let (hour, tenant) = (window.hour_name(), &window.tenant);
                tracing::warn!(error = %ErrorChain(&error), hour, tenant, "a window could not be compacted; it is tried again later");
            }
        }
    }

    /// Whether a window is to be looked at: its rest is over, something is to be merged, or something
    /// is there again that was gone.
    fn is_due(&mut self, window: &CompactionWindow, visible: &Visible, now: Instant) -> bool {
        let patience = self.period * QUIET_AFTER;
        let fresh = || Remembered::new(now);
        let remembered = self.memory.entry(window.clone()).or_insert_with(fresh);
        if remembered.retired {
            return false;
        }
        let quiet = remembered.is_quiet(visible, now, patience);
        let all_gone = remembered.seen.values().all(|seen| *seen == Seen::Gone);
        now >= remembered.rest
            || choose(&remembered.candidates(visible), &self.limits, quiet).is_some()
            || (all_gone && self.blocks.replaced(window).next().is_some())
    }

    /// Passes over one window as long as there is something to merge.
    async fn window(
        &mut self,
        window: &CompactionWindow,
        mut visible: Visible,
    ) -> Result<(), FlushError> {
        let now = Instant::now();
        let Some(mut remembered) = self.memory.remove(window) else { return Ok(()) };
        let quiet = remembered.is_quiet(&visible, now, self.period * QUIET_AFTER);
        let mut candidates = remembered.candidates(&visible);
        // What should be gone is thought to be there, so that somebody looks.
        let replaced = self.blocks.replaced(window);
        candidates.extend(replaced.map(|id| Candidate { id, bytes: 0 }));
        let result = loop {
            match self.carry_out(window, candidates, quiet, &visible, &mut remembered).await {
                Ok(made) if made.is_empty() => break Ok(()),
                Ok(made) => {
                    let replaced = self.blocks.forget_replaced(&window.tenant);
                    visible.retain(|id, _| !replaced.contains(id));
                    visible.extend(metas(&made).map(|meta| (meta.block_id, Arc::new(meta))));
                    // What this process changed itself is no news to it.
                    remembered.visible = visible.keys().copied().collect();
                    candidates = remembered.candidates(&visible);
                }
                Err(error) => break Err(error),
            }
        };
        self.memory.insert(window.clone(), remembered);
        result
    }

    /// One pass over one window; the blocks that came out of it.
    async fn carry_out(
        &self,
        window: &CompactionWindow,
        candidates: Vec<Candidate>,
        quiet: bool,
        visible: &Visible,
        remembered: &mut Remembered,
    ) -> Result<Vec<BlockEntry>, FlushError> {
        let mut pass = Compaction::new(candidates, self.limits.clone(), quiet);
        let mut made = Vec::new();
        let mut youngest = None;
        loop {
            let done = match pass.step() {
                Step::ReadRecords => {
                    let (records, newest) = self.records(window, remembered).await?;
                    youngest = newest;
                    Done::Records(records)
                }
                Step::ListFloor => {
                    Done::Floor { covered: self.journal.is_below(&window.hour_name()).await? }
                }
                Step::LookAtBlocks(blocks) => {
                    let of = |id: Uuid| (window.tenant.clone(), id);
                    Done::Blocks(self.journal.states(blocks.into_iter().map(of).collect()).await?)
                }
                Step::WriteMetas(blocks) => {
                    self.journal.write_metas(&blocks).await?;
                    self.blocks.written(metas(&blocks));
                    made.extend(blocks);
                    Done::Shown
                }
                Step::Hide(blocks) => {
                    self.journal.hide(&window.tenant, &blocks).await?;
                    Done::Hidden
                }
                Step::Delete(blocks) => {
                    self.journal.delete_blocks(&window.tenant, &blocks).await?;
                    Done::Deleted
                }
                Step::Build { k, inputs } => {
                    match self.merge(window, k, &inputs, visible, remembered).await? {
                        Some(record) => Done::Built(Box::new(record)),
                        None => Done::OutOfDate,
                    }
                }
                Step::CreateRecord(record) => {
                    let created = self.create(&record).await?;
                    if created == Created::Won {
                        self.blocks.windows().learn(&record);
                    }
                    Done::Created(created)
                }
                Step::Ended(summary) => {
                    self.report(window, &summary);
                    self.remember(&summary, youngest, remembered);
                    return Ok(if summary.merged > 0 { made } else { Vec::new() });
                }
            };
            pass.done(done)?;
        }
    }

    /// Creates a record, however long it takes to know how that ended.
    async fn create(&self, record: &Record) -> Result<Created, FlushError> {
        loop {
            match self.journal.put_record(record).await {
                Ok(created) => return Ok(created),
                // Trying again does not cure a record that breaks its own rules.
                Err(error @ JournalError::Record { .. }) => return Err(error.into()),
                Err(error) => {
                    tracing::warn!(error = %ErrorChain(&error), "a window's record could not be written yet");
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            }
        }
    }

    /// The window's records, and when the youngest of those with something left to delete will be
    /// old.
    async fn records(
        &self,
        window: &CompactionWindow,
        remembered: &Remembered,
    ) -> Result<(BTreeMap<u32, Known>, Option<Duration>), JournalError> {
        let records = self.journal.records(window).await?;
        let now = match records.is_empty() {
            true => SystemTime::UNIX_EPOCH,
            false => self.journal.store_time().await?,
        };
        let mut next: Option<Duration> = None;
        let known = records.into_iter().map(|(k, (record, written)): (u32, (Record, _))| {
            let age = now.duration_since(written).unwrap_or_default();
            let seen = remembered.seen.get(&k).copied().unwrap_or_default();
            let old = age >= self.keep;
            if !old {
                let wait = self.keep - age;
                next = Some(next.map_or(wait, |next| next.min(wait)));
            }
            (k, Known { record, old, seen })
        });
        Ok((known.collect(), next))
    }

    fn remember(&self, summary: &Summary, next: Option<Duration>, to: &mut Remembered) {
        to.seen.extend(summary.seen.iter().map(|(k, seen)| (*k, *seen)));
        // Deletions are seen to be done by another look, and a lost record to be another's.
        let soon = summary.lost || summary.deleted > 0;
        let all_gone = to.seen.values().all(|seen| *seen == Seen::Gone);
        let wait = match (soon, summary.merged > 0) {
            (true, _) => self.period,
            (false, true) => self.keep,
            (false, false) if all_gone => NOTHING_TO_DO,
            (false, false) => next.unwrap_or(self.keep).max(self.period),
        };
        to.rest = Instant::now() + wait;
    }

    fn report(&self, window: &CompactionWindow, summary: &Summary) {
        let metrics = &self.metrics;
        metrics.blocks_merged.add(summary.merged);
        metrics.blocks_superseded_deleted.add(summary.deleted);
        metrics.compactions.add(u64::from(summary.merged > 0));
        metrics.compactions_lost.add(u64::from(summary.lost));
        let (hour, tenant) = (window.hour_name(), &window.tenant);
        for block in &summary.missing {
            tracing::error!(%block, hour, tenant, "a window's record names this block, but nothing of it is in the store; what it was made of is left alone");
        }
        let Summary { merged, made, finished, hidden, deleted, .. } = summary;
        if merged + finished + hidden + deleted > 0 {
            tracing::debug!(hour, tenant, merged, made, finished, hidden, deleted, "compacted");
        }
    }
}

fn metas(blocks: &[BlockEntry]) -> impl Iterator<Item = BlockMeta> {
    blocks.iter().filter_map(|entry| BlockMeta::parse(&entry.meta).ok())
}

/// Which blocks are merged: those written as this ingester writes, since others may say more than
/// it can say.
fn fits(builder: &Builder) -> impl Fn(&BlockMeta) -> bool + use<'_> {
    let dedicated = &builder.settings.dedicated;
    move |meta| {
        meta.format == Encoding::VParquet4
            && meta.replication_factor == 1
            && meta.dedicated_columns == *dedicated
    }
}
