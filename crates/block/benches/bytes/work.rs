//! What is done with blocks, and what it takes of the processor.

use anyhow::{Context, Result};
use std::time::Duration;
use tributary_block::{Block, BlockWriter, FinishedBlock, Merge, WriterSettings};
use tributary_span::Columns;
use uuid::Uuid;

const RUNS: usize = 3;

/// What this thread has had of the processor.
pub(crate) fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Microseconds for each of so many.
pub(crate) fn micros(took: Duration, each: u64) -> f64 {
    took.as_secs_f64() * 1e6 / each as f64
}

/// The least of several runs, and what the last one made.
pub(crate) fn least<T>(mut work: impl FnMut() -> Result<T>) -> Result<(Duration, T)> {
    let mut best: Option<(Duration, T)> = None;
    for _ in 0..RUNS {
        let start = cpu();
        let made = work()?;
        let took = cpu() - start;
        let least = best.map_or(took, |(least, _)| took.min(least));
        best = Some((least, made));
    }
    best.context("no run")
}

/// All of a block, row group by row group.
pub(crate) async fn read(block: &FinishedBlock) -> Result<usize> {
    let handle = Block::open(block, block.meta.clone()).await?;
    let mut spans = 0;
    for number in 0..handle.row_groups() {
        spans += handle.row_group(block, number).await?.len();
    }
    Ok(spans)
}

/// Some traces by their ids, with a footer that was read before: how many.
pub(crate) async fn find(block: &FinishedBlock) -> Result<u64> {
    let handle = Block::open(block, block.meta.clone()).await?;
    let mut found = 0;
    for number in 0..handle.row_groups() {
        for id in handle.trace_ids(block, number).await?.iter().step_by(97) {
            handle.find(block, id).await?.context("a trace is missing")?;
            found += 1;
        }
    }
    Ok(found)
}

/// Blocks become one, as a compactor merges them.
pub(crate) async fn merge(inputs: &[FinishedBlock], settings: &WriterSettings) -> Result<u64> {
    let blocks = inputs.iter().map(|block| (block.meta.clone(), block.clone()));
    let mut merge = Merge::open(blocks.collect()).await?;
    let mut writer = BlockWriter::new(Uuid::nil(), "t", settings.clone())?;
    let mut waiting: Vec<Columns> = Vec::new();
    loop {
        let step = merge.next().await?;
        let ended = step.is_empty();
        waiting.extend(step);
        let spans: usize = waiting.iter().map(Columns::len).sum();
        if ended || spans >= settings.row_group_spans {
            writer.push(&waiting.iter().collect::<Vec<_>>())?;
            waiting.clear();
        }
        if ended {
            return Ok(writer.finish()?.stats.spans);
        }
    }
}
