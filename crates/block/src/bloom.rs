//! `bloom-N`: which traces a block may hold, in Tempo's byte layout.
//!
//! Layout of one object: `m` (u64, big-endian) bits of the filter, `k` (u64 BE) locations a key
//! has, `m` again (u64 BE), then `ceil(m / 64)` words (u64 BE); bit `b` stands in word `b / 64`
//! at place `b % 64` counted from the lowest.
//!
//! A trace belongs to the shard that the 32-bit FNV-1 of its 16 bytes leaves modulo the number of
//! shards. Locations come from MurmurHash3 x64/128, seed 0, of the id and of the id followed by
//! the byte 1, as the library bits-and-blooms/bloom v3 makes them. Readers take `m` and `k` from
//! the object, so a small block has a small filter.

mod murmur;

use crate::error::BlockError;
use bytes::Bytes;
use tributary_span::TraceId;

/// Bits for each trace: 1 % false positives with [`LOCATIONS`].
const BITS_PER_TRACE: u64 = 10;
/// Locations for each trace.
const LOCATIONS: u64 = 7;
/// Bits of the largest shard: Tempo's 100 KiB.
const MAX_BITS: u64 = 819_200;
/// Highest number of shards that Tempo writes.
const MAX_SHARDS: u64 = 1000;
const HEADER: usize = 24;

/// The shard of `shards` that a trace belongs to. `shards` of 0 counts as 1.
pub fn shard_of(trace: &TraceId, shards: u32) -> u32 {
    let hash = trace
        .0
        .iter()
        .fold(0x811c_9dc5u32, |hash, &byte| hash.wrapping_mul(16_777_619) ^ u32::from(byte));
    hash % shards.max(1)
}

/// One shard's filter, borrowed from the object's bytes.
#[derive(Debug, Clone)]
pub struct Bloom {
    bits: u64,
    locations: u64,
    bytes: Bytes,
}

impl Bloom {
    /// Reads an object.
    ///
    /// # Errors
    /// When its numbers do not fit each other.
    pub fn parse(bytes: Bytes) -> Result<Self, BlockError> {
        let number = |at: usize| {
            let field = bytes.get(at..at + 8).and_then(|b| <[u8; 8]>::try_from(b).ok());
            field.map(u64::from_be_bytes).ok_or_else(|| BlockError::corrupt("bloom: too short"))
        };
        let (bits, locations, length) = (number(0)?, number(8)?, number(16)?);
        let words = (bytes.len() - HEADER) / 8;
        if bits == 0
            || bits != length
            || bits.div_ceil(64) != words as u64
            || !bytes.len().is_multiple_of(8)
        {
            return Err(BlockError::corrupt("bloom: its length is not what it says"));
        }
        if !(1..=64).contains(&locations) {
            return Err(BlockError::corrupt("bloom: impossible number of locations"));
        }
        Ok(Bloom { bits, locations, bytes })
    }

    /// Whether the block may hold the trace. `false` is certain.
    pub fn may_contain(&self, trace: &TraceId) -> bool {
        locations(trace, self.locations, self.bits).all(|bit| {
            let Some((word, place)) = place(bit) else { return true };
            self.bytes.get(word).is_none_or(|byte| byte & place != 0)
        })
    }

    /// Memory in use.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// Where bit `bit` stands in an object: the byte, and the bit in it.
fn place(bit: u64) -> Option<(usize, u8)> {
    // Words are big-endian: the lowest byte comes last.
    let byte = HEADER as u64 + bit / 64 * 8 + (7 - bit % 64 / 8);
    Some((usize::try_from(byte).ok()?, 1 << (bit % 8)))
}

fn locations(trace: &TraceId, count: u64, bits: u64) -> impl Iterator<Item = u64> {
    let mut longer = [0u8; 17];
    longer.iter_mut().zip(trace.0.iter().chain(&[1])).for_each(|(to, from)| *to = *from);
    let [(h0, h1), (h2, h3)] = [murmur::hash128(&trace.0), murmur::hash128(&longer)];
    (0..count).map(move |i| {
        let start = if i % 2 == 0 { h0 } else { h1 };
        let step = if (i + i % 2) % 4 / 2 == 0 { h2 } else { h3 };
        start.wrapping_add(i.wrapping_mul(step)) % bits
    })
}

/// Writes the filters of a block: the objects `bloom-0`, `bloom-1`, … in order.
pub fn write(traces: &[TraceId]) -> Vec<Bytes> {
    let bits = (traces.len() as u64).saturating_mul(BITS_PER_TRACE);
    let shards = bits.div_ceil(MAX_BITS).clamp(1, MAX_SHARDS);
    // Shards fill unevenly; the largest filter is meant for their mean, as in Tempo.
    let bits = if shards > 1 { MAX_BITS } else { bits.next_multiple_of(64).max(64) };
    let length = HEADER + usize::try_from(bits / 8).unwrap_or(usize::MAX);
    let mut header = Vec::with_capacity(length);
    for number in [bits, LOCATIONS, bits] {
        header.extend_from_slice(&number.to_be_bytes());
    }
    header.resize(length, 0);
    let shards = u32::try_from(shards).unwrap_or(u32::MAX);
    let mut filters = vec![header; shards as usize];
    for trace in traces {
        let Some(filter) = filters.get_mut(shard_of(trace, shards) as usize) else { continue };
        for bit in locations(trace, LOCATIONS, bits) {
            if let Some((byte, place)) = place(bit)
                && let Some(byte) = filter.get_mut(byte)
            {
                *byte |= place;
            }
        }
    }
    filters.into_iter().map(Bytes::from).collect()
}

#[cfg(test)]
mod tests;
