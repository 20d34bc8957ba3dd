//! Reading an epoch's objects: one segment, one piece of a file, one row group at a time.

use super::frames;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use tributary_block::{Block, BlockError, BlockMeta, Bloom, FolderSource, Object, Source, bloom};
use tributary_journal::audit::content::{self, BlockRead, SegmentRead, SpansRead, Undecoded};
use tributary_journal::audit::{EpochView, Finding, WindowView};
use tributary_journal::segment::{MAX_SEGMENT, Segment, SegmentError};
use tributary_journal::{BlockEntry, Journal, JournalError, SegmentInfo, layout};
use tributary_span::Columns;
use tributary_span::otlp::encode;
use tributary_store::{Store, StoreError};
use tributary_wire::frame::FrameError;

/// How much of a file is held at a time while its checksum is taken.
const PIECE: u64 = 4 << 20;
/// More filters than any block has.
const MOST_BLOOMS: u32 = 1000;

/// What was read.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub(crate) struct Read {
    /// Segments.
    pub(crate) segments: u64,
    /// Blocks.
    pub(crate) blocks: u64,
    /// Spans in these blocks.
    pub(crate) spans: u64,
    /// Bytes of segments and of blocks' data.
    pub(crate) bytes: u64,
}

impl Read {
    fn add_block(&mut self, block: &BlockRead) {
        self.blocks += 1;
        self.bytes += block.data.map_or(0, |(size, _)| size);
        let spans = block.spans.as_ref().and_then(|spans| spans.as_ref().ok());
        self.spans += spans.map_or(0, |spans| spans.rows);
    }

    pub(crate) fn add(&mut self, other: &Read) {
        self.segments += other.segments;
        self.blocks += other.blocks;
        self.spans += other.spans;
        self.bytes += other.bytes;
    }
}

