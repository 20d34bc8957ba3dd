//! The open segment: its bytes, and the frames in them that wait for it to be durable.

use super::cut::SegmentFill;
use crate::group::Batch;
use crate::receive::{FrameId, PendingFrame, StreamState};
use bytes::Bytes;
use std::sync::Arc;
use tokio::time::Instant;
use tributary_journal::Uid;
use tributary_journal::segment::{NewFrame, SegmentBuilder};
use tributary_wire::frame::FrameError;

/// What becomes of a frame once its segment is durable.
pub(super) struct UnackedFrame {
    pub(super) batch: Batch,
    pub(super) id: Option<FrameId>,
    pub(super) seq: u64,
    pub(super) stream: Arc<StreamState>,
}

/// The open segment: its bytes and the frames in them.
#[derive(Default)]
pub(super) struct OpenSegment {
    pub(super) builder: SegmentBuilder,
    pub(super) frames: Vec<UnackedFrame>,
    /// Memory of their spans, as the budget counts it.
    memory: usize,
    /// When its first frame came.
    pub(super) since: Option<Instant>,
}

/// What became of a frame that was to join a segment.
pub(super) enum Pushed {
    /// It is in it.
    In,
    /// There is no room for it.
    Full(Box<PendingFrame>),
    /// What it refers to is not there any more.
    Undefined(Box<PendingFrame>, FrameError),
}

impl OpenSegment {
    /// How full it is.
    pub(super) fn fill(&self) -> SegmentFill {
        SegmentFill { bytes: self.builder.bytes(), memory: self.memory, since: self.since }
    }

    /// Appends a frame with the definitions that the segment lacks.
    pub(super) fn push(&mut self, frame: PendingFrame) -> Pushed {
        let missing =
            self.builder.missing(frame.stream_number, frame.dictionary.number, &frame.referenced);
        let definitions = if missing.is_empty() {
            Bytes::new()
        } else {
            match frame.dictionary.export(&missing) {
                Ok(definitions) => definitions,
                Err(error) => return Pushed::Undefined(Box::new(frame), error),
            }
        };
        let new = NewFrame {
            stream: frame.stream_number,
            tenant: &frame.tenant,
            incarnation: Uid(frame.incarnation),
            seq: frame.seq,
            dict: frame.dictionary.number,
            spans: u32::try_from(frame.columns.len()).unwrap_or(u32::MAX),
            defines: &missing,
            definitions: &definitions,
            payload: &frame.payload,
        };
        if self.builder.push(&new).is_err() {
            return Pushed::Full(Box::new(frame));
        }
        self.since.get_or_insert_with(Instant::now);
        let PendingFrame { id, seq, stream, tenant, columns, permit, .. } = frame;
        self.memory += permit.bytes();
        let batch = Batch { tenant, columns, permit: Some(permit) };
        self.frames.push(UnackedFrame { batch, id, seq, stream });
        Pushed::In
    }
}
