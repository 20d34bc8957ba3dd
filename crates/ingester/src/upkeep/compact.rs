//! Compacting windows: small blocks become larger ones, and the spans of a trace that went to
//! several ingesters, or came twice, meet.
//!
//! What has outlived its retention expires here too ([`retention`]).
//!
//! The steps are [`tributary_journal::compact`]'s; here they are taken ([`steps`]). Each window is
//! one ingester's affair as long as they agree which of them live, and several may work on the same
//! one without harm: records decide. One merge at a time, so that its memory is bounded
//! ([`merge`]).

mod history;
mod merge;
mod outputs;
mod retention;
mod room;
mod steps;

pub(crate) use retention::Expiring;

use crate::block::{BlockBuilder, CommitError, KnownBlocks, metas_of};
use crate::cluster::Membership;
use crate::disk::DiskRoom;
use crate::group::LiveSpans;
use crate::memory::MemoryBudget;
use crate::metrics::Metrics;
use history::{History, Visible, candidate};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tributary_block::{BlockMeta, Encoding};
use tributary_journal::collect::is_below;
use tributary_journal::compact::{Candidate, Compaction, Limits, Seen, choose};
use tributary_journal::record::Expiry;
use tributary_journal::{CompactionWindow, Journal};
use tributary_telemetry::{ErrorChain, Repeated};

/// A window is quiet when no block has joined it for so many passes.
const QUIET_AFTER: u32 = 10;

/// The task that compacts, and what it works with.
pub(crate) struct Compactor {
    /// Where records go.
    pub journal: Journal,
    /// Builds blocks.
    pub builder: BlockBuilder,
    /// The blocks that this ingester knows: new ones join them.
    pub blocks: Arc<KnownBlocks>,
    /// Whose turn it is.
    pub membership: Membership,
    /// Whether there is room to merge.
    pub disk: DiskRoom,
    /// The budget for spans, of which merges take their part.
    pub memory: MemoryBudget,
    /// Whether spans wait for their blocks that had to leave memory.
    pub live: Arc<LiveSpans>,
    /// Whether blocks are merged at all, or only those looked after that records name.
    pub merges: bool,
    /// What has outlived its retention.
    pub expiring: Expiring,
    /// How much is merged at a time.
    pub limits: Limits,
    /// Spans that a row group of a merged block has at least, but for the last one.
    pub group_spans: usize,
    /// Whether merged blocks are made small, which takes memory.
    pub packs: bool,
    /// How long superseded blocks are kept for readers with an older view.
    pub keep: Duration,
    /// Time between two passes.
    pub period: Duration,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// When a line of log is due about windows that cannot be compacted: there are hundreds of them,
    /// and one store.
    pub told: Repeated,
    /// What was seen of the windows.
    pub history: BTreeMap<CompactionWindow, History>,
}

