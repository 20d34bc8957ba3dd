//! What is stored of a span: `cargo bench -p tributary-block --bench bytes`. Prints tables; needs the
//! recorded spans.
//!
//! Of two kinds of spans, the recorded ones and [`made`] ones: leaf by leaf what a fresh block and a
//! merged one take, and what their values are worth; what is done with such blocks; then bytes and
//! time for levels of zstd and sizes of row groups. Time is that of the processor, of several runs the
//! least; all happens on one thread.

#[path = "bytes/leaves.rs"]
mod leaves;
#[path = "bytes/made.rs"]
mod made;
#[path = "bytes/work.rs"]
mod work;

use anyhow::Result;
use tokio::runtime::{Builder as Runtime, Runtime as Rt};
use tributary_block::{Encodings, FinishedBlock, WriterSettings, write};
use tributary_span::Columns;
use tributary_span::columns::Builder;
use tributary_span::otlp::decode::{Limits, append_all};
use uuid::Uuid;
use work::{least, micros};

/// Spans of a row group of a fresh block.
const FRESH: usize = 64 << 10;
/// Of a merged one in little memory.
const MERGED_SMALL: usize = 32 << 10;
/// And in much.
const MERGED: usize = 256 << 10;

fn main() -> Result<()> {
    let recorded: Vec<Vec<u8>> =
        tributary_testkit::recordings()?.into_iter().flat_map(|r| r.records).collect();
    let recorded = tributary_testkit::rounds(&recorded, 2)?;
    show("recorded spans, and once more with fresh ids, times and unique texts", recorded)?;
    show("made spans: short, HTTP, with attributes that hardly repeat", made::requests(300_000))
}

fn columns(requests: Vec<Vec<u8>>) -> Vec<Columns> {
    let decode = |request: Vec<u8>| {
        let mut builder = Builder::new();
        append_all(&mut builder, &request, &Limits::default()).expect("requests are valid");
        builder.take()
    };
    requests.into_iter().map(decode).collect()
}

fn settings(level: u32, row_group_spans: usize) -> WriterSettings {
    WriterSettings { row_group_spans, ..WriterSettings::default().of_level(level) }
}

#[expect(clippy::print_stdout, reason = "the tables are the result")]
fn show(kind: &str, requests: Vec<Vec<u8>>) -> Result<()> {
    let all = columns(requests);
    let batches: Vec<&Columns> = all.iter().collect();
    let made = |settings: WriterSettings| write(Uuid::from_u128(1), "t", &batches, &settings);
    let (fresh, merged) = (made(settings(0, FRESH))?, made(settings(1, MERGED))?);
    let stats = fresh.stats;
    println!("\n{kind}: {} spans in {} traces\n", stats.spans, stats.traces);
    by_leaf(&fresh, &merged)?;
    let runtime = Runtime::new_current_thread().build()?;
    uses(&runtime, &batches)?;

    println!("\n| encodings | row group | zstd | B/span | write, µs/span | read, µs/span |");
    println!("|---|--:|--:|--:|--:|--:|");
    for encodings in [Encodings::Fast, Encodings::Small] {
        for row_group_spans in [MERGED_SMALL, FRESH, MERGED] {
            for zstd_level in [1, 3, 6, 9] {
                let own = WriterSettings { zstd_level, encodings, ..settings(0, row_group_spans) };
                let (took, block) = least(|| Ok(made(own.clone())?))?;
                let (reading, _) = least(|| runtime.block_on(work::read(&block)))?;
                println!(
                    "| {encodings:?} | {}k | {zstd_level} | {:.2} | {:.2} | {:.2} |",
                    row_group_spans >> 10,
                    block.data.len() as f64 / stats.spans as f64,
                    micros(took, stats.spans),
                    micros(reading, stats.spans),
                );
            }
        }
    }
    Ok(())
}

/// What leaves take, in bytes a span.
#[expect(clippy::print_stdout, reason = "the table is the result")]
fn by_leaf(fresh: &FinishedBlock, merged: &FinishedBlock) -> Result<()> {
    let spans = fresh.stats.spans as f64;
    println!("| leaf | fresh, B/span | merged | worth | encodings |\n|---|--:|--:|--:|---|");
    let (before, after) = (leaves::costs(&fresh.data)?, leaves::costs(&merged.data)?);
    let mut rows: Vec<_> = after.iter().collect();
    rows.sort_by_key(|(_, cost)| -cost.stored);
    let (mut fresh_rest, mut merged_rest, mut worth_rest) = (0.0, 0.0, 0.0);
    for (path, cost) in rows {
        let stored = before.get(path).map_or(0, |cost| cost.stored) as f64 / spans;
        let (small, worth) = (cost.stored as f64 / spans, cost.entropy / spans);
        if stored.max(small) < 0.1 {
            fresh_rest += stored;
            merged_rest += small;
            worth_rest += worth;
            continue;
        }
        let path = path.replace(".list.element", "").replace(".key_value", "");
        let encodings: Vec<&str> = cost.encodings.iter().copied().collect();
        println!("| {path} | {stored:.2} | {small:.2} | {worth:.2} | {} |", encodings.join(", "));
    }
    println!("| all others | {fresh_rest:.2} | {merged_rest:.2} | {worth_rest:.2} | |");
    let row = |what: &str, bytes: fn(&FinishedBlock) -> usize| {
        let [fresh, merged] = [fresh, merged].map(|block| bytes(block) as f64 / spans);
        println!("| {what} | {fresh:.2} | {merged:.2} | | |");
    };
    row("footer", |block| block.meta.footer_size as usize);
    row("**data.parquet**", |block| block.data.len());
    row("blooms", |block| block.blooms.iter().map(|bloom| bloom.len()).sum());
    Ok(())
}

/// What is done with a quarter of the spans as a block, and with four such.
#[expect(clippy::print_stdout, reason = "the table is the result")]
fn uses(runtime: &Rt, batches: &[&Columns]) -> Result<()> {
    println!("\n| blocks of a quarter | a trace by its id, µs | merging all four, µs/span |");
    println!("|---|--:|--:|");
    for (what, level, row_group_spans) in [("fresh", 0, FRESH), ("merged", 1, MERGED)] {
        let settings = settings(level, row_group_spans);
        let mut blocks: Vec<FinishedBlock> = Vec::new();
        for quarter in 0..4 {
            // As of four ingesters or four times: traces meet.
            let own: Vec<&Columns> = batches.iter().copied().skip(quarter).step_by(4).collect();
            blocks.push(write(Uuid::from_u128(1), "t", &own, &settings)?);
        }
        let found = least(|| match blocks.first() {
            Some(block) => runtime.block_on(work::find(block)),
            None => Ok(0),
        })?;
        let into = self::settings(level + 1, MERGED);
        let merged = least(|| runtime.block_on(work::merge(&blocks, &into)))?;
        let [found, merged] = [found, merged].map(|(took, each)| micros(took, each));
        println!("| {what} | {found:.0} | {merged:.2} |");
    }
    Ok(())
}
