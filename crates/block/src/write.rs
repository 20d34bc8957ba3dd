//! Columns of a generation into a block.

mod attrs;
mod chunk;
mod file;
mod finished;
mod gather;
mod leaves;
mod levels;
mod order;
mod plan;
mod shared;
mod splice;
mod texts;
mod times;

use crate::bloom;
use crate::dedicated::{self, DedicatedColumn};
use crate::error::BlockError;
use crate::merge::InputError;
use crate::meta::{BlockMeta, Encoding};
use crate::spliced::{Spliced, Taken};
use attrs::Placer;
use bytes::Bytes;
use file::File;
pub use finished::{BlockStats, FinishedBlock};
use gather::{Batch, Gatherer, Group};
use leaves::Leaves;
use plan::Plan;
use shared::Shared;
pub use splice::SpliceError;
use texts::Interner;
use times::{Settled, Times};
use tributary_span::{Columns, TraceId};
use uuid::Uuid;

/// How much is tried to make a block small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encodings {
    /// Each leaf is encoded in the way that suits most values.
    Fast,
    /// Each leaf of each row group is tried in several ways, and is written in the shortest.
    Small,
}

/// Level of zstd for a fresh block: it is read and written again soon.
const FRESH_ZSTD: i32 = 3;
/// And for a merged one, which is kept: what it costs more to write is saved within weeks.
const MERGED_ZSTD: i32 = 6;

/// By how much columns shrink in a block, at least as a rule.
const SHRINKS: usize = 4;

/// How blocks are written.
#[derive(Debug, Clone)]
pub struct WriterSettings {
    /// Attributes with a column of their own; see [`dedicated`]. Blocks are compacted only with
    /// blocks of the same list.
    pub dedicated: Vec<DedicatedColumn>,
    /// A row group is cut when it has this many spans.
    pub row_group_spans: usize,
    /// Pages are cut near this many bytes before compression.
    pub page_bytes: usize,
    /// Level of zstd for pages.
    pub zstd_level: i32,
    /// How leaves are encoded.
    pub encodings: Encodings,
    /// `compactionLevel` of the block: 0 for a fresh one.
    pub compaction_level: u32,
}

impl Default for WriterSettings {
    fn default() -> Self {
        WriterSettings {
            dedicated: dedicated::defaults(),
            row_group_spans: 64 << 10,
            page_bytes: 64 << 10,
            zstd_level: FRESH_ZSTD,
            encodings: Encodings::Fast,
            compaction_level: 0,
        }
    }
}

impl WriterSettings {
    /// The same for a block of a level: 0 is written fast, what is merged is made small.
    #[must_use]
    pub fn of_level(self, compaction_level: u32) -> Self {
        let (zstd_level, encodings) = match compaction_level {
            0 => (FRESH_ZSTD, Encodings::Fast),
            _ => (MERGED_ZSTD, Encodings::Small),
        };
        WriterSettings { zstd_level, encodings, compaction_level, ..self }
    }
}

/// Writes one block of a tenant's spans. The spans of a trace may lie in any number of batches,
/// which must hold the invariants of [`Columns`].
///
/// # Errors
/// When the settings cannot be carried out or it is too much for one block.
pub fn write(
    id: Uuid,
    tenant: &str,
    batches: &[&Columns],
    settings: &WriterSettings,
) -> Result<FinishedBlock, BlockError> {
    let mut writer = BlockWriter::new(id, tenant, settings.clone())?;
    writer.file.reserve(batches.iter().map(|b| b.bytes()).sum::<usize>() / SHRINKS);
    writer.push(batches)?;
    writer.finish()
}

/// A block that is written piece by piece, each with the whole traces of a range of ids, in
/// ascending order: for more spans than are to be in memory at once.
pub struct BlockWriter {
    id: Uuid,
    tenant: String,
    settings: WriterSettings,
    file: File,
    stats: BlockStats,
    /// All traces so far, ascending.
    traces: Vec<TraceId>,
    /// Earliest start and latest end of a span.
    times: Times,
}

impl BlockWriter {
    /// An empty block.
    ///
    /// # Errors
    /// When the settings cannot be carried out.
    pub fn new(id: Uuid, tenant: &str, settings: WriterSettings) -> Result<Self, BlockError> {
        dedicated::check(&settings.dedicated)?;
        let file = File::new(&settings)?;
        let (stats, traces, times) = (BlockStats::default(), Vec::new(), Times::default());
        Ok(BlockWriter { id, tenant: tenant.to_owned(), settings, file, stats, traces, times })
    }

