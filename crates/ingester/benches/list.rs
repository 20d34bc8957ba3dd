//! What the list of blocks costs as it grows, over a store that takes 30 ms for each answer:
//! `cargo bench -p tributary-ingester --bench list`.
//!
//! All blocks but one hold the same traces: a look-up asks each one's filter, and reads the rows of those
//! whose filters are wrong. "First" look-ups read filters, later ones go by what is kept of them.
#![expect(clippy::print_stdout, reason = "the table is the result")]

use anyhow::{Context, Result};
use bytes::Bytes;
use object_store::memory::InMemory;
use object_store::throttle::{ThrottleConfig, ThrottledStore};
use object_store::{ObjectStoreExt, PutPayload};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tributary_block::{FinishedBlock, Object, WriterSettings, write};
use tributary_ingester::block::KnownBlocks;
use tributary_query::api::TimeRange;
use tributary_span::TraceId;
use tributary_span::columns::Builder;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_store::Store;
use tributary_testkit::sample;
use uuid::Uuid;

const ANSWER: Duration = Duration::from_millis(30);
const CACHE: usize = 32 << 20;
const LOOK_UPS: u8 = 20;

#[tokio::main]
async fn main() -> Result<()> {
    println!("blocks | list, s | requests | B a block | first look-up, ms | requests | later, ms");
    for blocks in [10, 1_000, 10_000] {
        measure(blocks).await?;
    }
    Ok(())
}

async fn measure(blocks: u128) -> Result<()> {
    let bucket = Arc::new(InMemory::new());
    let other = block(1, 1..1_000)?;
    for n in 1..blocks {
        put(&bucket, &other, Uuid::from_u128(n)).await?;
    }
    let wanted = block(2, 100_000..101_000)?;
    put(&bucket, &wanted, Uuid::from_u128(1 << 100)).await?;

    let slow = ThrottleConfig {
        wait_get_per_call: ANSWER,
        wait_list_with_delimiter_per_call: ANSWER,
        wait_list_per_call: ANSWER,
        ..ThrottleConfig::default()
    };
    let store = Store::from_parts(Arc::new(ThrottledStore::new(bucket, slow)), "")?;
    let requests = || {
        let counted = store.counters().snapshot();
        counted.gets + counted.lists
    };
    let known = KnownBlocks::new(store.clone(), CACHE, Duration::from_secs(15), Arc::default());
    let (start, memory) = (Instant::now(), resident()?);
    known.poll_once().await?;
    let listing = (start.elapsed().as_secs_f64(), requests());
    let bytes = (resident()? - memory) as f64 / blocks as f64;

    let mut times = Vec::new();
    let mut first = (Duration::ZERO, 0);
    for n in 0..LOOK_UPS {
        let (start, before) = (Instant::now(), requests());
        let trace = id(100_000 + u64::from(n) * 7);
        let found = known.find("t", &trace, TimeRange::ALL, None).await;
        anyhow::ensure!(found.failed.is_empty() && found.parts.len() == 1, "one part is there");
        match n {
            0 => first = (start.elapsed(), requests() - before),
            _ => times.push(start.elapsed()),
        }
    }
    times.sort();
    let median = times.get(times.len() / 2).context("no times")?;
    println!(
        "{blocks} | {:.2} | {} | {bytes:.0} | {} | {} | {}",
        listing.0,
        listing.1,
        first.0.as_millis(),
        first.1,
        median.as_millis(),
    );
    Ok(())
}

fn id(n: u64) -> TraceId {
    let mut id = [7; 16];
    id[8..].copy_from_slice(&n.to_be_bytes());
    TraceId(id)
}

/// A block of traces of one span.
fn block(block: u128, traces: std::ops::Range<u64>) -> Result<FinishedBlock> {
    let mut builder = Builder::new();
    for n in traces {
        let mut request = sample::plain(1);
        let spans = request.resource_spans.iter_mut().flat_map(|resource| {
            resource.scope_spans.iter_mut().flat_map(|scope| scope.spans.iter_mut())
        });
        spans.for_each(|span| span.trace_id = id(n).0.to_vec());
        append_all(&mut builder, &prost::Message::encode_to_vec(&request), &Limits::default())?;
    }
    let columns = builder.take();
    Ok(write(Uuid::from_u128(block), "t", &[&columns], &WriterSettings::default())?)
}

async fn put(bucket: &InMemory, block: &FinishedBlock, id: Uuid) -> Result<()> {
    let mut meta = block.meta.clone();
    meta.block_id = id;
    let blooms = block.blooms.iter().enumerate().map(|(n, bytes)| {
        (Object::Bloom(u32::try_from(n).unwrap_or_default()).name(), bytes.clone())
    });
    let objects = blooms.chain([
        (Object::Data.name(), block.data.clone()),
        ("meta.json".to_owned(), Bytes::from(meta.to_json())),
    ]);
    for (name, bytes) in objects {
        let path = format!("blocks/t/{id}/{name}");
        bucket.put(&path.into(), PutPayload::from_bytes(bytes)).await?;
    }
    Ok(())
}

fn resident() -> Result<i64> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages: i64 = text.split_whitespace().nth(1).context("statm")?.parse()?;
    Ok(pages * 4096)
}
