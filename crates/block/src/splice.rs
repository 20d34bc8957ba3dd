//! Blocks of one tenant and one list of dedicated columns, merged leaf by leaf.
//!
//! A trace that only one of the inputs has looks in the output as it does there: of each leaf its levels
//! and values are copied, and no span is made of them. That takes a third of what
//! [`Merge`](crate::Merge) takes, which gives spans; traces of several inputs are merged by spans, as
//! there, into a small block that is an input like the others. In memory are the compressed pages of one
//! row group, and of one leaf what is in them.
//!
//! Only for blocks with the schema that is written today: [`Splice::open`] says whether they have it.

use crate::dedicated::DedicatedColumn;
use crate::error::BlockError;
use crate::merge::held::Held;
use crate::merge::{InputError, MOST_SPANS};
use crate::meta::BlockMeta;
use crate::read::{Block, Piece, Source};
use crate::spliced::{Order, Spliced, Taken};
use crate::write::{self, WriterSettings};
use std::collections::{HashSet, VecDeque};
use tributary_span::{Columns, TraceId};
use uuid::Uuid;

/// Bytes in a block that a span is reckoned with: of larger ones a row group has fewer.
const STORED_SPAN: u128 = 128;

/// The blocks, and how far they have been read.
pub struct Splice<S> {
    inputs: Vec<Input<S>>,
    dedicated: Vec<DedicatedColumn>,
}

struct Input<S> {
    block: Block,
    source: S,
    /// Row groups at hand.
    groups: VecDeque<Group>,
    /// The row group behind them.
    next: usize,
    /// Traces of the first of them that have been handed out.
    done: usize,
    /// The last trace that was read.
    last: Option<TraceId>,
    /// Traces that it gives to a row group of the output.
    share: usize,
    /// Spans that have been handed out.
    spans: u64,
}

/// A row group of an input.
struct Group {
    number: usize,
    /// Its bytes.
    held: Held,
    /// The ids of its traces, ascending.
    ids: Vec<TraceId>,
}

/// What [`Splice::open`] finds.
pub enum Opened<S> {
    /// They can be merged so.
    Splice(Splice<S>),
    /// They cannot: another writer's, or another schema's. For [`crate::Merge`].
    Other(Vec<(BlockMeta, S)>),
}

impl<S: Source> Splice<S> {
    /// Opens blocks that are to become blocks with these dedicated columns, in row groups of about
    /// `spans` spans, or fewer that are large. Of spans with the same id and kind the first block's counts.
    ///
    /// # Errors
    /// When one of them cannot be had, or is corrupt.
    pub async fn open(
        blocks: Vec<(BlockMeta, S)>,
        dedicated: &[DedicatedColumn],
        spans: usize,
    ) -> Result<Opened<S>, InputError> {
        let mut opened = Vec::with_capacity(blocks.len());
        for (number, (meta, source)) in blocks.iter().enumerate() {
            let block = Block::open(source, meta.clone()).await;
            opened.push(block.map_err(|error| InputError { number, error })?);
        }
        let alike =
            |block: &Block| block.has_own_schema() && *block.meta().dedicated_columns == *dedicated;
        if !opened.iter().all(alike) {
            return Ok(Opened::Other(blocks));
        }
        let total = opened.iter().map(Block::spans).sum::<u64>().max(1);
        let bytes: u64 = blocks.iter().map(|(meta, _)| meta.size).sum();
        let most = spans as u128 * STORED_SPAN / u128::from(bytes / total).max(STORED_SPAN);
        let mut inputs = Vec::with_capacity(blocks.len());
        for (number, (block, (_, source))) in opened.into_iter().zip(blocks).enumerate() {
            let rows = block.total_rows();
            if rows != block.meta().total_objects {
                let error = BlockError::corrupt("another number of traces than the meta says");
                return Err(InputError { number, error });
            }
            let share = u128::from(rows) * most / u128::from(total);
            inputs.push(Input {
                block,
                source,
                groups: VecDeque::new(),
                next: 0,
                done: 0,
                last: None,
                share: usize::try_from(share).unwrap_or(usize::MAX).max(1),
                spans: 0,
            });
        }
        Ok(Opened::Splice(Splice { inputs, dedicated: dedicated.to_vec() }))
    }

    /// Spans that were handed out of each block, but for those that [`crate::BlockWriter::splice`] counts.
    pub fn count(&mut self, taken: &Taken) {
        self.inputs.iter_mut().zip(taken).for_each(|(input, taken)| input.spans += taken);
    }

    /// Spans that were counted of each block.
    pub fn spans(&self) -> impl Iterator<Item = u64> {
        self.inputs.iter().map(|input| input.spans)
    }

