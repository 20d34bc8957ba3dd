//! Several blocks of one tenant, read side by side in the order of their traces: what one larger
//! block is made of.
//!
//! A step hands out all spans of a range of trace ids, from all inputs; steps ascend, so that each
//! trace is whole within one step. Memory is bounded by the inputs' number: of each, the bytes of one
//! row group and the ids of its traces are held, and of all together the spans of one step. A trace
//! that has more spans than a step may have is not merged: the ingester leaves out the block that
//! has most of it.

pub(crate) mod held;

use crate::error::BlockError;
use crate::meta::BlockMeta;
use crate::read::{Block, Source};
use held::Held;
use tributary_span::{Columns, TraceId};

/// Spans that a step is meant to have: with few, the same pages are read for one step after the other.
const SPANS: usize = 16 << 10;
/// Spans that it may have.
pub(crate) const MOST_SPANS: usize = 8 * SPANS;
/// Traces of all inputs in the first step, before it is known how many spans they have.
const FIRST: usize = 256;
/// And in any step.
const MOST: usize = 64 << 10;

/// The blocks, and how far they have been read.
pub struct Merge<S> {
    inputs: Vec<Input<S>>,
    traces: usize,
}

/// One of the blocks cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("block {number} of those to merge")]
pub struct InputError {
    /// Which one, in the order in which they were given.
    pub number: usize,
    /// Why.
    #[source]
    pub error: BlockError,
}

struct Input<S> {
    block: Block,
    source: S,
    /// Bytes of the row group at hand.
    held: Held,
    /// The row group at hand.
    group: usize,
    /// Ids of its traces, ascending.
    ids: Vec<TraceId>,
    /// Those of them that have been handed out.
    done: usize,
    /// The last trace of the row groups before it.
    last: Option<TraceId>,
    /// Spans that have been handed out.
    spans: u64,
}

impl<S: Source> Merge<S> {
    /// Opens the blocks: their metas, and where their bytes are. Of spans with the same id and kind the first block's counts.
    ///
    /// # Errors
    /// When one of them cannot be had, is corrupt, or does not ascend by trace id.
    pub async fn open(blocks: Vec<(BlockMeta, S)>) -> Result<Self, InputError> {
        let mut inputs = Vec::with_capacity(blocks.len());
        for (number, (meta, source)) in blocks.into_iter().enumerate() {
            let input = Input::open(meta, source).await;
            inputs.push(input.map_err(|error| InputError { number, error })?);
        }
        Ok(Merge { inputs, traces: FIRST })
    }

    /// Spans that were handed out of each block.
    pub fn spans(&self) -> impl Iterator<Item = u64> {
        self.inputs.iter().map(|input| input.spans)
    }

    /// The next traces, in as many batches as it takes; none when all were handed out.
    ///
    /// # Errors
    /// When bytes cannot be had or are corrupt, or a trace has too many spans to be merged.
    pub async fn next(&mut self) -> Result<Vec<Columns>, InputError> {
        let fewest = self.inputs.len().max(1);
        for (number, input) in self.inputs.iter_mut().enumerate() {
            input.advance().await.map_err(|error| InputError { number, error })?;
        }
        let before: Vec<(usize, u64)> = self.inputs.iter().map(|i| (i.done, i.spans)).collect();
        loop {
            if let Some(batches) = self.step().await? {
                let spans: usize = batches.iter().map(Columns::len).sum();
                let rows = self.inputs.iter().zip(&before).map(|(i, (done, _))| i.done - done);
                // Traces differ in size; a wrong guess is made good by the next step.
                let fitting = SPANS.saturating_mul(rows.sum()) / spans.max(1);
                self.traces = fitting.clamp(fewest, MOST);
                return Ok(batches);
            }
            let read =
                self.inputs.iter().zip(&before).map(|(input, (_, spans))| input.spans - spans);
            let largest = read.enumerate().max_by_key(|(_, spans)| *spans);
            if self.traces <= fewest {
                let error = BlockError::TooLarge("more spans of one trace than are merged");
                let number = largest.map_or(0, |(number, _)| number);
                return Err(InputError { number, error });
            }
            self.traces = (self.traces / 4).max(fewest);
            for (input, (done, spans)) in self.inputs.iter_mut().zip(&before) {
                (input.done, input.spans) = (*done, *spans);
            }
        }
    }

    /// Reads on by a step; `None` when that is too much for one.
    async fn step(&mut self) -> Result<Option<Vec<Columns>>, InputError> {
        let step = self.traces.div_ceil(self.inputs.len().max(1));
        // Up to the first id at which an input would have had its share, or the end of its row group.
        let last = self.inputs.iter().filter_map(|input| input.share(step)).min();
        let mut batches = Vec::new();
        for (number, input) in self.inputs.iter_mut().enumerate() {
            let end = last.map_or(0, |last| input.ids.partition_point(|id| *id <= last));
            if input.done < end {
                if batches.iter().map(Columns::len).sum::<usize>() > MOST_SPANS {
                    return Ok(None);
                }
                let read = input.read(end).await;
                batches.push(read.map_err(|error| InputError { number, error })?);
            }
        }
        let spans: usize = batches.iter().map(Columns::len).sum();
        Ok((spans <= MOST_SPANS).then_some(batches))
    }
}

impl<S: Source> Input<S> {
    async fn open(meta: BlockMeta, source: S) -> Result<Self, BlockError> {
        let block = Block::open(&source, meta).await?;
        let (held, ids, last) = (Held::default(), Vec::new(), None);
        let mut input = Input { block, source, held, group: 0, ids, done: 0, last, spans: 0 };
        if input.block.total_rows() != input.block.meta().total_objects {
            return Err(BlockError::corrupt("another number of traces than the meta says"));
        }
        input.load().await?;
        Ok(input)
    }

    /// Goes on to the next row group that has rows when all of this one's were handed out.
    async fn advance(&mut self) -> Result<(), BlockError> {
        while self.done == self.ids.len() && self.group < self.block.row_groups() {
            self.last = self.ids.last().copied().or(self.last);
            self.group += 1;
            self.load().await?;
        }
        Ok(())
    }

    /// Has the row group at hand, if there is one.
    async fn load(&mut self) -> Result<(), BlockError> {
        // Those before are let go first.
        (self.ids, self.done, self.held) = (Vec::new(), 0, Held::default());
        if self.group == self.block.row_groups() {
            return Ok(());
        }
        self.held = Held::read(&self.source, self.block.group_bytes(self.group)).await?;
        self.ids = self.block.trace_ids(&self.held.of(&self.source), self.group).await?;
        let ascend = self.ids.is_sorted_by(|a, b| a < b);
        match ascend && self.last.zip(self.ids.first().copied()).is_none_or(|(a, b)| a < b) {
            true => Ok(()),
            false => Err(BlockError::corrupt("traces do not ascend by id")),
        }
    }

    /// The last of the next `step` traces, or of those that are left in the row group; none when no
    /// trace is left at all.
    fn share(&self, step: usize) -> Option<TraceId> {
        let at = (self.done + step).min(self.ids.len());
        at.checked_sub(1).filter(|at| *at >= self.done).and_then(|at| self.ids.get(at)).copied()
    }

    /// Reads rows of the row group at hand up to `end`.
    async fn read(&mut self, end: usize) -> Result<Columns, BlockError> {
        let rows = self.done..end;
        let columns = self.block.group_rows(&self.held.of(&self.source), self.group, rows).await?;
        self.spans += columns.len() as u64;
        self.done = end;
        Ok(columns)
    }
}
