//! What makes two frames the same.

use tributary_wire::v1::Frame;

/// A frame's name, and a checksum of what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FrameId {
    incarnation: [u8; 16],
    pub(super) seq: u64,
    lane: u32,
    /// Length and checksum of what the name stands for.
    len: u32,
    crc: u32,
}

impl FrameId {
    /// The identity of a frame that came on a stream of this sender.
    pub(crate) fn new(incarnation: [u8; 16], lane: u32, tenant: &str, frame: &Frame) -> Self {
        let mut crc = crc32fast::Hasher::new();
        crc.update(tenant.as_bytes());
        crc.update(&frame.dict.to_le_bytes());
        crc.update(&frame.payload);
        let len = u32::try_from(frame.payload.len()).unwrap_or(u32::MAX);
        FrameId { incarnation, seq: frame.seq, lane, len, crc: crc.finalize() }
    }
}
