//! Frames that come again.
//!
//! A sidecar whose stream broke sends again what was not acknowledged, often to the same ingester.
//! A frame whose first copy is durable here is then acknowledged without being logged again; one
//! whose first copy is on its way into a segment is acknowledged with that segment and never
//! before: an acknowledgement says "in object storage", and the first copy is not. One whose first
//! copy was given up is logged.
//!
//! What is the same frame: `(incarnation, lane, seq)` names a frame for ever (the wire's rule W3),
//! on whatever stream, and a repeat has the same number, dictionary and payload, byte for byte
//! (W7); only the definitions are cut anew for each stream (W13). So a repeat's definitions are
//! always taken in, since later frames of its stream refer to them. A sidecar that is copied while
//! it runs gives the same name to two frames: length and checksum of the content are part of the
//! identity here, so that such a frame is another one, not a repeat.
//!
//! Memory: frames on their way hold an entry until they are settled, and are bounded by the memory
//! budget that they hold; durable ones are remembered in a window of fixed size, the oldest
//! forgotten first. Forgetting costs a second copy, which is dropped when a block is made, and
//! never a span.

mod frame_id;
mod table;

pub(crate) use frame_id::FrameId;
pub(super) use table::IN_FLIGHT_BYTES;

use super::StreamState;
use crate::metrics::Metrics;
use std::sync::{Arc, Mutex, PoisonError};
use table::{DedupTable, Seen};
use tonic::Status;
use tributary_wire::v1::Reason;

/// The frames that this ingester knows, with the streams that wait for them.
#[derive(Debug)]
pub(crate) struct FrameDedup {
    frames: Mutex<DedupTable<Arc<StreamState>>>,
    metrics: Arc<Metrics>,
}

impl FrameDedup {
    /// Remembers durable frames in at most `bytes`.
    pub(crate) fn new(bytes: usize, metrics: Arc<Metrics>) -> Self {
        FrameDedup { frames: Mutex::new(DedupTable::new(bytes)), metrics }
    }

    fn with<T>(&self, look: impl FnOnce(&mut DedupTable<Arc<StreamState>>) -> T) -> T {
        // No change under this lock is left half done: nothing in them panics.
        look(&mut self.frames.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a frame that came on `stream` is a repeat, which settles it there, now or with its
    /// first copy.
    pub(super) fn is_repeat(&self, id: &FrameId, stream: &Arc<StreamState>) -> bool {
        let seen = self.with(|frames| frames.arrived(id, stream.clone()));
        self.settle(id, stream, seen)
    }

    /// The same, at the moment when the frame would be handed to the journal: if it is no repeat it
    /// is on its way from here on.
    pub(super) fn is_repeat_or_track(&self, id: &FrameId, stream: &Arc<StreamState>) -> bool {
        let seen = self.with(|frames| {
            let seen = frames.arrived(id, stream.clone());
            if matches!(seen, Seen::New) {
                frames.track(*id);
            }
            seen
        });
        self.settle(id, stream, seen)
    }

    fn settle(
        &self,
        id: &FrameId,
        stream: &Arc<StreamState>,
        seen: Seen<Arc<StreamState>>,
    ) -> bool {
        match seen {
            Seen::New => return false,
            Seen::Durable => stream.durable(id.seq),
            Seen::InFlight { before } => {
                if let Some(before) = before {
                    before.fail(Status::aborted("its frames came again on another stream"));
                }
            }
        }
        self.metrics.frames_repeated.inc();
        true
    }

    /// A frame's segment is in object storage: acknowledges it on the stream that brought it again.
    pub(crate) fn durable(&self, id: FrameId) {
        let (waiting, forgotten) = self.with(|frames| frames.durable(id));
        if let Some(stream) = waiting {
            stream.durable(id.seq);
        }
        self.metrics.frames_forgotten.add(forgotten as u64);
    }

    /// A frame will not be in a segment: the stream that brought it again is told the same.
    pub(crate) fn given_up(&self, id: &FrameId, reason: Reason, why: &str, permanent: bool) {
        if let Some(stream) = self.with(|frames| frames.given_up(id)) {
            stream.reject(id.seq, reason, why.to_owned(), permanent);
        }
    }
}

#[cfg(test)]
mod tests;
