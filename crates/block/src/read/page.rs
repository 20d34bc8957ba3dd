//! Pages of a column chunk: headers, checksums, decompression.

use crate::error::BlockError;
use crate::thrift::Reader;
use parquet::basic::CompressionCodec;
use std::borrow::Cow;
use std::cell::RefCell;
use std::io::Read;

/// Most bytes of a page after decompression, and most entries.
const MAX_PAGE: usize = 1 << 30;
const MAX_ENTRIES: usize = 1 << 27;

/// What a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageType {
    Dictionary,
    /// Levels and values are compressed together.
    DataV1,
    /// Levels stand first, uncompressed.
    DataV2 {
        rep_bytes: usize,
        def_bytes: usize,
        compressed: bool,
    },
    /// Nothing that is read.
    Other,
}

/// A page's header (`parquet.thrift`, `PageHeader`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) page_type: PageType,
    /// Entries of a data page, values of a dictionary.
    pub(super) entries: usize,
    pub(super) encoding: i64,
    uncompressed: usize,
    compressed: usize,
    crc: Option<u32>,
}

/// A page as it stands in the chunk.
pub(super) struct Page<'a> {
    pub(super) header: Header,
    body: &'a [u8],
}

fn bad(what: &str) -> BlockError {
    BlockError::corrupt(format!("page header: {what}"))
}

fn size(n: i64, max: usize) -> Result<usize, BlockError> {
    usize::try_from(n).ok().filter(|n| *n <= max).ok_or_else(|| bad("impossible size"))
}

/// Takes a page off the front of `bytes`.
pub(super) fn take<'a>(bytes: &mut &'a [u8]) -> Result<Page<'a>, BlockError> {
    let mut reader = Reader::new(bytes);
    let (mut number, mut uncompressed, mut compressed, mut crc) = (-1, -1, -1, None);
    // Entries, encoding, bytes of definition and of repetition levels, whether compressed.
    let (mut entries, mut encoding, mut def_bytes, mut rep_bytes, mut packed) =
        (-1, -1, 0, 0, true);
    reader.record(|reader, field| {
        match field {
            1 => number = reader.int()?,
            2 => uncompressed = reader.int()?,
            3 => compressed = reader.int()?,
            4 => crc = Some(reader.int()?),
            5 | 7 => reader.record(|reader, inner| {
                match inner {
                    1 => entries = reader.int()?,
                    2 => encoding = reader.int()?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?,
            8 => reader.typed_record(|reader, inner, wire_type| {
                match inner {
                    1 => entries = reader.int()?,
                    4 => encoding = reader.int()?,
                    5 => def_bytes = reader.int()?,
                    6 => rep_bytes = reader.int()?,
                    // A boolean's value is its type.
                    7 => packed = wire_type == 1,
                    _ => return Ok(false),
                }
                Ok(true)
            })?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let page_type = match number {
        0 => PageType::DataV1,
        2 => PageType::Dictionary,
        3 => PageType::DataV2 {
            rep_bytes: size(rep_bytes, MAX_PAGE)?,
            def_bytes: size(def_bytes, MAX_PAGE)?,
            compressed: packed,
        },
        _ => PageType::Other,
    };
    let entries = if page_type == PageType::Other { 0 } else { size(entries, MAX_ENTRIES)? };
    let header = Header {
        page_type,
        entries,
        encoding,
        uncompressed: size(uncompressed, MAX_PAGE)?,
        compressed: size(compressed, MAX_PAGE)?,
        #[expect(clippy::cast_possible_truncation, reason = "a CRC-32 in a signed field")]
        crc: crc.map(|crc| crc as u32),
    };
    let (body, rest) = reader
        .rest()
        .split_at_checked(header.compressed)
        .ok_or_else(|| bad("longer than the chunk"))?;
    *bytes = rest;
    Ok(Page { header, body })
}

/// A page's bytes in their three parts.
pub(super) struct Parts<'a> {
    pub(super) levels: Levels<'a>,
    pub(super) values: Cow<'a, [u8]>,
}

/// Where a data page's levels stand.
pub(super) enum Levels<'a> {
    /// At the start of [`Parts::values`], each behind its length.
    Inside,
    /// Repetition and definition levels on their own.
    Apart(&'a [u8], &'a [u8]),
}

impl<'a> Page<'a> {
    /// Checks and decompresses the page.
    pub(super) fn open(&self, codec: CompressionCodec) -> Result<Parts<'a>, BlockError> {
        let header = &self.header;
        if header.crc.is_some_and(|crc| crc != crc32fast::hash(self.body)) {
            return Err(BlockError::corrupt("a page's checksum differs"));
        }
        if let PageType::DataV2 { rep_bytes, def_bytes, compressed } = header.page_type {
            let (rep, rest) =
                self.body.split_at_checked(rep_bytes).ok_or_else(crate::decode::short)?;
            let (def, rest) = rest.split_at_checked(def_bytes).ok_or_else(crate::decode::short)?;
            let codec = if compressed { codec } else { CompressionCodec::UNCOMPRESSED };
            let size = header.uncompressed.checked_sub(rep_bytes + def_bytes);
            let size = size.ok_or_else(crate::decode::short)?;
            let values = decompress(rest, size, codec)?;
            return Ok(Parts { levels: Levels::Apart(rep, def), values });
        }
        let values = decompress(self.body, header.uncompressed, codec)?;
        Ok(Parts { levels: Levels::Inside, values })
    }
}

thread_local! {
    /// One context serves a thread: to make one takes longer than to decompress most pages.
    static UNZIP: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

fn unzip(bytes: &[u8], size: usize) -> std::io::Result<Vec<u8>> {
    UNZIP.with_borrow_mut(|slot| match slot {
        Some(context) => context.decompress(bytes, size),
        None => slot.insert(zstd::bulk::Decompressor::new()?).decompress(bytes, size),
    })
}

fn decompress(
    bytes: &[u8],
    size: usize,
    codec: CompressionCodec,
) -> Result<Cow<'_, [u8]>, BlockError> {
    let failed = |e: &dyn std::fmt::Display| BlockError::corrupt(format!("a page: {e}"));
    let plain = match codec {
        CompressionCodec::UNCOMPRESSED => return Ok(Cow::Borrowed(bytes)),
        // A page of nulls alone may have no bytes at all behind its levels.
        _ if bytes.is_empty() && size == 0 => return Ok(Cow::Borrowed(bytes)),
        CompressionCodec::ZSTD => {
            // What a header claims is believed up to a thousandfold; beyond that memory grows with
            // what really comes out.
            if size <= bytes.len().saturating_mul(1000) {
                unzip(bytes, size).map_err(|e| failed(&e))?
            } else {
                let mut plain = Vec::new();
                zstd::stream::read::Decoder::new(bytes)
                    .and_then(|decoder| decoder.take(size as u64 + 1).read_to_end(&mut plain))
                    .map_err(|e| failed(&e))?;
                plain
            }
        }
        CompressionCodec::SNAPPY => {
            // Snappy's own length comes first; no input grows more than some twentyfold by it.
            let length = snap::raw::decompress_len(bytes).map_err(|e| failed(&e))?;
            if length != size || size > bytes.len().saturating_mul(64) {
                return Err(BlockError::corrupt("a page is not of the size it says"));
            }
            snap::raw::Decoder::new().decompress_vec(bytes).map_err(|e| failed(&e))?
        }
        other => return Err(BlockError::Unsupported(format!("pages compressed by {other:?}"))),
    };
    if plain.len() == size {
        Ok(Cow::Owned(plain))
    } else {
        Err(BlockError::corrupt("a page is not of the size it says"))
    }
}