    /// Adds traces, whose spans may lie in any number of batches. A row group ends with them.
    ///
    /// # Errors
    /// When one of the traces does not come after all that were added before, or it is too much
    /// for one block.
    pub fn push(&mut self, batches: &[&Columns]) -> Result<(), BlockError> {
        if batches.iter().map(|b| b.len()).sum::<usize>() > i32::MAX as usize {
            return Err(BlockError::TooLarge("more than 2^31 spans"));
        }
        let plan = Plan::new(batches);
        if self.traces.last().zip(plan.traces.first()).is_some_and(|(last, next)| next <= last) {
            return Err(BlockError::Settings("traces were added out of order".to_owned()));
        }
        let mut texts = Interner::new(batches.iter().map(|b| b.texts.len()).sum());
        let mut placer = Placer::new(&self.settings.dedicated, &mut texts);
        let mut shared = Shared::default();
        let batches: Vec<Batch<'_>> = batches
            .iter()
            .map(|&columns| {
                let map = texts.batch(columns);
                let resources = 0..columns.resources.attrs_end.len();
                let scopes = 0..columns.scopes.attrs_end.len();
                Batch {
                    resources: resources
                        .map(|n| shared.resource(columns, n, &map, &mut placer, &mut texts))
                        .collect(),
                    scopes: scopes
                        .map(|n| shared.scope(columns, n, &map, &mut placer, &mut texts))
                        .collect(),
                    texts: map,
                    columns,
                }
            })
            .collect();
        let mut gatherer = Gatherer::new(&batches, &mut texts, &mut placer, &shared);
        let mut group = Group::default();
        for (n, &trace) in plan.traces.iter().enumerate() {
            gatherer.trace(&mut group, trace, plan.spans_of(n));
            let last = n + 1 == plan.traces.len();
            if last || group.spans.id.len() >= self.settings.row_group_spans {
                self.stats.spans += group.spans.id.len() as u64;
                let times = group.spans.start.iter().zip(&group.spans.end);
                times.for_each(|(&start, &end)| self.times.add(start, end));
                let mut leaves = Leaves::new(&group, &shared, gatherer.placer, gatherer.texts);
                self.file.row_group(&mut leaves)?;
                group = Group::default();
            }
        }
        self.stats.traces += plan.traces.len() as u64;
        self.stats.duplicates += gatherer.dropped.duplicates;
        self.stats.conflicts += gatherer.dropped.conflicts;
        self.traces.extend(plan.traces);
        Ok(())
    }

    /// Adds a row group of rows of other blocks: how many spans of each of those were taken.
    ///
    /// # Errors
    /// When one of the blocks is corrupt, one of the traces does not come after all that were added
    /// before, or it is too much for one block. The block cannot be gone on with then.
    pub fn splice(&mut self, spliced: &Spliced) -> Result<Taken, SpliceError> {
        let traces = &spliced.order.traces;
        if self.traces.last().zip(traces.first()).is_some_and(|(last, next)| next <= last) {
            return Err(BlockError::Settings("traces were added out of order".to_owned()).into());
        }
        let mut rows = splice::Rows::new(spliced);
        if let Err(error) = self.file.row_group(&mut rows) {
            return Err(match rows.faulty {
                Some(number) => InputError { number, error }.into(),
                None => error.into(),
            });
        }
        rows.times(|start, end| self.times.add(start, end));
        self.stats.spans += rows.starts.len() as u64;
        self.stats.traces += traces.len() as u64;
        self.stats.duplicates += spliced.duplicates;
        self.stats.conflicts += spliced.conflicts;
        self.traces.extend(traces);
        Ok(rows.taken())
    }

    /// Bytes of the data so far.
    pub fn bytes(&self) -> usize {
        self.file.bytes()
    }

    /// Traces so far.
    pub fn traces(&self) -> usize {
        self.traces.len()
    }

    /// Takes the bytes of the data that were written since the last call, so that they need not be held
    /// until the block is whole.
    ///
    /// # Errors
    /// None that is known: they are in memory.
    pub fn take(&mut self) -> Result<Bytes, BlockError> {
        self.file.take()
    }

    /// The block.
    ///
    /// # Errors
    /// When the footer cannot be written.
    pub fn finish(self) -> Result<FinishedBlock, BlockError> {
        let finished = self.file.finish()?;
        let blooms = bloom::write(&self.traces);
        let Settled { start, end, odd_hours } = self.times.settle();
        let meta = BlockMeta {
            format: Encoding::VParquet4,
            block_id: self.id,
            tenant_id: self.tenant,
            start_time: start,
            end_time: end,
            odd_hours,
            total_objects: self.stats.traces,
            size: finished.size,
            compaction_level: self.settings.compaction_level,
            index_page_size: 0,
            total_records: finished.row_groups,
            bloom_shards: u32::try_from(blooms.len()).unwrap_or(u32::MAX),
            footer_size: finished.footer,
            dedicated_columns: dedicated::shared(self.settings.dedicated),
            replication_factor: 1,
        };
        Ok(FinishedBlock { meta, data: finished.bytes, blooms, stats: self.stats })
    }
}
