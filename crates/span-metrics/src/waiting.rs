//! Calls of which one side has come, in the order in which they came.

use crate::edge::Edge;
use crate::room::Room;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use tributary_span::{SpanId, TraceId};

/// Where the two sides meet: the trace, and the caller's span. Zero for a server's span without parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Meeting {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
}

#[derive(Debug, Default)]
struct Slot {
    at: Meeting,
    edge: Edge,
    due: u64,
    before: u32,
    after: u32,
}

/// No slot.
const END: u32 = u32::MAX;
/// Memory of one beside its texts: the list may be half empty, and the index.
const PLACE: usize = 2 * size_of::<Slot>() + 16;

/// The calls that wait. Slots in a list from the oldest to the newest, those that are free in another.
#[derive(Debug)]
pub(crate) struct Waiting {
    slots: Vec<Slot>,
    index: HashTable<u32>,
    oldest: u32,
    newest: u32,
    free: u32,
}

impl Default for Waiting {
    fn default() -> Self {
        let (oldest, newest, free) = (END, END, END);
        Waiting { slots: Vec::new(), index: HashTable::new(), oldest, newest, free }
    }
}

fn hash(at: &Meeting) -> u64 {
    FixedState::default().hash_one(at)
}

fn bytes_of(edge: &Edge) -> usize {
    PLACE + edge.text_bytes()
}

impl Waiting {
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Takes out what waits there.
    pub(crate) fn take(&mut self, at: &Meeting, room: &mut Room) -> Option<Edge> {
        let slots = &self.slots;
        let is_it = |n: &u32| slots.get(*n as usize).is_some_and(|slot| slot.at == *at);
        let (number, _) = self.index.find_entry(hash(at), is_it).ok()?.remove();
        Some(self.release(number, room))
    }

    /// Lets a call wait until `due`; whether there is room for it. What waits there already is
    /// to be taken out before, and `due` never falls.
    pub(crate) fn put(&mut self, at: Meeting, edge: Edge, due: u64, room: &mut Room) -> bool {
        if !room.take(bytes_of(&edge), 8) {
            return false;
        }
        let slot = Slot { at, edge, due, before: self.newest, after: END };
        let number = self.free;
        let number = match self.slots.get_mut(number as usize) {
            Some(place) => {
                self.free = place.after;
                *place = slot;
                number
            }
            None => {
                self.slots.push(slot);
                // Fewer than 2^32 fit into any room.
                u32::try_from(self.slots.len() - 1).unwrap_or(END)
            }
        };
        match self.slots.get_mut(self.newest as usize) {
            Some(newest) => newest.after = number,
            None => self.oldest = number,
        }
        self.newest = number;
        let slots = &self.slots;
        let hash_of = |n: &u32| slots.get(*n as usize).map_or(0, |slot| hash(&slot.at));
        self.index.insert_unique(hash(&at), number, hash_of);
        true
    }

    /// The oldest one, when it has waited long enough.
    pub(crate) fn next_due(&mut self, now: u64, room: &mut Room) -> Option<(Meeting, Edge)> {
        let oldest = self.slots.get(self.oldest as usize)?;
        if oldest.due > now {
            return None;
        }
        let at = oldest.at;
        Some((at, self.take(&at, room)?))
    }

    /// Takes a slot out of the list.
    fn release(&mut self, number: u32, room: &mut Room) -> Edge {
        let Some(slot) = self.slots.get_mut(number as usize) else { return Edge::default() };
        let Slot { edge, before, after, .. } = std::mem::take(slot);
        slot.after = self.free;
        self.free = number;
        match self.slots.get_mut(before as usize) {
            Some(slot) => slot.after = after,
            None => self.oldest = after,
        }
        match self.slots.get_mut(after as usize) {
            Some(slot) => slot.before = before,
            None => self.newest = before,
        }
        room.give_back(bytes_of(&edge));
        if self.index.is_empty() && self.slots.len() > 1024 {
            *self = Waiting::default();
        }
        edge
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use tributary_testkit::Random;

    fn at(n: u8) -> Meeting {
        Meeting { trace: TraceId([n; 16]), span: SpanId([n; 8]) }
    }

    #[test]
    fn it_is_as_a_queue_that_is_searched_through() {
        let mut dice = Random::new(7);
        let (mut waiting, mut room) = (Waiting::default(), Room::new(50 * PLACE));
        let mut queue: VecDeque<(u8, u64, u64)> = VecDeque::new();
        for now in 0..20_000u64 {
            let n = dice.byte() % 150;
            let known = queue.iter().position(|(own, ..)| *own == n);
            let expected = known.and_then(|i| queue.remove(i)).map(|(_, ns, _)| ns);
            let taken = waiting.take(&at(n), &mut room).map(|edge| edge.client_ns);
            assert_eq!(taken, expected);
            if taken.is_none() {
                let edge = Edge { client_ns: now, ..Edge::default() };
                let fits = waiting.put(at(n), edge, now + 90, &mut room);
                assert_eq!(fits, queue.len() < 50, "{} wait", queue.len());
                if fits {
                    queue.push_back((n, now, now + 90));
                }
            }
            if dice.byte().is_multiple_of(50) {
                while let Some((due, edge)) = waiting.next_due(now, &mut room) {
                    let (n, ns, until) = queue.pop_front().unwrap();
                    assert_eq!((due, edge.client_ns), (at(n), ns));
                    assert!(until <= now);
                }
                assert!(queue.front().is_none_or(|(.., until)| *until > now));
            }
            assert_eq!(waiting.len(), queue.len());
        }
        while waiting.next_due(u64::MAX, &mut room).is_some() {}
        assert_eq!((room.used(), waiting.len()), (0, 0));
    }
}
