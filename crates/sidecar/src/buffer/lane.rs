//! One lane: the encoder of one group's spans, and its frames until they are settled.

use super::outbox::{Outbox, Sending};
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::time::Instant;
use tributary_wire::frame::Encoder;
use tributary_wire::v1::Frame;

/// See the module's page. The open columns stand beside it, because the walk over a request takes
/// those of all lanes at once.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// When the first span of the open columns came.
    pub opened: Option<Instant>,
    /// What the open columns took from the budget.
    pub charged: usize,
    pub encoder: Encoder,
    pub outbox: Outbox,
    /// Whether a forwarder is at work, or about to be.
    pub forwarded: bool,
    pub wake: Arc<Notify>,
}

/// How a lane stands, for its forwarder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LaneStatus {
    /// There are frames, or spans that will be some.
    pub(crate) busy: bool,
    /// There is a frame that may be sent now.
    pub(crate) may_send: bool,
    /// Since when the ingester owes a sign of life.
    pub(crate) waiting_since: Option<Instant>,
    /// No new spans will come.
    pub(crate) retired: bool,
}

impl Lane {
    pub(super) fn status(&self, retired: bool, open: bool) -> LaneStatus {
        LaneStatus {
            busy: open || !self.outbox.is_empty(),
            may_send: self.outbox.may_send(),
            waiting_since: self.outbox.waiting_since(),
            retired,
        }
    }

    /// The message for a frame; `None` when the encoder has lost definitions that it needs, which
    /// only a mistake in this program can bring about.
    pub(super) fn frame(&self, sending: Sending) -> Option<Frame> {
        let definitions = match sending.definitions.is_empty() {
            true => Bytes::new(),
            false => self.encoder.definitions(sending.dict, sending.definitions)?,
        };
        Some(Frame {
            hello: None,
            seq: sending.seq,
            dict: sending.dict,
            definitions,
            payload: sending.payload,
            spans: sending.spans,
        })
    }

    /// Lets go of dictionaries that no frame needs any more.
    pub(super) fn release(&mut self) {
        self.encoder.release(self.outbox.oldest_dict().unwrap_or(u32::MAX));
    }

    /// Nothing is left to do, and the stream is about to be closed.
    pub(super) fn rest(&mut self) {
        self.outbox.detach();
        self.encoder = Encoder::new();
        self.forwarded = false;
    }
}
