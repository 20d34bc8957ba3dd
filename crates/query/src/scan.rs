//! Reading a row group for a question: leaf by leaf as they turn out to be needed, piece by piece.

use crate::chunk::{
    Chunk, ChunkError, Field, KeyDictionaries, StoredChunk, keys_of, likely_leaves,
};
use crate::eval::EvalError;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use tributary_block::{Block, BlockError, Leaves, Source};
use tributary_span::TraceId;

/// Leaves of this many bytes are read before it is known that they are needed.
const AT_ONCE: u64 = 4 << 20;
/// Spans of a piece, about: so many fit a processor's caches column by column, and bound what is
/// decoded at a time.
const SPANS_AT_ONCE: u64 = 64 << 10;

/// Tells the work for a question that no client waits for it any more. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// From now on the work ends where it is.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is to end.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Lets so many threads compute at a time; others wait. Reads of the store are made outside.
#[derive(Debug)]
pub struct Gate {
    free: Mutex<usize>,
    left: Condvar,
}

/// A thread that may compute.
struct Inside<'g>(&'g Gate);

impl Gate {
    /// Lets `threads` in, at least one.
    pub fn new(threads: usize) -> Gate {
        Gate { free: Mutex::new(threads.max(1)), left: Condvar::new() }
    }

    fn enter(&self) -> Inside<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = self.left.wait_while(free, |free| *free == 0);
        *wait.unwrap_or_else(PoisonError::into_inner) -= 1;
        Inside(self)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.left.notify_one();
    }
}

/// How a row group is read.
#[derive(Debug, Clone, Default)]
pub struct How {
    /// What computing waits for, if anything.
    pub gate: Option<Arc<Gate>>,
    /// Traces that are judged elsewhere, since a part of them lies in another place, too.
    pub except: Arc<HashSet<TraceId>>,
    /// When to give up.
    pub stop: Stop,
}

/// Why a row group was not searched.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// Its bytes cannot be had or are wrong.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// The query wants what cannot be done; the person who wrote it can change it.
    #[error("{0}")]
    Query(String),
    /// No client waits for it any more.
    #[error("the question was given up")]
    Stopped,
}

/// A row group being read.
pub(crate) struct GroupScan<'b, S> {
    block: &'b Block,
    source: &'b S,
    group: usize,
    how: How,
    leaves: Option<Leaves>,
    dictionaries: KeyDictionaries,
    /// Whether spans may stand there again.
    has_repeats: bool,
    /// Bytes that were read.
    pub(crate) bytes: u64,
    /// Reads of leaves.
    pub(crate) reads: u64,
}

impl<'b, S: Source> GroupScan<'b, S> {
    pub(crate) fn new(block: &'b Block, source: &'b S, group: usize, how: &How) -> Self {
        GroupScan {
            block,
            source,
            group,
            how: how.clone(),
            leaves: None,
            dictionaries: KeyDictionaries::default(),
            has_repeats: false,
            bytes: 0,
            reads: 0,
        }
    }

    /// The row group's number.
    pub(crate) fn group(&self) -> usize {
        self.group
    }

    /// Reads dictionaries, by the paths of their leaves.
    pub(crate) async fn read_dictionaries(
        &mut self,
        paths: &[String],
    ) -> Result<&KeyDictionaries, BlockError> {
        if !paths.is_empty() {
            let found = self.block.dictionaries(self.source, self.group, paths).await?;
            self.bytes += found.values().map(|d| d.bytes() as u64).sum::<u64>();
            self.reads += 1;
            self.dictionaries.extend(found);
        }
        Ok(&self.dictionaries)
    }

    /// Reads what columns will want, unless that is much: then each is read when it is asked for, which
    /// may never be.
    pub(crate) async fn read_likely(&mut self, fields: &[Field]) -> Result<(), BlockError> {
        let paths = likely_leaves(self.block, &self.dictionaries, fields);
        let bytes: u64 = paths.iter().map(|path| self.block.bytes_of(self.group, path)).sum();
        if bytes <= AT_ONCE { self.read(&paths).await } else { Ok(()) }
    }

    async fn read(&mut self, paths: &[String]) -> Result<(), BlockError> {
        let leaves = self.block.leaves(self.source, self.group, None, paths).await?;
        self.bytes += leaves.bytes_read();
        self.reads += 1;
        match &mut self.leaves {
            Some(known) => known.add(leaves),
            None => self.leaves = Some(leaves),
        }
        Ok(())
    }

