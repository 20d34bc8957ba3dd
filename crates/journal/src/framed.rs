//! The frame of a small object that states something once and for all: a head by which it is known
//! and checked, then a MessagePack map with named fields.
//!
//! ```text
//! offset  bytes
//!      0      8  what it is: seven letters and a zero byte
//!      8      2  version (little-endian)
//!     10      2  zero
//!     12      4  CRC-32 of all bytes from 16 on (little-endian)
//!     16     16  uid: random, new for this attempt at the object
//!     32      …  MessagePack map
//! ```

use crate::id::Uid;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ops::Range;

/// The largest framed object, in bytes.
pub(crate) const MAX: usize = 16 << 20;
const HEAD: usize = 32;

/// What it is and which version of that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Format {
    pub(crate) magic: [u8; 8],
    pub(crate) version: u16,
}

/// Why it cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Of a version that is not this release's.
    Version(u16),
    /// Not what was written.
    Damaged(&'static str),
}

/// An object ready to be written.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// The object.
    pub bytes: Bytes,
    /// Where in it the bytes are that no other writer can have written.
    pub identity: Range<usize>,
}

/// Frames a value; why not, in words.
pub(crate) fn encode<T: Serialize>(
    format: Format,
    uid: &Uid,
    value: &T,
) -> Result<Encoded, String> {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(&format.magic);
    out.extend_from_slice(&format.version.to_le_bytes());
    out.extend_from_slice(&[0; 6]);
    out.extend_from_slice(&uid.0);
    rmp_serde::encode::write_named(&mut out, value).map_err(|e| e.to_string())?;
    if out.len() > MAX {
        return Err(format!("{} bytes, {MAX} are allowed", out.len()));
    }
    let crc = crc32fast::hash(out.get(16..).unwrap_or_default());
    let field = out.iter_mut().skip(12).zip(crc.to_le_bytes());
    field.for_each(|(to, from)| *to = from);
    Ok(Encoded { bytes: out.into(), identity: 0..HEAD })
}

/// Reads what [`encode`] wrote. Nothing is made room for by what the bytes claim.
pub(crate) fn decode<T: DeserializeOwned>(
    format: Format,
    bytes: &[u8],
) -> Result<(Uid, T), Unreadable> {
    use Unreadable::Damaged;
    if bytes.len() > MAX {
        return Err(Damaged("longer than any object of its format"));
    }
    let (head, map) = bytes.split_first_chunk::<HEAD>().ok_or(Damaged("shorter than its head"))?;
    let [magic @ .., v0, v1, z0, z1, c0, c1, c2, c3] =
        head.first_chunk::<16>().ok_or(Damaged("head"))?;
    if *magic != format.magic {
        return Err(Damaged("does not begin as one of its format"));
    }
    let version = u16::from_le_bytes([*v0, *v1]);
    if version != format.version {
        return Err(Unreadable::Version(version));
    }
    let covered = bytes.get(16..).unwrap_or_default();
    if [*z0, *z1] != [0, 0] || crc32fast::hash(covered) != u32::from_le_bytes([*c0, *c1, *c2, *c3])
    {
        return Err(Damaged("checksum"));
    }
    let value = rmp_serde::from_slice(map).map_err(|_| Damaged("map"))?;
    Ok((Uid(*head.last_chunk::<16>().ok_or(Damaged("head"))?), value))
}
