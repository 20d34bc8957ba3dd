//! Frames that come again.
//!
//! A sidecar whose stream broke sends again what was not acknowledged, often to the same ingester. A
//! frame whose first copy is durable here is then acknowledged without being logged again; one
//! whose first copy is on its way into a segment is acknowledged with that segment and never before:
//! an acknowledgement says "in object storage", and the first copy is not. One whose first copy was given
//! up is logged.
//!
//! What is the same frame: `(incarnation, lane, seq)` names a frame for ever (the wire's rule W3),
//! on whatever stream, and a repeat has the same number, dictionary and payload, byte for byte (W7); only
//! the definitions are cut anew for each stream (W13). So a repeat's definitions are always taken
//! in, since later frames of its stream refer to them. A sidecar that is copied while it runs gives
//! the same name to two frames: length and checksum of the content are part of the identity here, so that
//! such a frame is another one, not a repeat.
//!
//! Memory: frames on their way hold an entry until they are settled, and are bounded by the memory budget
//! that they hold; durable ones are remembered in a window of fixed size, the oldest forgotten
//! first. Forgetting costs a second copy, which is dropped when a block is made, and never a span.

use super::StreamState;
use crate::metrics::Metrics;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tonic::Status;
use tributary_wire::v1::{Frame, Reason};

/// What a frame on its way costs here, at most, in bytes.
pub const IN_FLIGHT_BYTES: usize = 256;
/// What a remembered frame costs, at most, in bytes: its id twice, once in a table of which less than
/// a quarter may be in use, since tables grow before they clean up.
const REMEMBERED_BYTES: usize = 256;

/// What makes two frames the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameId {
    incarnation: [u8; 16],
    seq: u64,
    lane: u32,
    /// Length and checksum of what the name stands for.
    len: u32,
    crc: u32,
}

impl FrameId {
    /// The identity of a frame that came on a stream of this sender.
    pub fn new(incarnation: [u8; 16], lane: u32, tenant: &str, frame: &Frame) -> Self {
        let mut crc = crc32fast::Hasher::new();
        crc.update(tenant.as_bytes());
        crc.update(&frame.dict.to_le_bytes());
        crc.update(&frame.payload);
        let len = u32::try_from(frame.payload.len()).unwrap_or(u32::MAX);
        FrameId { incarnation, seq: frame.seq, lane, len, crc: crc.finalize() }
    }
}

/// What is known of a frame that came.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen<W> {
    /// Nothing: it is to be logged.
    New,
    /// Its first copy is on its way. Whoever brought it now is told what becomes of that; whoever
    /// waited for it before is not any more.
    InFlight {
        /// Who waited before.
        before: Option<W>,
    },
    /// Its first copy is in object storage.
    Durable,
}

/// Frames that are known. Plain data; `W` stands for whoever waits.
#[derive(Debug)]
pub struct Repeats<W> {
    /// Frames between their stream and object storage, with whoever brought them again last.
    in_flight: HashMap<FrameId, Option<W>>,
    durable: HashSet<FrameId>,
    /// The durable ones, oldest first.
    order: VecDeque<FrameId>,
    most: usize,
}

impl<W> Repeats<W> {
    /// Remembers durable frames in at most `bytes`.
    pub fn new(bytes: usize) -> Self {
        // A power of two, since tables double.
        let most = (bytes / REMEMBERED_BYTES).checked_ilog2().map_or(1, |log| 1 << log);
        Repeats { in_flight: HashMap::new(), durable: HashSet::new(), order: VecDeque::new(), most }
    }

    /// A frame has come. If its first copy is on its way, `who` waits for that.
    pub fn came(&mut self, id: &FrameId, who: W) -> Seen<W> {
        if let Some(waiting) = self.in_flight.get_mut(id) {
            return Seen::InFlight { before: waiting.replace(who) };
        }
        if self.durable.contains(id) { Seen::Durable } else { Seen::New }
    }

    /// A new frame is on its way into a segment.
    pub fn logged(&mut self, id: FrameId) {
        self.in_flight.entry(id).or_insert(None);
    }

    /// A frame's segment is in object storage: who waits for that, and how many frames were
    /// forgotten.
    pub fn durable(&mut self, id: FrameId) -> (Option<W>, usize) {
        let waiting = self.in_flight.remove(&id).flatten();
        let mut forgotten = 0;
        if !self.durable.contains(&id) {
            while self.order.len() >= self.most
                && let Some(oldest) = self.order.pop_front()
            {
                self.durable.remove(&oldest);
                forgotten += 1;
            }
            self.durable.insert(id);
            self.order.push_back(id);
        }
        (waiting, forgotten)
    }

    /// A frame will not be in a segment: who waits for it. Should it come again it is new.
    pub fn given_up(&mut self, id: &FrameId) -> Option<W> {
        self.in_flight.remove(id).flatten()
    }
}

/// The frames that this ingester knows, with the streams that wait for them.
#[derive(Debug)]
pub struct FrameDedup {
    frames: Mutex<Repeats<Arc<StreamState>>>,
    metrics: Arc<Metrics>,
}

impl FrameDedup {
    /// Remembers durable frames in at most `bytes`.
    pub fn new(bytes: usize, metrics: Arc<Metrics>) -> Self {
        FrameDedup { frames: Mutex::new(Repeats::new(bytes)), metrics }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Repeats<Arc<StreamState>>) -> T) -> T {
        // No change under this lock is left half done: nothing in them panics.
        look(&mut self.frames.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a frame that came on `stream` is a repeat, which settles it there, now or with its
    /// first copy.
    pub(super) fn is_repeat(&self, id: &FrameId, stream: &Arc<StreamState>) -> bool {
        let seen = self.with(|frames| frames.came(id, stream.clone()));
        self.settle(id, stream, seen)
    }

    /// The same, at the moment when the frame would be handed to the journal: if it is no repeat it
    /// is on its way from here on.
    pub(super) fn is_repeat_or_logged(&self, id: &FrameId, stream: &Arc<StreamState>) -> bool {
        let seen = self.with(|frames| {
            let seen = frames.came(id, stream.clone());
            if matches!(seen, Seen::New) {
                frames.logged(*id);
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

    /// A frame's segment is in object storage: acknowledges it to whoever brought it again.
    pub fn durable(&self, id: FrameId) {
        let (waiting, forgotten) = self.with(|frames| frames.durable(id));
        if let Some(stream) = waiting {
            stream.durable(id.seq);
        }
        self.metrics.frames_forgotten.add(forgotten as u64);
    }

    /// A frame will not be in a segment: whoever brought it again is told the same.
    pub fn given_up(&self, id: &FrameId, reason: Reason, why: &str, permanent: bool) {
        if let Some(stream) = self.with(|frames| frames.given_up(id)) {
            stream.reject(id.seq, reason, why.to_owned(), permanent);
        }
    }
}

#[cfg(test)]
mod tests;
