//! What a block costs: `cargo bench -p tributary-block`. Prints a table; needs the recorded spans.
//!
//! CPU is the process's own (`/proc/self/stat` counts too coarsely, so the clock is used on one
//! thread that does nothing else); of several runs the fastest counts.

use anyhow::Result;
use std::time::{Duration, Instant};
use tributary_block::{
    Block, BlockMeta, BlockWriter, Bloom, FinishedBlock, FolderSource, Merge, Object, Opened,
    Source, Splice, WriterSettings, bloom, write,
};
use tributary_span::columns::Builder;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_span::{Columns, TraceId};
use tributary_store::{Store, StoreOptions};
use uuid::Uuid;

const RUNS: usize = 5;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run())
}

fn fastest<T>(mut work: impl FnMut() -> T) -> (Duration, T) {
    let mut best: Option<(Duration, T)> = None;
    for _ in 0..RUNS {
        let start = Instant::now();
        let made = work();
        let took = start.elapsed();
        if best.as_ref().is_none_or(|(b, _)| took < *b) {
            best = Some((took, made));
        }
    }
    best.expect("there is at least one run")
}

fn per(duration: Duration, spans: usize) -> f64 {
    duration.as_secs_f64() * 1e6 / spans as f64
}

fn batches(records: impl Iterator<Item = Vec<u8>>) -> Vec<Columns> {
    let decode = |record: Vec<u8>| {
        let mut builder = Builder::new();
        append_all(&mut builder, &record, &Limits::default()).expect("recorded requests are valid");
        builder.take()
    };
    records.map(decode).collect()
}

#[expect(clippy::print_stdout, reason = "the table is the result")]
async fn run() -> Result<()> {
    let recordings = tributary_testkit::recordings()?;
    let all = batches(recordings.iter().flat_map(|r| r.records.iter().cloned()));
    let borrowed: Vec<&Columns> = all.iter().collect();
    let settings = WriterSettings::default();
    let (took, block) = fastest(|| write(Uuid::from_u128(1), "t", &borrowed, &settings));
    let block = block?;
    let spans = usize::try_from(block.stats.spans)?;
    let each = |bytes: usize| bytes as f64 / spans as f64;
    let blooms: usize = block.blooms.iter().map(|b| b.len()).sum();
    println!(
        "spans {spans}, traces {}, row groups {}",
        block.stats.traces, block.meta.total_records
    );
    println!("write                 {:8.2} µs/span", per(took, spans));
    println!("data.parquet          {:8.2} B/span", each(block.data.len()));
    println!("  of it footer        {:8.2}", each(block.meta.footer_size as usize));
    println!("bloom                 {:8.2} B/span", each(blooms));

    // The requests that Tempo's own block was made of.
    let same = batches(recordings.iter().flat_map(|r| r.records.iter().skip(6).take(4).cloned()));
    let same: Vec<&Columns> = same.iter().collect();
    let small = write(Uuid::from_u128(1), "t", &same, &settings)?;
    println!(
        "20.6k spans as in Tempo's block: {:.1} B/span (Tempo's 91.1)",
        small.data.len() as f64 / small.stats.spans as f64
    );
    if std::env::var_os("BLOCK_COLUMNS").is_some() {
        columns(&block.data, spans)?;
    }

    // In a folder of a local store, as an ingester keeps it.
    let folder = tempfile::tempdir()?;
    for (n, bloom) in block.blooms.iter().enumerate() {
        std::fs::write(folder.path().join(format!("bloom-{n}")), bloom)?;
    }
    std::fs::write(folder.path().join("data.parquet"), &block.data)?;
    let url = format!("file://{}", folder.path().display());
    let source = FolderSource::new(Store::open(&url, &StoreOptions::default()).await?, "");
    let handle = Block::open(&block, block.meta.clone()).await?;
    let mut reads = Vec::new();
    for _ in 0..RUNS {
        let start = Instant::now();
        let mut read = 0;
        for number in 0..handle.row_groups() {
            read += handle.row_group(&block, number).await?.len();
        }
        anyhow::ensure!(read == spans, "not all spans came back");
        reads.push(start.elapsed());
    }
    println!(
        "read all              {:8.2} µs/span",
        per(*reads.iter().min().expect("runs"), spans)
    );
    merge(&all).await?;
    println!("open handle           {:8} bytes of memory", handle.bytes());

    let mut ids: Vec<TraceId> = all.iter().flat_map(|c| c.traces.iter().copied()).collect();
    ids.sort_unstable();
    ids.dedup();
    let ids: Vec<TraceId> = ids.into_iter().step_by(29).collect();
    by_id("footer and bloom cached, memory", &block, &block.meta, &ids, true).await?;
    by_id("footer and bloom cached, files", &source, &block.meta, &ids, true).await?;
    by_id("nothing cached, files", &source, &block.meta, &ids, false).await
}

