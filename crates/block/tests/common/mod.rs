//! What the tests share: recorded spans as batches, blocks read back, spans compared.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test uses its part, and in a test a panic is the answer"
)]

use anyhow::{Context, Result};
use std::path::PathBuf;
use tributary_block::{
    Block, BlockError, BlockMeta, Bloom, FinishedBlock, FolderSource, Object, Source, bloom,
};
use tributary_span::columns::Builder;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_span::otlp::encode;
use tributary_span::{Columns, TraceId};
use tributary_store::{Store, StoreOptions};
use tributary_testkit::NormalSpan;
use uuid::Uuid;

pub const ID: Uuid = Uuid::from_u128(0x7269_0001_0002_4003_8004_0000_0000_0005);

/// A request as columns of its own.
pub fn columns(request: &[u8]) -> Columns {
    let mut builder = Builder::new();
    let outcome = append_all(&mut builder, request, &Limits::default()).unwrap();
    assert_eq!(outcome.rejected, 0);
    builder.take()
}

/// Spans as OTLP says them, sorted.
pub fn normal(columns: &Columns) -> Vec<NormalSpan> {
    let rows: Vec<u32> = (0..u32::try_from(columns.len()).unwrap()).collect();
    let mut bytes = Vec::new();
    encode::resource_spans(&mut bytes, columns, &rows);
    sorted(NormalSpan::parse(&bytes).unwrap())
}

pub fn sorted(mut spans: Vec<NormalSpan>) -> Vec<NormalSpan> {
    spans.sort();
    spans
}

/// All spans of a block, row group by row group.
pub async fn read_all<S: Source>(source: &S, meta: &BlockMeta) -> Result<Vec<Columns>> {
    let block = Block::open(source, meta.clone()).await?;
    let mut all = Vec::new();
    for number in 0..block.row_groups() {
        all.push(block.row_group(source, number).await?);
    }
    Ok(all)
}

/// All spans of a finished block, sorted. Checks that its columns hold their invariants.
pub fn read_back(block: &FinishedBlock) -> Vec<NormalSpan> {
    let all = wait(read_all(block, &block.meta)).unwrap();
    all.iter().for_each(|columns| columns.check().unwrap());
    sorted(all.iter().flat_map(normal).collect())
}

/// The spans of one trace in a finished block, sorted.
pub fn find(block: &FinishedBlock, trace: &TraceId) -> Option<Vec<NormalSpan>> {
    let found = wait(lookup(block, &block.meta, trace)).unwrap();
    found.map(|columns| normal(&columns))
}

/// The spans of one trace as a program finds them that keeps nothing: bloom filter, footer, data.
pub async fn lookup<S: Source>(
    source: &S,
    meta: &BlockMeta,
    trace: &TraceId,
) -> Result<Option<Columns>, BlockError> {
    let shard = bloom::shard_of(trace, meta.bloom_count());
    if !Bloom::parse(source.whole(Object::Bloom(shard)).await?)?.may_contain(trace) {
        return Ok(None);
    }
    Block::open(source, meta.clone()).await?.find(source, trace).await
}

pub fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A block that Tempo wrote: its folder.
pub fn tempo_block(encoding: &str) -> Result<PathBuf> {
    let tenant =
        tributary_testkit::data_dir()?.join("tempo-blocks").join(encoding).join("single-tenant");
    let mut folders = std::fs::read_dir(&tenant).with_context(|| tenant.display().to_string())?;
    Ok(folders.next().context("no block in the folder")??.path())
}

/// A block in a local folder, as a source with its meta.
pub async fn open_folder(folder: &std::path::Path) -> Result<(FolderSource, BlockMeta)> {
    let name = folder.file_name().context("no name")?.to_string_lossy().into_owned();
    let parent = folder.parent().context("no parent")?.to_string_lossy().into_owned();
    let store = Store::open(&format!("file://{parent}"), &StoreOptions::default()).await?;
    let meta = BlockMeta::parse(&std::fs::read(folder.join("meta.json"))?)?;
    Ok((FolderSource::new(store, name), meta))
}
