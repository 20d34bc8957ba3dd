//! A frame between the stream that brought it and the segment that it joins.

use super::{Dictionary, FrameId, StreamState};
use crate::memory::Permit;
use bytes::Bytes;
use std::sync::Arc;
use tributary_span::Columns;

/// A valid frame on its way into a segment.
#[derive(Debug)]
pub(crate) struct PendingFrame {
    /// By which it is known should it come again; none when its sender never sends a frame twice.
    pub id: Option<FrameId>,
    /// Number of its stream in this process.
    pub stream_number: u32,
    /// Tenant of the stream.
    pub tenant: Arc<str>,
    /// Incarnation of the sidecar.
    pub incarnation: [u8; 16],
    /// Number of the frame.
    pub seq: u64,
    /// The payload as it came.
    pub payload: Bytes,
    /// The dictionary that it refers to.
    pub dictionary: Arc<Dictionary>,
    /// What it refers to there.
    pub referenced: Vec<u32>,
    /// The decoded spans.
    pub columns: Arc<Columns>,
    /// Their memory.
    pub permit: Permit,
    /// Where to acknowledge it.
    pub stream: Arc<StreamState>,
}