/// Eight blocks, as of two ingesters of which each wrote four, become one.
#[expect(clippy::print_stdout, reason = "the table is the result")]
async fn merge(all: &[Columns]) -> Result<()> {
    let settings = WriterSettings::default();
    let eighth = |n: usize| {
        let own: Vec<&Columns> = all.iter().skip(n).step_by(8).collect();
        write(Uuid::from_u128(n as u128), "t", &own, &settings)
    };
    let inputs = (0..8).map(eighth).collect::<Result<Vec<FinishedBlock>, _>>()?;
    let mut times = Vec::new();
    let mut spans = 0;
    for _ in 0..RUNS {
        let start = Instant::now();
        let blocks = inputs.iter().map(|block| (block.meta.clone(), block.clone()));
        let mut merge = Merge::open(blocks.collect()).await?;
        let mut writer = BlockWriter::new(Uuid::nil(), "t", settings.clone())?;
        let mut waiting: Vec<Columns> = Vec::new();
        loop {
            let step = merge.next().await?;
            let ended = step.is_empty();
            waiting.extend(step);
            if ended || waiting.iter().map(Columns::len).sum::<usize>() >= 32 << 10 {
                writer.push(&waiting.iter().collect::<Vec<_>>())?;
                waiting.clear();
            }
            if ended {
                break;
            }
        }
        spans = usize::try_from(writer.finish()?.stats.spans)?;
        times.push(start.elapsed());
    }
    let best = times.iter().min().copied().unwrap_or_default();
    println!("row\tmerging blocks span by span, CPU per span\t{:.3}\tµs", per(best, spans));
    for group in [32 << 10, 64 << 10] {
        splice(&inputs, group).await?;
    }
    Ok(())
}

/// The same leaf by leaf.
#[expect(clippy::print_stdout, reason = "the table is the result")]
async fn splice(inputs: &[FinishedBlock], group: usize) -> Result<()> {
    let settings = WriterSettings::default();
    let (mut times, mut spans) = (Vec::new(), 0);
    for _ in 0..RUNS {
        let start = Instant::now();
        let blocks = inputs.iter().map(|block| (block.meta.clone(), block.clone()));
        let opened = Splice::open(blocks.collect(), &settings.dedicated, group).await?;
        let Opened::Splice(mut splice) = opened else { anyhow::bail!("another schema") };
        let mut writer = BlockWriter::new(Uuid::nil(), "t", settings.clone())?;
        while let Some(step) = splice.next().await? {
            splice.count(&writer.splice(&step)?);
        }
        spans = usize::try_from(writer.finish()?.stats.spans)?;
        times.push(start.elapsed());
    }
    let best = times.iter().min().copied().unwrap_or_default();
    println!("row\tmerging blocks, groups of {group}, CPU per span\t{:.3}\tµs", per(best, spans));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the table is the result")]
async fn by_id<S: Source>(
    name: &str,
    source: &S,
    meta: &BlockMeta,
    ids: &[TraceId],
    cached: bool,
) -> Result<()> {
    let handle = Block::open(source, meta.clone()).await?;
    let object = Object::Bloom(0);
    let bloom = Bloom::parse(source.whole(object).await?)?;
    let mut times = Vec::new();
    for id in ids {
        let start = Instant::now();
        let found = match cached {
            true if bloom.may_contain(id) => handle.find(source, id).await?,
            true => None,
            false => {
                let shard = Object::Bloom(bloom::shard_of(id, meta.bloom_count()));
                match Bloom::parse(source.whole(shard).await?)?.may_contain(id) {
                    true => Block::open(source, meta.clone()).await?.find(source, id).await?,
                    false => None,
                }
            }
        };
        anyhow::ensure!(found.is_some_and(|c| !c.is_empty()), "a trace is missing");
        times.push(start.elapsed());
    }
    times.sort();
    let at = |share: f64| {
        let found = times.get((times.len() as f64 * share) as usize);
        found.map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    };
    println!("by id, {name:32} median {:.2} ms, p99 {:.2} ms", at(0.5), at(0.99));
    Ok(())
}

/// Bytes of each column.
#[expect(clippy::print_stdout, reason = "the table is the result")]
fn columns(data: &bytes::Bytes, spans: usize) -> Result<()> {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let reader = SerializedFileReader::new(data.clone())?;
    let mut sizes = std::collections::BTreeMap::<String, (i64, i64)>::new();
    for group in reader.metadata().row_groups() {
        for column in group.columns() {
            let size = sizes.entry(column.column_path().string()).or_default();
            size.0 += column.compressed_size();
            size.1 += column.uncompressed_size();
        }
    }
    let mut sizes: Vec<_> = sizes.into_iter().collect();
    sizes.sort_by_key(|(_, (size, _))| -size);
    for (path, (size, plain)) in sizes {
        println!("{:8.3} {:8.2} {path}", size as f64 / spans as f64, plain as f64 / spans as f64);
    }
    Ok(())
}
