//! What objects, once read, prove to be wrong.

use super::{Finding, Rule, object};
use crate::id::EpochId;
use crate::layout;
use crate::segment::{Segment, SegmentError, SegmentInfo};
use crate::slot::BlockEntry;

const KEEP: &str = "keep the object: recovery quarantines what it cannot read; look for what \
                    damages objects, and restore it from a version or a backup of the bucket";
const NEWER: &str =
    "audit with the release that wrote it, which adopts it too: until then it stays";
const UNSTEADY: &str = "look at the store, its caches and this machine's memory; ingesters leave the \
                        object as it is until they can read it";
const PUT_BACK: &str = "find out what damages objects, or take the release that can read it; then \
                        `tributary journal --store URL --replay PATH`, with this path, puts its spans back";
const REBUILD: &str = "restore the block from a version or a backup of the bucket; its segments, \
                       while they are there, hold the same spans";
const REWRITE: &str = "write the slot's meta as the block's meta.json";
const REPORT: &str =
    "the block answers each span once; report it: its writer did not drop duplicates";

/// What a segment turned out to be.
#[derive(Debug)]
pub struct SegmentRead<'a> {
    /// The epoch whose folder it lies in.
    pub epoch: EpochId,
    /// The number that its name says.
    pub n: u64,
    /// The segment, read.
    pub segment: Result<&'a Segment, &'a SegmentError>,
    /// What the slot says that covers it.
    pub covered: Option<SegmentInfo>,
    /// Spans in its frames, decoded; why one of them cannot be decoded. `None` if not tried.
    pub spans: Option<Result<u64, Undecoded>>,
}

/// Why a frame cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undecoded {
    /// A newer release wrote it: in words.
    Newer(String),
    /// No release can: in words.
    Malformed(String),
}

/// Compares a segment with its name, its slot and its frames.
pub fn segment(read: &SegmentRead<'_>) -> Vec<Finding> {
    let path = || layout::segment(&read.epoch, read.n);
    let wrong = |rule, what, advice| vec![Finding::violation(rule, path(), what, advice)];
    let segment = match read.segment {
        Ok(segment) => segment,
        Err(error @ SegmentError::UnknownVersion(_)) => {
            return wrong(Rule::Bytes, error.to_string(), NEWER);
        }
        Err(error) => return wrong(Rule::Bytes, error.to_string(), KEEP),
    };
    let (header, info) = (segment.header(), segment.info());
    if (header.epoch, header.n) != (read.epoch, read.n) {
        let what = format!("it is segment {} of epoch {}", header.n, header.epoch);
        return wrong(Rule::Bytes, what, KEEP);
    }
    let mut found = Vec::new();
    if let Some(covered) = read.covered.filter(|covered| *covered != info) {
        let what = format!("it is {info:?}, but its slot covers {covered:?}");
        found.extend(wrong(Rule::I2, what, KEEP));
    }
    match &read.spans {
        Some(Err(Undecoded::Newer(error))) => {
            found.extend(wrong(Rule::Bytes, format!("a frame is newer: {error}"), NEWER));
        }
        Some(Err(Undecoded::Malformed(error))) => {
            found.extend(wrong(Rule::Bytes, format!("a frame cannot be decoded: {error}"), KEEP));
        }
        Some(Ok(spans)) if *spans != info.spans => {
            let what = format!("its frames hold {spans} spans, it says {}", info.spans);
            found.extend(wrong(Rule::I10, what, KEEP));
        }
        Some(Ok(_)) | None => {}
    }
    found
}

/// A segment that was damaged in two readings, which differ.
pub fn unsteady(epoch: &EpochId, n: u64) -> Finding {
    let what = "it is damaged, in another way at each reading".to_owned();
    Finding::violation(Rule::Bytes, layout::segment(epoch, n), what, UNSTEADY)
}