    /// The traces of the next row group; none when all were handed out.
    ///
    /// # Errors
    /// When bytes cannot be had or are corrupt, or traces that several blocks have are too large to be
    /// merged.
    pub async fn next(&mut self) -> Result<Option<Spliced>, InputError> {
        for (number, input) in self.inputs.iter_mut().enumerate() {
            input.fill().await.map_err(|error| InputError { number, error })?;
        }
        // Up to the first id at which an input has given its share.
        let last = self.inputs.iter().filter_map(Input::bound).min();
        let (mut pieces, mut inputs, mut ids) = (Vec::new(), Vec::new(), Vec::new());
        for (number, input) in self.inputs.iter_mut().enumerate() {
            let read = input.take(last, &mut pieces, &mut ids).await;
            read.map_err(|error| InputError { number, error })?;
            inputs.resize(pieces.len(), Some(number));
        }
        if pieces.is_empty() {
            return Ok(None);
        }
        let mut order = Order::new(&ids);
        let mut spliced = Spliced {
            merged: vec![0; self.inputs.len()],
            duplicates: 0,
            conflicts: 0,
            order: Order::default(),
            pieces,
            inputs,
        };
        if !order.shared.is_empty() {
            let shared = std::mem::take(&mut order.shared);
            spliced.merge(shared, &self.dedicated).await?;
        }
        spliced.order = order;
        Ok(Some(spliced))
    }
}

impl Spliced {
    /// Makes the last piece: a block of the traces that several inputs have.
    async fn merge(
        &mut self,
        shared: Vec<TraceId>,
        dedicated: &[DedicatedColumn],
    ) -> Result<(), InputError> {
        let shared: HashSet<TraceId> = shared.into_iter().collect();
        let mut batches: Vec<Columns> = Vec::new();
        for (piece, number) in self.pieces.iter().zip(self.inputs.iter().flatten().copied()) {
            let columns = piece.columns(|id| shared.contains(id));
            let columns = columns.map_err(|error| InputError { number, error })?;
            if let Some(spans) = self.merged.get_mut(number) {
                *spans += columns.len() as u64;
            }
            batches.push(columns);
        }
        let largest = (0..).zip(&self.merged).max_by_key(|(_, spans)| **spans);
        let number = largest.map_or(0, |(number, _)| number);
        let fault = |error| InputError { number, error };
        if self.merged.iter().sum::<u64>() > MOST_SPANS as u64 {
            return Err(fault(BlockError::TooLarge("more spans of one trace than are merged")));
        }
        let settings = WriterSettings {
            dedicated: dedicated.to_vec(),
            row_group_spans: usize::MAX,
            ..WriterSettings::default()
        };
        let batches: Vec<&Columns> = batches.iter().collect();
        let made = write::write(Uuid::nil(), "", &batches, &settings).map_err(fault)?;
        let block = Block::open(&made, made.meta.clone()).await.map_err(fault)?;
        let piece = block.piece(&made, 0, 0..shared.len()).await.map_err(fault)?;
        (self.duplicates, self.conflicts) = (made.stats.duplicates, made.stats.conflicts);
        self.pieces.push(piece);
        self.inputs.push(None);
        Ok(())
    }
}

impl<S: Source> Input<S> {
    /// Has the ids of as many traces at hand as a row group takes, if there are so many.
    async fn fill(&mut self) -> Result<(), BlockError> {
        while self.at_hand() < self.share && self.next < self.block.row_groups() {
            let held = Held::read(&self.source, self.block.group_bytes(self.next)).await?;
            let ids = self.block.trace_ids(&held.of(&self.source), self.next).await?;
            let first = ids.first().copied();
            if !ids.is_sorted_by(|a, b| a < b) || self.last.zip(first).is_some_and(|(a, b)| a >= b)
            {
                return Err(BlockError::corrupt("traces do not ascend by id"));
            }
            self.last = ids.last().copied().or(self.last);
            self.groups.push_back(Group { number: self.next, held, ids });
            self.next += 1;
        }
        Ok(())
    }

    fn at_hand(&self) -> usize {
        self.groups.iter().map(|group| group.ids.len()).sum::<usize>() - self.done
    }

    /// The last trace of its share; none when that is all that it has.
    fn bound(&self) -> Option<TraceId> {
        let mut at = self.done + self.share - 1;
        for group in &self.groups {
            match group.ids.get(at) {
                Some(id) => return Some(*id),
                None => at -= group.ids.len(),
            }
        }
        None
    }

    /// Reads what it has of the traces up to `last`, or all that is left.
    async fn take(
        &mut self,
        last: Option<TraceId>,
        pieces: &mut Vec<Piece>,
        taken: &mut Vec<Vec<TraceId>>,
    ) -> Result<(), BlockError> {
        while let Some(Group { number, held, ids }) = self.groups.front() {
            let end = last.map_or(ids.len(), |last| ids.partition_point(|id| *id <= last));
            if self.done < end {
                let rows = self.done..end;
                pieces.push(self.block.piece(&held.of(&self.source), *number, rows.clone()).await?);
                taken.push(ids.get(rows).unwrap_or_default().to_vec());
            }
            if end < ids.len() {
                self.done = end;
                break;
            }
            self.groups.pop_front();
            self.done = 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
