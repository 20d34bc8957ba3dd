use super::*;
use crate::receive::StreamState;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use tributary_wire::v1::Frame;

fn frame(seq: u64, payload: &'static [u8]) -> Frame {
    Frame { seq, dict: 1, payload: payload.into(), ..Frame::default() }
}

fn id(seq: u64) -> FrameId {
    FrameId::new([1; 16], 0, "t", &frame(seq, b"spans"))
}

/// What happens to a frame, the waiter that brings it, and what is to come of it.
enum Step {
    Comes(u64, u32, Seen<u32>),
    Logged(u64),
    Durable(u64, Option<u32>),
    GivenUp(u64, Option<u32>),
}

#[test]
fn a_repeat_is_never_settled_before_its_first_copy() {
    use Step::*;
    let in_flight = |before| Seen::InFlight { before };
    let tables = [
        (
            "first copy durable",
            vec![
                Comes(1, 10, Seen::New),
                Logged(1),
                Durable(1, None),
                Comes(1, 11, Seen::Durable),
                Comes(1, 12, Seen::Durable),
            ],
        ),
        (
            "first copy in flight",
            vec![
                Comes(1, 10, Seen::New),
                Logged(1),
                Comes(1, 11, in_flight(None)),
                Comes(1, 12, in_flight(Some(11))),
                Durable(1, Some(12)),
                Comes(1, 13, Seen::Durable),
            ],
        ),
        (
            "first copy given up",
            vec![
                Logged(1),
                GivenUp(1, None),
                Comes(1, 11, Seen::New),
                Logged(1),
                Comes(1, 12, in_flight(None)),
                GivenUp(1, Some(12)),
                Comes(1, 13, Seen::New),
            ],
        ),
        (
            "not logged yet: it waits for memory, and so does the repeat",
            vec![
                Comes(1, 10, Seen::New),
                Comes(1, 11, Seen::New),
                Logged(1),
                Logged(1),
                Durable(1, None),
            ],
        ),
        (
            "the oldest is forgotten",
            vec![
                Durable(1, None),
                Durable(2, None),
                Durable(1, None),
                Durable(3, None),
                Comes(1, 10, Seen::New),
                Comes(2, 10, Seen::Durable),
                Comes(3, 10, Seen::Durable),
            ],
        ),
    ];
    for (name, steps) in tables {
        let mut table = DedupTable::new(2 * REMEMBERED_BYTES);
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Comes(seq, waiter, seen) => {
                    assert_eq!(table.arrived(&id(seq), waiter), seen, "{name}: step {n}");
                }
                Logged(seq) => table.track(id(seq)),
                Durable(seq, waiter) => {
                    assert_eq!(table.durable(id(seq)).0, waiter, "{name}: step {n}");
                }
                GivenUp(seq, waiter) => {
                    assert_eq!(table.given_up(&id(seq)), waiter, "{name}: step {n}");
                }
            }
        }
    }
}

#[test]
fn only_the_same_name_and_content_are_the_same_frame() {
    let one = FrameId::new([1; 16], 2, "t", &frame(3, b"spans"));
    assert_eq!(one, FrameId::new([1; 16], 2, "t", &frame(3, b"spans")));
    let definitions = Frame { definitions: b"again".as_slice().into(), ..frame(3, b"spans") };
    assert_eq!(one, FrameId::new([1; 16], 2, "t", &definitions), "these are cut anew");
    let others = [
        FrameId::new([9; 16], 2, "t", &frame(3, b"spans")),
        FrameId::new([1; 16], 9, "t", &frame(3, b"spans")),
        FrameId::new([1; 16], 2, "u", &frame(3, b"spans")),
        FrameId::new([1; 16], 2, "t", &frame(9, b"spans")),
        FrameId::new([1; 16], 2, "t", &frame(3, b"spons")),
        FrameId::new([1; 16], 2, "t", &Frame { dict: 9, ..frame(3, b"spans") }),
    ];
    for other in others {
        assert_ne!(one, other);
    }
}

#[test]
fn the_window_keeps_to_its_bytes() {
    let mut table = DedupTable::<()>::new(200_000);
    for seq in 0..10_000 {
        table.durable(id(seq));
    }
    assert_eq!(table.order.len(), 512, "a power of two");
    let size = size_of::<FrameId>();
    // A table has one more byte a place, and places that it does not call capacity.
    let set = table.durable.capacity() * 8 / 7 * (size + 1);
    let bytes = table.order.capacity() * size + set;
    assert!(bytes <= 512 * REMEMBERED_BYTES, "{bytes}");

    let mut table = DedupTable::<Arc<StreamState>>::new(0);
    for seq in 0..10_000 {
        table.track(id(seq));
        if seq >= 512 {
            table.given_up(&id(seq - 512));
        }
    }
    let entry = size_of::<(FrameId, Option<Arc<StreamState>>)>() + 1;
    let bytes = table.in_flight.capacity() * 8 / 7 * entry;
    assert!(bytes <= 512 * IN_FLIGHT_BYTES, "{bytes}");
}

/// The same, said without thinking of speed: each frame's state, and when it became durable.
#[derive(Default)]
struct Naive {
    in_flight: BTreeMap<u64, Option<u32>>,
    durable: Vec<u64>,
}

impl Naive {
    fn arrived(&mut self, seq: u64, waiter: u32) -> Seen<u32> {
        match self.in_flight.get_mut(&seq) {
            Some(before) => Seen::InFlight { before: before.replace(waiter) },
            None if self.durable.contains(&seq) => Seen::Durable,
            None => Seen::New,
        }
    }

    fn durable(&mut self, seq: u64, most: usize) -> (Option<u32>, usize) {
        let known = self.durable.len();
        if !self.durable.contains(&seq) {
            self.durable.push(seq);
        }
        let forgotten = self.durable.len().saturating_sub(most);
        self.durable.drain(..forgotten);
        assert!(self.durable.len() >= known.min(most));
        (self.in_flight.remove(&seq).flatten(), forgotten)
    }
}

proptest! {
    #[test]
    fn the_window_does_what_the_naive_one_does(
        log_most in 0u32..4,
        steps in proptest::collection::vec((0u64..12, 0u32..9, 0u8..4), 0..200),
    ) {
        let most = 1 << log_most;
        let mut table = DedupTable::new(most * REMEMBERED_BYTES);
        let mut naive = Naive::default();
        // A waiter is told once, after its frame is durable or given up.
        for (seq, waiter, what) in steps {
            match what {
                0 => {
                    let seen = table.arrived(&id(seq), waiter);
                    prop_assert_eq!(&seen, &naive.arrived(seq, waiter));
                    if seen == Seen::New {
                        table.track(id(seq));
                        naive.in_flight.insert(seq, None);
                    }
                }
                1 => prop_assert_eq!(table.arrived(&id(seq), waiter), naive.arrived(seq, waiter)),
                2 if naive.in_flight.contains_key(&seq) => {
                    prop_assert_eq!(table.durable(id(seq)), naive.durable(seq, most));
                }
                _ => {
                    let waited = naive.in_flight.remove(&seq).flatten();
                    prop_assert_eq!(table.given_up(&id(seq)), waited);
                }
            }
            prop_assert!(table.order.len() <= most && table.durable.len() == table.order.len());
            prop_assert_eq!(table.in_flight.len(), naive.in_flight.len());
        }
    }
}
