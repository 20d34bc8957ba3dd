//! Decompression under a limit.

use super::{Held, Intake, STEP};
use crate::fault::Fault;
use crate::sink::Sink;
use bytes::Bytes;
use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use std::io::{self, Read};

/// Largest zstd window that is accepted, as a power of two: 8 MiB, which RFC 9659 sets for HTTP.
/// The decoder allocates what the frame claims, so the claim needs a limit.
const ZSTD_WINDOW_LOG: u32 = 23;

/// A content coding, in HTTP (RFC 9110 §8.4.1) and in gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    /// RFC 1952, any number of members.
    Gzip,
    /// RFC 1950: deflate in zlib's wrapping.
    Deflate,
    /// RFC 8878, any number of frames.
    Zstd,
}

impl Encoding {
    /// All but identity, for headers that say what is supported.
    pub(crate) const SUPPORTED: &'static str = "gzip, deflate, zstd";

    /// The coding of that name.
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        let name = name.trim_ascii();
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        Some(match () {
            () if name.is_empty() || is("identity") => Encoding::Identity,
            () if is("gzip") || is("x-gzip") => Encoding::Gzip,
            () if is("deflate") || is("zlib") => Encoding::Deflate,
            () if is("zstd") => Encoding::Zstd,
            () => return None,
        })
    }

    /// What `held` inflates to, no more than `limit` bytes. The compressed bytes are let go.
    ///
    /// # Errors
    /// When it is not of this coding, is cut off, inflates to more, or has no room.
    pub(crate) fn inflate<S: Sink>(
        self,
        held: Held<S::Permit>,
        limit: usize,
        sink: &S,
    ) -> Result<Held<S::Permit>, Fault> {
        if self == Encoding::Identity || held.bytes.is_empty() {
            return Ok(held);
        }
        let mut intake = Intake::new(sink, limit);
        let bytes: &[u8] = &held.bytes;
        let out = match self {
            Encoding::Identity => Ok(Vec::new()),
            Encoding::Gzip => read_all(&mut MultiGzDecoder::new(bytes), bytes.len(), &mut intake),
            Encoding::Deflate => {
                let mut decoder = ZlibDecoder::new(bytes);
                let out = read_all(&mut decoder, bytes.len(), &mut intake)?;
                match decoder.into_inner() {
                    [] => Ok(out),
                    _ => Err(corrupt(&io::Error::other("bytes behind the end"))),
                }
            }
            Encoding::Zstd => {
                let mut decoder =
                    zstd::stream::read::Decoder::with_buffer(bytes).map_err(|e| corrupt(&e))?;
                decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(|e| corrupt(&e))?;
                read_all(&mut decoder, bytes.len(), &mut intake)
            }
        }?;
        Ok(intake.hold(Bytes::from(out)))
    }
}

/// Reads to the end, in a buffer that doubles after it was admitted.
fn read_all<S: Sink>(
    decoder: &mut impl Read,
    compressed: usize,
    intake: &mut Intake<'_, S>,
) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    let mut filled = 0;
    loop {
        let Some(room) = out.get_mut(filled..).filter(|room: &&mut [u8]| !room.is_empty()) else {
            // Full at the limit: one byte more, outside the buffer, decides.
            if filled == intake.limit {
                return match decoder.read(&mut [0]) {
                    Ok(0) => Ok(out),
                    Ok(_) => Err(Fault::TooLarge(intake.limit)),
                    Err(error) => Err(corrupt(&error)),
                };
            }
            let first = compressed.saturating_mul(4).clamp(1 << 10, STEP);
            let room = first.max(filled.saturating_mul(2)).min(intake.limit);
            intake.raise(room)?;
            out.reserve_exact(room - filled);
            out.resize(room, 0);
            continue;
        };
        match decoder.read(room) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(corrupt(&error)),
        }
    }
    out.truncate(filled);
    Ok(out)
}

fn corrupt(error: &io::Error) -> Fault {
    Fault::Malformed(format!("the body cannot be decompressed: {error}"))
}
