//! The bytes of one page.

use super::form::{Coding, Effort, LevelCoding};
use super::{Values, internal, number};
use crate::encode;
use crate::error::BlockError;
use crate::schema::LeafType;
use crate::thrift;
use crate::write::texts::Interner;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use parquet::basic::Encoding;
use std::ops::Range;

/// Fields of a page's header (`parquet.thrift`, `PageHeader`).
pub(super) enum Header {
    Dictionary { values: i32 },
    Data { levels: i32, encoding: Encoding },
}

/// Level of zstd for little effort.
const LOW: i32 = 1;
/// Bytes of pages that are remembered with what compression made of them, at most.
const KEPT: usize = 1 << 20;
/// And of one of them: those that come again have levels alone, or one value over and over.
const KEPT_PAGE: usize = 16 << 10;

/// A page being made, and what compresses it; keeps its memory from one to the next.
pub(super) struct PageWriter {
    usual: Compressor,
    low: Compressor,
    pub(super) page: Vec<u8>,
    compressed: Vec<u8>,
}

/// Many leaves have the same levels and nothing else, so that page after page is the same as one of
/// another leaf: what compression made of a small page is kept for a while.
struct Compressor {
    zstd: zstd::bulk::Compressor<'static>,
    kept: HashMap<Vec<u8>, Vec<u8>, FixedState>,
    kept_bytes: usize,
}

impl Compressor {
    fn new(zstd_level: i32) -> Result<Self, BlockError> {
        let zstd = zstd::bulk::Compressor::new(zstd_level).map_err(internal)?;
        Ok(Compressor { zstd, kept: HashMap::default(), kept_bytes: 0 })
    }

    fn compress(&mut self, page: &[u8], to: &mut Vec<u8>) -> Result<(), BlockError> {
        to.clear();
        if let Some(kept) = self.kept.get(page) {
            to.extend_from_slice(kept);
            return Ok(());
        }
        to.reserve(zstd::zstd_safe::compress_bound(page.len()));
        self.zstd.compress_to_buffer(page, to).map_err(internal)?;
        // What hardly shrinks is other than all before it.
        if page.len() <= KEPT_PAGE && to.len() < page.len() / 2 {
            if self.kept_bytes > KEPT {
                self.kept.clear();
                self.kept_bytes = 0;
            }
            self.kept_bytes += page.len() + to.len();
            self.kept.insert(page.to_vec(), to.clone());
        }
        Ok(())
    }
}

impl PageWriter {
    pub(super) fn new(zstd_level: i32) -> Result<Self, BlockError> {
        let (usual, low) = (Compressor::new(zstd_level)?, Compressor::new(zstd_level.min(LOW))?);
        Ok(PageWriter { usual, low, page: Vec::new(), compressed: Vec::new() })
    }

    /// The page at hand after compression.
    pub(super) fn compress(&mut self, effort: Effort) -> Result<&[u8], BlockError> {
        let compressor = match effort {
            Effort::Low => &mut self.low,
            Effort::Usual => &mut self.usual,
        };
        compressor.compress(&self.page, &mut self.compressed)?;
        Ok(&self.compressed)
    }

    /// Compresses the page at hand and appends it: its bytes before compression, header included.
    pub(super) fn put(
        &mut self,
        chunk: &mut Vec<u8>,
        header: &Header,
        effort: Effort,
    ) -> Result<usize, BlockError> {
        self.compress(effort)?;
        let start = chunk.len();
        let mut out = thrift::Writer::new(chunk);
        out.i32(1, if matches!(header, Header::Dictionary { .. }) { 2 } else { 0 });
        out.i32(2, number(self.page.len())?);
        out.i32(3, number(self.compressed.len())?);
        out.i32(4, crc32fast::hash(&self.compressed).cast_signed());
        match *header {
            Header::Data { levels, encoding } => out.record(5, |data| {
                data.i32(1, levels);
                data.i32(2, encoding as i32);
                data.i32(3, Encoding::RLE as i32);
                data.i32(4, Encoding::RLE as i32);
            }),
            Header::Dictionary { values } => out.record(7, |dictionary| {
                dictionary.i32(1, values);
                dictionary.i32(2, Encoding::PLAIN as i32);
            }),
        }
        out.finish();
        let header = chunk.len() - start;
        chunk.extend_from_slice(&self.compressed);
        Ok(header + self.page.len())
    }

    /// Appends levels behind their length, unless there is but one level.
    pub(super) fn levels(
        &mut self,
        levels: &[u8],
        max: u8,
        coding: LevelCoding,
    ) -> Result<(), BlockError> {
        if max == 0 {
            return Ok(());
        }
        let out = &mut self.page;
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        let width = encode::bit_width(max.into());
        match coding {
            LevelCoding::Mixed => encode::hybrid(out, levels, width),
            LevelCoding::Runs => encode::runs(out, levels, width),
        }
        let length = number(out.len() - start - 4)?;
        if let Some(slot) = out.get_mut(start..start + 4) {
            slot.copy_from_slice(&length.to_le_bytes());
        }
        Ok(())
    }

    /// Appends the values in `range`; `indices` are their numbers in the dictionary, if there is one.
    pub(super) fn values(
        &mut self,
        values: &Values<'_>,
        range: Range<usize>,
        coding: Coding,
        (texts, indices): (&Interner<'_>, &[u32]),
        leaf_type: LeafType,
    ) {
        let page = &mut self.page;
        if let Coding::Indices { width } = coding {
            page.push(width as u8);
            encode::hybrid(page, indices.get(range).unwrap_or_default(), width);
            return;
        }
        match values {
            Values::Texts(all) => {
                let all = all.get(range).unwrap_or_default();
                strings(page, all.iter().map(|&gid| texts.get(gid)), coding);
            }
            Values::Slices(all) => {
                strings(page, all.get(range).unwrap_or_default().iter().copied(), coding);
            }
            Values::Ints(all) => {
                let narrow = leaf_type.is_narrow();
                let all = all.get(range).unwrap_or_default();
                match coding {
                    Coding::Plain => all.iter().for_each(|&n| plain(page, n, narrow)),
                    _ => encode::delta(page, all.iter().copied(), narrow),
                }
            }
            Values::Doubles(all) => {
                let all = all.get(range).unwrap_or_default();
                all.iter().for_each(|bits| page.extend_from_slice(&bits.to_le_bytes()));
            }
            Values::Bools(all) => {
                encode::bits(page, all.get(range).unwrap_or_default().iter().copied());
            }
        }
    }
}

fn strings<'a>(
    page: &mut Vec<u8>,
    all: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
    coding: Coding,
) {
    match coding {
        Coding::Prefixes => encode::delta_strings(page, all),
        _ => encode::delta_lengths(page, all),
    }
}

/// Appends an integer of 64 bits, or the lower 32 of them.
pub(super) fn plain(out: &mut Vec<u8>, n: i64, narrow: bool) {
    let bytes = n.to_le_bytes();
    out.extend(bytes.iter().take(if narrow { 4 } else { 8 }));
}
