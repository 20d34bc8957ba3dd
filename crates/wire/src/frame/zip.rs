//! zstd as frames use it: whole buffers, no magic number, output bounded by the reader.
//!
//! One context serves a thread: a sidecar has several encoders but one thread, and a context is
//! larger than all else that an encoder holds.

use super::FrameError;
use std::cell::RefCell;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{CParameter, compress_bound, get_frame_content_size};

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Level 1 with at most 128 KiB of window: the measure is the sidecar's CPU and memory, and what
/// frames leave to the compressor is hardly smaller with more of either.
const LEVEL: i32 = 1;
const WINDOW_LOG: u32 = 17;

/// RFC 8878 §3.1.1.2: a block of 3 bytes of head and one of content gives at most 128 KiB.
const SMALLEST_BLOCK: usize = 4;
const LARGEST_BLOCK: usize = 128 << 10;

thread_local! {
    static COMPRESSOR: RefCell<Option<(Compressor<'static>, Vec<u8>)>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<(Decompressor<'static>, Vec<u8>)>> = const { RefCell::new(None) };
}

/// The bytes compressed; `None` when the library fails, which it does for want of memory alone.
pub(super) fn compress(plain: &[u8]) -> Option<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            let mut compressor = Compressor::new(LEVEL).ok()?;
            compressor.set_parameter(CParameter::WindowLog(WINDOW_LOG)).ok()?;
            *slot = Some((compressor, Vec::new()));
        }
        let (compressor, buffer) = slot.as_mut()?;
        buffer.clear();
        buffer.reserve(compress_bound(plain.len()));
        compressor.compress_to_buffer(plain, buffer).ok()?;
        buffer.strip_prefix(&MAGIC).map(<[u8]>::to_vec)
    })
}

/// Decompresses into `out`, which is cleared first, unless that takes more than `limit` bytes.
pub(super) fn decompress<'o>(
    packed: &[u8],
    limit: usize,
    out: &'o mut Vec<u8>,
) -> Result<&'o [u8], FrameError> {
    const BAD: FrameError = FrameError::Malformed("compressed data");
    DECOMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = Some((Decompressor::new().map_err(|_| BAD)?, Vec::new()));
        }
        let (decompressor, frame) = slot.as_mut().ok_or(BAD)?;
        frame.clear();
        frame.extend_from_slice(&MAGIC);
        frame.extend_from_slice(packed);
        let size = get_frame_content_size(frame).ok().flatten().ok_or(BAD)?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size > limit {
            return Err(FrameError::TooLarge { what: "bytes", limit });
        }
        // Room is made for what these bytes can hold, and not for what they claim.
        if size > (packed.len() / SMALLEST_BLOCK + 1).saturating_mul(LARGEST_BLOCK) {
            return Err(BAD);
        }
        out.clear();
        out.reserve(size);
        decompressor.decompress_to_buffer(frame, out).map_err(|_| BAD)?;
        Ok(out.as_slice())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_within_the_limit() {
        let plain = b"abcabcabcabc".repeat(100);
        let packed = compress(&plain).unwrap();
        assert!(packed.len() < 100);
        let mut out = Vec::new();
        assert_eq!(decompress(&packed, 1200, &mut out).unwrap(), plain);
        let refused = decompress(&packed, 1199, &mut out);
        assert_eq!(refused, Err(FrameError::TooLarge { what: "bytes", limit: 1199 }));
        for cut in 0..packed.len() {
            assert!(decompress(&packed[..cut], 1200, &mut out).is_err());
        }
    }

    #[test]
    fn a_size_that_is_only_claimed_takes_no_memory() {
        // A single segment that says 64 MiB, and a last block of one repeated byte.
        let claims = [0xa0, 0, 0, 0, 4, 0x0b, 0, 0, 7];
        let mut out = Vec::new();
        assert!(decompress(&claims, 64 << 20, &mut out).is_err());
        assert_eq!(out.capacity(), 0);
        let zeros = vec![0; 10 << 20];
        let packed = compress(&zeros).unwrap();
        assert_eq!(decompress(&packed, 64 << 20, &mut out).unwrap(), zeros);
    }
}
