//! A segment: many frames of many streams in one immutable object, the only thing that an
//! acknowledgement depends on.
//!
//! ```text
//! offset  bytes
//!      0      8  "TRIBSEG" and a zero byte
//!      8      2  version, 1
//!     10      2  zero
//!     12      4  CRC-32 of bytes 16..64
//!     16     16  epoch
//!     32     16  put uid: random, new for this segment's bytes
//!     48      8  n, the segment's number within the epoch
//!     56      8  milliseconds since 1970 at the writer when it was sealed
//!     64      …  pieces, back to back: definitions and frames in the order of the directory
//!      d      …  directory: MessagePack map with named fields ([`Directory`])
//!   -24       4  length of the directory
//!   -20       4  CRC-32 of the directory
//!   -16       4  CRC-32 of everything before the last 24 bytes
//!   -12       4  zero
//!    -8       8  "TRIBSEGE"
//! ```
//!
//! Integers are little-endian, in the directory MessagePack's own. A piece is the bytes that a
//! stream's peer sent (a frame) or that the wire's decoder exported (definitions); what is in
//! them is the wire's affair. A piece's row in the directory is
//! `[stream, dictionary, length, CRC-32, frame]`, with `frame` nil for definitions and
//! `[seq, spans]` for a frame; `stream` is a row of the directory's streams.
//!
//! Versions: a reader refuses a version that it does not know and leaves the segment to a newer
//! process. New named fields may join the directory without a new version if a reader may ignore
//! them.
//!
//! Invariants
//! 1. A segment stands alone: the definitions that a frame needs are pieces of the same stream and
//!    dictionary before it.
//! 2. Pieces fill the space between head and directory exactly, in order.
//! 3. No byte can change or be missing without an error: each is under the last CRC or checked
//!    itself. No length is believed before that.
//! 4. At most [`MAX_SEGMENT`] bytes.

mod build;
mod parse;
#[cfg(test)]
mod tests;

pub use build::{Full, NewFrame, Sealed, SegmentBuilder};
pub use parse::{Frame, Group, Segment, SegmentError};

use crate::id::{EpochId, Uid};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;

/// The largest segment, in bytes. One PUT, never in parts, since parts cannot be create-only.
pub const MAX_SEGMENT: usize = 16 << 20;

const MAGIC: [u8; 8] = *b"TRIBSEG\0";
const END_MAGIC: [u8; 8] = *b"TRIBSEGE";
const VERSION: u16 = 1;
const HEAD: usize = 64;
const FOOT: usize = 24;

/// Who wrote a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The epoch it belongs to.
    pub epoch: EpochId,
    /// Its number within the epoch.
    pub n: u64,
    /// Random bytes of this segment alone, by which its writer knows it again.
    pub uid: Uid,
    /// The writer's clock when it was sealed, in milliseconds since 1970. For people.
    pub written_ms: u64,
    /// The writer's name, such as its pod's. For people.
    pub instance: String,
}

/// A segment as commit slots name it. `len` and `crc` bind the name to its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SegmentInfo {
    /// Its number within the epoch.
    pub n: u64,
    /// Its length in bytes.
    pub len: u64,
    /// The CRC-32 in its footer.
    pub crc: u32,
    /// Spans in all its frames, as their senders counted them.
    pub spans: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Directory {
    instance: String,
    #[serde(deserialize_with = "crate::grow::list")]
    streams: Vec<StreamRow>,
    #[serde(deserialize_with = "crate::grow::list")]
    pieces: Vec<PieceRow>,
}

/// Number at the writer, tenant, incarnation of the sender.
type StreamRow = (u32, String, ByteArray<16>);

/// Row of `streams`, dictionary, length, CRC-32, and for a frame its sequence number and spans.
type PieceRow = (u32, u32, u32, u32, Option<(u64, u32)>);