impl Compactor {
    /// Passes over all windows until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
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
        self.windows().await;
        let unmerged: usize = self.history.values().map(|history| history.unreadable.len()).sum();
        self.metrics.blocks_unmerged.set(i64::try_from(unmerged).unwrap_or(i64::MAX));
    }

    async fn windows(&mut self) {
        let now = Instant::now();
        let mut all = self.blocks.by_window(|_| true);
        for window in self.blocks.superseded().all() {
            all.entry(window).or_default();
        }
        self.history.retain(|window, _| all.contains_key(window));
        let (journal, metrics) = (&self.journal, &self.metrics);
        let looked = self.expiring.look(&all, &self.blocks, journal, metrics, self.period).await;
        if let Err(error) = looked {
            self.metrics.compactions_failed.inc();
            tracing::warn!(error = %ErrorChain(&error), "what has outlived its retention could not be told; it is tried again later");
        }
        let mut due = Vec::new();
        for (window, blocks) in all {
            let job = self.job(&window, blocks);
            let ours = self.membership.with(|detector, now| detector.is_first(window.key(), now));
            if (job.expiry.is_some() || self.is_due(&window, &job.visible, now)) && ours {
                due.push((window, job));
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
        for (window, job) in due {
            // There nothing is merged, but what expires is carried out.
            let expires = job.expiry.is_some() || self.blocks.superseded().has_expired(&window);
            if is_below(floor.as_deref(), &window.hour_name()) && !expires {
                self.history.entry(window).and_modify(|history| history.retired = true);
                continue;
            }
            if let Err(error) = self.window(&window, job).await {
                self.metrics.compactions_failed.inc();
                if let Some(times) = self.told.due(Instant::now().into_std()) {
                    let (hour, tenant) = (window.hour_name(), &window.tenant);
                    tracing::warn!(error = %ErrorChain(&error), hour, tenant, times, "a window could not be compacted; it is tried again later");
                }
            }
        }
    }

    /// What is to be done in a window, if anything.
    fn job(&mut self, window: &CompactionWindow, blocks: Vec<Arc<BlockMeta>>) -> Job {
        let (period, now) = (self.period, Instant::now());
        self.history.entry(window.clone()).or_insert_with(|| History::new(now, period));
        let retention = self.expiring.of(window).filter(|_| !blocks.is_empty());
        let expiry = retention.map(|retention| Expiry {
            retention: Some(retention.as_secs()),
            bytes: blocks.iter().map(|meta| meta.size).sum(),
        });
        let standing = blocks.iter().map(|meta| candidate(meta));
        let standing = if expiry.is_some() { standing.collect() } else { Vec::new() };
        let mergeable = is_mergeable(&self.builder);
        let visible = blocks.into_iter().filter(|meta| mergeable(meta));
        let visible = visible.map(|meta| (meta.block_id, meta)).collect();
        Job { visible, standing, expiry }
    }

    /// Whether a window is to be looked at: its rest is over, something is to be merged, or
    /// something is there again that was gone.
    fn is_due(&mut self, window: &CompactionWindow, visible: &Visible, now: Instant) -> bool {
        let (patience, may_merge) = (self.period * QUIET_AFTER, self.may_merge());
        let expires = self.blocks.superseded().has_expired(window);
        let Some(history) = self.history.get_mut(window) else { return false };
        if history.retired && !expires {
            return false;
        }
        let quiet = history.is_quiet(visible, now, patience);
        let all_gone = history.seen.values().all(|seen| *seen == Seen::Gone);
        now >= history.rest_until
            || choose(&to_merge(history, visible, now, may_merge), &self.limits, quiet).is_some()
            || (all_gone && self.blocks.replaced(window).next().is_some())
    }

    /// Whether this is a time to merge. Not while the disk is short, since blocks are written before
    /// those that they replace are deleted; nor while spans wait for their first block that had to
    /// leave memory: that is what memory and processor are for then.
    fn may_merge(&self) -> bool {
        self.merges && !self.disk.is_short() && !self.live.is_behind()
    }

    /// Passes over one window as long as there is something to merge.
    async fn window(
        &mut self,
        window: &CompactionWindow,
        Job { mut visible, standing, expiry }: Job,
    ) -> Result<(), CommitError> {
        let now = Instant::now();
        let Some(mut history) = self.history.remove(window) else { return Ok(()) };
        let quiet = history.is_quiet(&visible, now, self.period * QUIET_AFTER);
        let mut candidates = match expiry {
            Some(_) => standing,
            None => to_merge(&history, &visible, now, self.may_merge()),
        };
        // What should be gone counts as there, so that it is looked for.
        let replaced = self.blocks.replaced(window);
        candidates.extend(replaced.map(|id| Candidate { id, bytes: 0, traces: 0 }));
        let result = loop {
            let pass = match expiry {
                Some(_) => Compaction::expiring(candidates),
                None => Compaction::new(candidates, self.limits.clone(), quiet),
            };
            let expiry = expiry.unwrap_or_default();
            match self.carry_out(window, pass, expiry, &visible, &mut history).await {
                Ok(made) if made.is_empty() => break Ok(()),
                Ok(made) => {
                    let replaced = self.blocks.forget_replaced(&window.tenant);
                    visible.retain(|id, _| !replaced.contains(id));
                    visible.extend(metas_of(&made).map(|meta| (meta.block_id, Arc::new(meta))));
                    // What this process changed itself is no news to it.
                    history.visible = visible.keys().copied().collect();
                    candidates = to_merge(&history, &visible, Instant::now(), self.may_merge());
                }
                Err(error) => break Err(error),
            }
        };
        self.history.insert(window.clone(), history);
        result
    }
}

/// All windows, with the blocks that are known of them.
type Windows = BTreeMap<CompactionWindow, Vec<Arc<BlockMeta>>>;

/// What is to be done in a window.
struct Job {
    /// Blocks that may be merged.
    visible: Visible,
    /// All blocks, when they are to expire.
    standing: Vec<Candidate>,
    /// Why they are.
    expiry: Option<Expiry>,
}

/// What may be merged of a window now, if anything may. What was merged before is hidden and deleted
/// all the same.
fn to_merge(history: &History, visible: &Visible, now: Instant, may_merge: bool) -> Vec<Candidate> {
    if may_merge { history.candidates(visible, now) } else { Vec::new() }
}

/// Which blocks are merged: those written as this ingester writes, since others may say more than
/// it can say.
fn is_mergeable(builder: &BlockBuilder) -> impl Fn(&BlockMeta) -> bool + use<'_> {
    let dedicated = &builder.settings.dedicated;
    move |meta| {
        meta.format == Encoding::VParquet4
            && meta.replication_factor == 1
            && *meta.dedicated_columns == **dedicated
    }
}