/// Reads the segments of an epoch and the blocks that its slots name: all, or those that have to
/// do with the objects in `only`.
pub(crate) async fn epoch(
    journal: &Journal,
    view: &EpochView,
    only: Option<&BTreeSet<&str>>,
) -> Result<(Vec<Finding>, Read)> {
    let store = journal.store();
    let mut found = Vec::new();
    let mut read = Read::default();
    let slots = || view.slots.values().filter(|_| !view.retired).flatten();
    let covers = slots().flat_map(|slot| &slot.covers);
    let covers: BTreeMap<u64, SegmentInfo> = covers.map(|info| (info.n, *info)).collect();
    for (&n, listed) in &view.segments {
        let path = layout::segment(&view.epoch, n);
        if only.is_none_or(|only| only.contains(path.as_str())) {
            let covered = covers.get(&n).copied();
            let segment = match listed.len > MAX_SEGMENT as u64 {
                true => Err(SegmentError::Damaged("longer than any segment")),
                false => match journal.read_segment(&view.epoch, n).await {
                    // Whose segment lies under another's name is for the audit to say.
                    Ok(object) => object.segment.or_else(|_| Segment::parse(object.bytes)),
                    // It is covered and was collected meanwhile.
                    Err(JournalError::Store(StoreError::NotFound { .. })) => continue,
                    Err(JournalError::Unsteady { .. }) => {
                        found.push(content::unsteady(&view.epoch, n));
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                },
            };
            let spans = segment.as_ref().ok().map(spans_in_frames);
            read.segments += 1;
            read.bytes += listed.len;
            let segment = segment.as_ref();
            let read = SegmentRead { epoch: view.epoch, n, segment, covered, spans };
            found.extend(content::segment(&read));
        }
    }
    let is_merged =
        |entry: &&BlockEntry| view.superseded.contains(&(entry.tenant.clone(), entry.id));
    for entry in slots().flat_map(|slot| &slot.blocks).filter(|entry| !is_merged(entry)) {
        let folder = layout::block(&entry.tenant, &entry.id);
        let concerns = |path: &&str| path.strip_prefix(&folder).is_some_and(|p| p.starts_with('/'));
        if only.is_none_or(|only| only.iter().any(concerns)) {
            let source = FolderSource::new(store.clone(), folder);
            let block = block(store, &source, entry).await?;
            read.add_block(&block);
            found.extend(content::block(entry, &block));
        }
    }
    Ok((found, read))
}

/// Reads the blocks that a window's records made and that stand.
pub(crate) async fn window(store: &Store, view: &WindowView) -> Result<(Vec<Finding>, Read)> {
    let mut found = Vec::new();
    let mut read = Read::default();
    for (_, entry) in view.standing() {
        let folder = layout::block(&entry.tenant, &entry.id);
        let source = FolderSource::new(store.clone(), folder);
        let block = block(store, &source, entry).await?;
        read.add_block(&block);
        found.extend(content::block(entry, &block));
    }
    Ok((found, read))
}

/// The spans of a segment, counted in its frames. A frame that is newer than this release says more of
/// it than one that is malformed.
fn spans_in_frames(segment: &Segment) -> Result<u64, Undecoded> {
    let mut spans = Ok(0);
    for frame in frames::decoded(segment) {
        spans = match (spans, frame.spans) {
            (_, Err(why @ FrameError::Version(_))) => {
                return Err(Undecoded::Newer(why.to_string()));
            }
            (Ok(sum), Ok(spans)) => Ok(sum + spans),
            (Ok(_), Err(why)) => Err(Undecoded::Malformed(why.to_string())),
            (Err(why), _) => Err(why),
        };
    }
    spans
}

/// Reads the objects of a block. One that is not there is left out: listings tell of it.
async fn block(store: &Store, source: &FolderSource, entry: &BlockEntry) -> Result<BlockRead> {
    let path = |name: &str| layout::block_object(&entry.tenant, &entry.id, name);
    let data = checksum(store, &path("data.parquet")).await?;
    let mut read = BlockRead { data, ..BlockRead::default() };
    read.meta = match store.get(&path(layout::META)).await {
        Ok(meta) => Some(meta.to_vec()),
        Err(StoreError::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    if read.data.is_none() {
        return Ok(read);
    }
    // The slot's meta, whose checksum held, and not the one beside the data.
    let meta = match BlockMeta::parse(&entry.meta) {
        Ok(meta) => meta,
        Err(error) => {
            read.spans = Some(Err(error.to_string()));
            return Ok(read);
        }
    };
    let mut blooms = Vec::new();
    for n in 0..meta.bloom_count().min(MOST_BLOOMS) {
        match source.whole(Object::Bloom(n)).await {
            Ok(bytes) => blooms.push(Bloom::parse(bytes).ok()),
            Err(BlockError::Missing(_)) => {
                read.blooms_missing.push(n);
                blooms.push(None);
            }
            Err(error) => return Err(error.into()),
        }
    }
    read.blooms_damaged = (0..).zip(&blooms).filter(|(_, b)| b.is_none()).map(|(n, _)| n).collect();
    read.blooms_damaged.retain(|n| !read.blooms_missing.contains(n));
    read.spans = match spans(source, meta, &blooms).await {
        Ok(spans) => Some(Ok(spans)),
        Err(BlockError::Missing(_)) => None,
        Err(BlockError::Source(error)) if may_pass(error.as_ref()) => {
            return Err(anyhow::anyhow!(error));
        }
        Err(error) => Some(Err(error.to_string())),
    };
    Ok(read)
}

/// Whether the store failed, and not what lies in it: a file that ends too early is refused.
fn may_pass(error: &(dyn std::error::Error + 'static)) -> bool {
    !matches!(error.downcast_ref(), Some(StoreError::Refused { .. }))
}

/// Length and CRC-32 of an object, `None` if it is not there.
async fn checksum(store: &Store, path: &str) -> Result<Option<(u64, u32)>, StoreError> {
    let size = match store.head(path).await {
        Ok(info) => info.size,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut crc = crc32fast::Hasher::new();
    let mut at = 0;
    while at < size {
        let end = size.min(at + PIECE);
        match store.get_range(path, at..end).await {
            Ok(piece) => crc.update(&piece),
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
        at = end;
    }
    Ok(Some((size, crc.finalize())))
}

async fn spans(
    source: &FolderSource,
    meta: BlockMeta,
    blooms: &[Option<Bloom>],
) -> Result<SpansRead, BlockError> {
    let shards = meta.bloom_count();
    let block = Block::open(source, meta).await?;
    let mut read = SpansRead::default();
    for number in 0..block.row_groups() {
        let columns = block.row_group(source, number).await?;
        read.rows += columns.len() as u64;
        for trace in &columns.traces {
            let shard =
                blooms.get(bloom::shard_of(trace, shards) as usize).and_then(Option::as_ref);
            read.hidden += u64::from(shard.is_some_and(|shard| !shard.may_contain(trace)));
        }
        again(&columns, &mut read);
    }
    Ok(read)
}

/// Counts spans that stand before in the same columns: a trace lies within one row group.
fn again(columns: &Columns, read: &mut SpansRead) {
    let rows = u32::try_from(columns.len()).unwrap_or(u32::MAX);
    let key = |row: u32| {
        let at = row as usize;
        let (id, kind) = (columns.spans.id.get(at), columns.spans.kind.get(at));
        (columns.trace_of(at), id.copied(), kind.copied())
    };
    let mut order: Vec<u32> = (0..rows).collect();
    order.sort_unstable_by_key(|&row| (key(row), row));
    for same in order.chunk_by(|&a, &b| key(a) == key(b)).filter(|same| same.len() > 1) {
        let mut seen = BTreeSet::new();
        for &row in same {
            let mut content = Vec::new();
            encode::resource_spans(&mut content, columns, &[row]);
            if !seen.insert(content) {
                read.again += 1;
                let trace = || columns.trace_of(row as usize).to_string();
                read.example.get_or_insert_with(trace);
            }
        }
    }
}