/// The copy of a segment that was set aside; if it was read, why it cannot be put back.
pub fn copy(epoch: &EpochId, n: u64, read: Option<Result<(), String>>) -> Finding {
    let what = match read {
        None => "a copy of a segment that no ingester could read".to_owned(),
        Some(Ok(())) => "a copy of a segment, which this release can read".to_owned(),
        Some(Err(why)) => format!("a copy of a segment that this release cannot read: {why}"),
    };
    Finding::notice(Rule::Bytes, layout::quarantine(epoch, n), what, PUT_BACK)
}

/// What a block's objects turned out to be. Parts that could not be had are left out: the listings
/// have told of them.
#[derive(Debug, Clone, Default)]
pub struct BlockRead {
    /// Length and CRC-32 of `data.parquet`.
    pub data: Option<(u64, u32)>,
    /// Bytes of `meta.json`.
    pub meta: Option<Vec<u8>>,
    /// Filters that the meta promises and that are not there.
    pub blooms_missing: Vec<u32>,
    /// Filters that cannot be read.
    pub blooms_damaged: Vec<u32>,
    /// What the spans in it are; why they cannot be read.
    pub spans: Option<Result<SpansRead, String>>,
}

/// The spans of a block, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpansRead {
    /// All of them.
    pub rows: u64,
    /// Those that stand in it before with the same trace, id, kind and content.
    pub again: u64,
    /// The first trace with one of these, in hex.
    pub example: Option<String>,
    /// Traces in it that its filter denies, so that no lookup finds them.
    pub hidden: u64,
}

/// Compares a block with the slot that names it.
pub fn block(entry: &BlockEntry, read: &BlockRead) -> Vec<Finding> {
    let key = (entry.tenant.clone(), entry.id);
    let path = |name: &str| object(&key, name);
    let mut found = Vec::new();
    let mut wrong = |rule, path, what, advice| {
        found.push(Finding::violation(rule, path, what, advice));
    };
    let data = || path("data.parquet");
    match read.data {
        Some((size, _)) if size != entry.size => {
            let what = format!("it has {size} bytes, its slot says {}", entry.size);
            wrong(Rule::I4, data(), what, REBUILD);
        }
        Some((_, crc)) if crc != entry.crc => {
            let what = format!("its CRC-32 is {crc:08x}, its slot says {:08x}", entry.crc);
            wrong(Rule::Bytes, data(), what, REBUILD);
        }
        _ => {}
    }
    if read.meta.as_ref().is_some_and(|meta| *meta != entry.meta) {
        let what = "it is not the meta that the slot holds".to_owned();
        wrong(Rule::Bytes, path(layout::META), what, REWRITE);
    }
    for n in &read.blooms_missing {
        let what = "the filter is missing; lookups by id fail".to_owned();
        wrong(Rule::I4, path(&format!("bloom-{n}")), what, REBUILD);
    }
    for n in &read.blooms_damaged {
        let what = "the filter cannot be read; lookups by id fail".to_owned();
        wrong(Rule::Bytes, path(&format!("bloom-{n}")), what, REBUILD);
    }
    match &read.spans {
        Some(Err(error)) => wrong(Rule::Bytes, data(), format!("unreadable: {error}"), REBUILD),
        Some(Ok(spans)) => {
            if spans.rows != entry.rows {
                let what = format!("it holds {} spans, its slot says {}", spans.rows, entry.rows);
                wrong(Rule::I10, data(), what, REBUILD);
            }
            if spans.hidden > 0 {
                let what = format!("its filters deny {} traces that it has", spans.hidden);
                wrong(Rule::Bytes, data(), what, REBUILD);
            }
            if spans.again > 0 {
                let example = spans.example.as_deref().unwrap_or("unknown");
                let what =
                    format!("{} spans stand in it twice, as in trace {example}", spans.again);
                wrong(Rule::Once, data(), what, REPORT);
            }
        }
        None => {}
    }
    found
}
