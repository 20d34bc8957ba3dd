//! Which frames are known: decisions over plain data, no streams.

use super::FrameId;
use std::collections::{HashMap, HashSet, VecDeque};

/// What a frame on its way costs here, at most, in bytes.
pub(crate) const IN_FLIGHT_BYTES: usize = 256;
/// What a remembered frame costs, at most, in bytes: its id twice, once in a table of which less
/// than a quarter may be in use, since tables grow before they clean up.
const REMEMBERED_BYTES: usize = 256;

/// What is known of a frame that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen<W> {
    /// Nothing: it is to be logged.
    New,
    /// Its first copy is on its way. The waiter that brought it now is told what becomes of that;
    /// the one that waited for it before is not any more.
    InFlight {
        /// The one that waited before.
        before: Option<W>,
    },
    /// Its first copy is in object storage.
    Durable,
}

/// Frames that are known. Plain data; `W` stands for a waiter: the stream that brought a frame
/// again and is to acknowledge it.
#[derive(Debug)]
pub(super) struct DedupTable<W> {
    /// Frames between their stream and object storage, each with the waiter that brought it again
    /// last.
    in_flight: HashMap<FrameId, Option<W>>,
    durable: HashSet<FrameId>,
    /// The durable ones, oldest first.
    order: VecDeque<FrameId>,
    max_durable: usize,
}

impl<W> DedupTable<W> {
    /// Remembers durable frames in at most `bytes`.
    pub(super) fn new(bytes: usize) -> Self {
        // A power of two, since tables double.
        let max_durable = (bytes / REMEMBERED_BYTES).checked_ilog2().map_or(1, |log| 1 << log);
        DedupTable {
            in_flight: HashMap::new(),
            durable: HashSet::new(),
            order: VecDeque::new(),
            max_durable,
        }
    }

    /// A frame has come. If its first copy is on its way, `waiter` waits for that.
    pub(super) fn arrived(&mut self, id: &FrameId, waiter: W) -> Seen<W> {
        if let Some(waiting) = self.in_flight.get_mut(id) {
            return Seen::InFlight { before: waiting.replace(waiter) };
        }
        if self.durable.contains(id) { Seen::Durable } else { Seen::New }
    }

    /// A new frame is on its way into a segment.
    pub(super) fn track(&mut self, id: FrameId) {
        self.in_flight.entry(id).or_insert(None);
    }

    /// A frame's segment is in object storage: the waiter for that, and how many frames were
    /// forgotten.
    pub(super) fn durable(&mut self, id: FrameId) -> (Option<W>, usize) {
        let waiting = self.in_flight.remove(&id).flatten();
        let mut forgotten = 0;
        if !self.durable.contains(&id) {
            while self.order.len() >= self.max_durable
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

    /// A frame will not be in a segment: the waiter for it. Should it come again it is new.
    pub(super) fn given_up(&mut self, id: &FrameId) -> Option<W> {
        self.in_flight.remove(id).flatten()
    }
}

#[cfg(test)]
mod tests;
