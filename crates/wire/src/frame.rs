//! The frame codec: columns to the bytes of one frame and back.

mod decode;
mod definition;
mod encode;
mod envelope;
mod number;
mod values;
mod zip;

pub use decode::{DecodeLimits, Decoded, Decoder};
pub use encode::{EncodedFrame, Encoder};

/// Bytes of definitions that one dictionary may hold (W10), as they count before compression.
pub const MAX_DEFINITIONS_BYTES: usize = 64 << 10;

/// Why a frame or a blob of definitions cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The bytes are not what an encoder writes: refuse the frame for good.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// The payload refers to a definition that was never given: the stream is out of step.
    #[error("definition {number} of dictionary {dict} is not known")]
    Undefined {
        /// The dictionary.
        dict: u32,
        /// The definition.
        number: u32,
    },
    /// Decoding would take more than a limit allows: refuse the frame for good.
    #[error("too large: more than {limit} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// A format version that this program does not know.
    #[error("version {0} of the frame format is not known")]
    Version(u32),
}
