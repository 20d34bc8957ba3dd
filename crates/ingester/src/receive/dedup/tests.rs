use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use tributary_wire::v1::reply::Kind;

fn frame(seq: u64, payload: &'static [u8]) -> Frame {
    Frame { seq, dict: 1, payload: payload.into(), ..Frame::default() }
}

fn id(seq: u64) -> FrameId {
    FrameId::new([1; 16], 0, "t", &frame(seq, b"spans"))
}

/// What happens to a frame, who brings it, and what is to come of it.
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
        let mut repeats = Repeats::new(2 * REMEMBERED_BYTES);
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Comes(seq, who, seen) => {
                    assert_eq!(repeats.came(&id(seq), who), seen, "{name}: step {n}");
                }
                Logged(seq) => repeats.logged(id(seq)),
                Durable(seq, who) => {
                    assert_eq!(repeats.durable(id(seq)).0, who, "{name}: step {n}");
                }
                GivenUp(seq, who) => {
                    assert_eq!(repeats.given_up(&id(seq)), who, "{name}: step {n}");
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
    let mut repeats = Repeats::<()>::new(200_000);
    for seq in 0..10_000 {
        repeats.durable(id(seq));
    }
    assert_eq!(repeats.order.len(), 512, "a power of two");
    let size = size_of::<FrameId>();
    // A table has one more byte a place, and places that it does not call capacity.
    let table = repeats.durable.capacity() * 8 / 7 * (size + 1);
    let bytes = repeats.order.capacity() * size + table;
    assert!(bytes <= 512 * REMEMBERED_BYTES, "{bytes}");

    let mut repeats = Repeats::<Arc<StreamState>>::new(0);
    for seq in 0..10_000 {
        repeats.logged(id(seq));
        if seq >= 512 {
            repeats.given_up(&id(seq - 512));
        }
    }
    let entry = size_of::<(FrameId, Option<Arc<StreamState>>)>() + 1;
    let bytes = repeats.in_flight.capacity() * 8 / 7 * entry;
    assert!(bytes <= 512 * IN_FLIGHT_BYTES, "{bytes}");
}

/// The same, said without thinking of speed: each frame's state, and when it became durable.
#[derive(Default)]
struct Naive {
    in_flight: BTreeMap<u64, Option<u32>>,
    durable: Vec<u64>,
}

impl Naive {
    fn came(&mut self, seq: u64, who: u32) -> Seen<u32> {
        match self.in_flight.get_mut(&seq) {
            Some(before) => Seen::InFlight { before: before.replace(who) },
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
        let mut repeats = Repeats::new(most * REMEMBERED_BYTES);
        let mut naive = Naive::default();
        // Who waits, and for what: it is told once, after the frame is durable or given up.
        for (seq, who, what) in steps {
            match what {
                0 => {
                    let seen = repeats.came(&id(seq), who);
                    prop_assert_eq!(&seen, &naive.came(seq, who));
                    if seen == Seen::New {
                        repeats.logged(id(seq));
                        naive.in_flight.insert(seq, None);
                    }
                }
                1 => prop_assert_eq!(repeats.came(&id(seq), who), naive.came(seq, who)),
                2 if naive.in_flight.contains_key(&seq) => {
                    prop_assert_eq!(repeats.durable(id(seq)), naive.durable(seq, most));
                }
                _ => {
                    let waited = naive.in_flight.remove(&seq).flatten();
                    prop_assert_eq!(repeats.given_up(&id(seq)), waited);
                }
            }
            prop_assert!(repeats.order.len() <= most && repeats.durable.len() == repeats.order.len());
            prop_assert_eq!(repeats.in_flight.len(), naive.in_flight.len());
        }
    }
}

/// A sidecar and its streams, an ingester's journal, and what is in object storage.
struct World {
    known: FrameDedup,
    metrics: Arc<Metrics>,
    stream: Arc<StreamState>,
    made: u64,
    acked: u64,
    /// Frames on their way into a segment, with the stream that brought them.
    journal: Vec<(FrameId, Arc<StreamState>)>,
    stored: Vec<u64>,
}

impl World {
    fn new() -> Self {
        let metrics = Arc::<Metrics>::default();
        World {
            known: FrameDedup::new(1 << 20, metrics.clone()),
            stream: Arc::new(StreamState::new(metrics.clone(), usize::MAX)),
            metrics,
            made: 0,
            acked: 0,
            journal: Vec::new(),
            stored: Vec::new(),
        }
    }

    fn send(&mut self, seq: u64) {
        self.stream.arrived(seq, 1).unwrap();
        if !self.known.is_repeat_or_logged(&id(seq), &self.stream) {
            self.journal.push((id(seq), self.stream.clone()));
        }
    }

    /// The stream breaks; what is not acknowledged goes on the next one.
    fn again(&mut self) {
        self.stream = Arc::new(StreamState::new(self.metrics.clone(), usize::MAX));
        (self.acked + 1..=self.made).for_each(|seq| self.send(seq));
    }

    fn durable(&mut self, at: usize) {
        let (id, stream) = self.journal.remove(at);
        self.stored.push(id.seq);
        stream.durable(id.seq);
        self.known.durable(id);
    }

    fn give_up(&mut self, at: usize) {
        let (id, stream) = self.journal.remove(at);
        self.known.given_up(&id, Reason::Undefined, "gone", false);
        stream.reject(id.seq, Reason::Undefined, "gone".into(), false);
    }

    /// The sidecar reads what its stream tells it.
    fn read(&mut self) {
        while let Some(reply) = self.stream.next_reply(1) {
            match reply.unwrap() {
                Kind::Ack(ack) => {
                    for seq in self.acked + 1..=ack.seq {
                        assert!(self.stored.contains(&seq), "{seq} acknowledged, not stored");
                    }
                    self.acked = ack.seq;
                }
                Kind::Reject(_) => self.again(),
                other => panic!("{other:?}"),
            }
        }
    }
}

proptest! {
    #[test]
    fn what_is_acknowledged_is_stored_whatever_breaks(
        steps in proptest::collection::vec((0u8..8, any::<proptest::sample::Index>()), 0..120),
        gives_up in any::<bool>(),
    ) {
        let mut world = World::new();
        for (what, at) in steps {
            match what {
                0..=2 => {
                    world.made += 1;
                    world.send(world.made);
                }
                3 => world.again(),
                4 if gives_up && !world.journal.is_empty() => {
                    world.give_up(at.index(world.journal.len()));
                }
                _ if !world.journal.is_empty() => world.durable(at.index(world.journal.len())),
                _ => {}
            }
            world.read();
        }
        // Then all is well, and everything is acknowledged.
        world.again();
        while !world.journal.is_empty() {
            world.durable(0);
            world.read();
        }
        world.read();
        prop_assert_eq!(world.acked, world.made);
        world.stored.sort_unstable();
        prop_assert_eq!(world.stored, (1..=world.made).collect::<Vec<_>>(), "each once");
    }
}
