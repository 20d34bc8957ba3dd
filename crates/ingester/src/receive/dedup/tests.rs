use super::*;
use proptest::prelude::*;
use tributary_wire::v1::Frame;
use tributary_wire::v1::reply::Kind;

fn id(seq: u64) -> FrameId {
    FrameId::new([1; 16], 0, "t", &Frame { seq, dict: 1, ..Frame::default() })
}

/// A sidecar and its streams, an ingester's journal, and what is in object storage.
struct World {
    dedup: FrameDedup,
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
            dedup: FrameDedup::new(1 << 20, metrics.clone()),
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
        if !self.dedup.is_repeat_or_track(&id(seq), &self.stream) {
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
        self.dedup.durable(id);
    }

    fn give_up(&mut self, at: usize) {
        let (id, stream) = self.journal.remove(at);
        self.dedup.given_up(&id, Reason::Undefined, "gone", false);
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