    /// The pieces of the row group.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Range<usize>> + use<S> {
        let rows = self.block.rows_of(self.group);
        let spans = self.block.entries_of(self.group, "rs.ss.Spans.Kind").max(1);
        let each = (rows as u64).saturating_mul(SPANS_AT_ONCE) / spans;
        let each = usize::try_from(each).unwrap_or(rows).clamp(1, rows.max(1));
        (0..rows).step_by(each).map(move |start| start..rows.min(start + each))
    }

    /// Asks every piece, and hands what they say to `take` with the rows of each, until that says
    /// that it is enough.
    pub(crate) async fn each<T>(
        &mut self,
        mut ask: impl FnMut(&dyn Chunk, &Range<usize>) -> Result<T, EvalError>,
        mut take: impl FnMut(Range<usize>, T) -> bool,
    ) -> Result<(), ScanError> {
        let mut asked_all = true;
        for rows in self.pieces() {
            let said = self.ask(rows.clone(), None, &mut |chunk| ask(chunk, &rows)).await?;
            if !take(rows, said) {
                asked_all = false;
                break;
            }
        }
        if asked_all && !self.has_repeats {
            self.block.note_distinct(self.group);
        }
        Ok(())
    }

    /// Asks some rows, with leaves that are read for them alone: at first those of `fields`.
    pub(crate) async fn some<T>(
        &mut self,
        rows: Range<usize>,
        fields: &[Field],
        mut ask: impl FnMut(&dyn Chunk) -> Result<T, EvalError>,
    ) -> Result<T, ScanError> {
        let paths = likely_leaves(self.block, &self.dictionaries, fields);
        let leaves = self.block.leaves(self.source, self.group, Some(rows.clone()), &paths).await?;
        self.bytes += leaves.bytes_read();
        self.reads += 1;
        let whole = self.leaves.replace(leaves);
        let said = self.ask(rows.clone(), Some(rows), &mut ask).await;
        self.leaves = whole;
        said
    }

    /// Asks some rows until all leaves that they need were read: for `only` some rows, or for all.
    async fn ask<T>(
        &mut self,
        rows: Range<usize>,
        only: Option<Range<usize>>,
        ask: &mut impl FnMut(&dyn Chunk) -> Result<T, EvalError>,
    ) -> Result<T, ScanError> {
        loop {
            if self.how.stop.is_stopped() {
                return Err(ScanError::Stopped);
            }
            let needs = match self.try_ask(rows.clone(), ask) {
                Ok(said) => return Ok(said),
                Err(EvalError::Query(why)) => return Err(ScanError::Query(why)),
                Err(EvalError::Chunk(ChunkError::Block(error))) => return Err(error.into()),
                Err(EvalError::Chunk(ChunkError::Needs(needs))) => needs,
            };
            let known = self.leaves.as_ref();
            if needs.iter().all(|path| known.is_some_and(|leaves| leaves.has(path))) {
                let why = format!("leaves that were read are not found: {needs:?}");
                return Err(BlockError::Corrupt(why).into());
            }
            let leaves = self.block.leaves(self.source, self.group, only.clone(), &needs).await?;
            self.bytes += leaves.bytes_read();
            self.reads += 1;
            match &mut self.leaves {
                Some(known) => known.add(leaves),
                None => self.leaves = Some(leaves),
            }
        }
    }

    fn try_ask<T>(
        &mut self,
        rows: Range<usize>,
        ask: &mut impl FnMut(&dyn Chunk) -> Result<T, EvalError>,
    ) -> Result<T, EvalError> {
        let Some(leaves) = &self.leaves else {
            return Err(ChunkError::Needs(vec![StoredChunk::SHAPE.to_owned()]).into());
        };
        let gate = self.how.gate.clone();
        let _inside = gate.as_deref().map(Gate::enter);
        let is_distinct = self.block.is_distinct(self.group);
        let chunk = StoredChunk::new(self.block, leaves, &self.dictionaries, rows, is_distinct)?;
        let said = ask(&chunk)?;
        self.has_repeats |= chunk.has_repeats();
        Ok(said)
    }
}

/// What is read of a row group.
#[derive(Debug, Clone)]
pub enum Reads {
    /// These fields.
    Fields(Vec<Field>),
    /// About everything.
    All,
}

/// Bytes that a row group takes while it is read for these fields, about: what is stored of their
/// leaves, several times over when it is inflated and decoded.
pub fn estimate(block: &Block, group: usize, fields: &Reads) -> u64 {
    const INFLATED: u64 = 4;
    const BESIDE: u64 = 8 << 20;
    let Reads::Fields(fields) = fields else {
        return block.bytes_of_group(group).saturating_mul(INFLATED).saturating_add(BESIDE);
    };
    let stored = |path: &str| block.bytes_of(group, path);
    let of_field = |field: &Field| match field {
        Field::Named(scope, _) => {
            let list = keys_of(*scope).trim_end_matches("Key");
            let leaves = ["Key", "IsArray", "Value", "ValueInt", "ValueDouble", "ValueBool"];
            leaves.iter().map(|leaf| stored(&format!("{list}{leaf}"))).sum()
        }
        _ => stored("rs.ss.Spans.StartTimeUnixNano"),
    };
    fields.iter().map(of_field).sum::<u64>().saturating_mul(INFLATED).saturating_add(BESIDE)
}
