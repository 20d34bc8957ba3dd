//! Which trace is written when: numbers, no clock and no I/O.
//!
//! Time is cut into slots of one length, and each slot has one trace. What it looks like, down to its
//! ids, follows from the verifier's name, how often it writes, what it writes to, and the slot's number:
//! so the verifier keeps nothing, and knows after a restart what it wrote before.

use crate::common::random::Random;
use std::time::Duration;
use tributary_span::TraceId;

/// How a trace is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Protocol {
    Otlp,
    Jaeger,
    Zipkin,
}

impl Protocol {
    pub(crate) const ALL: [Protocol; 3] = [Protocol::Otlp, Protocol::Jaeger, Protocol::Zipkin];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Protocol::Otlp => "otlp",
            Protocol::Jaeger => "jaeger",
            Protocol::Zipkin => "zipkin",
        }
    }
}

/// What is special about a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Each type of value, events, links, statuses.
    Rich,
    /// Many spans.
    Big,
    /// Spans that began an hour before they are sent.
    Late,
    /// Two halves, some slots apart, over connections of their own: as when a sidecar changes to
    /// another ingester between them.
    Split,
    /// By another protocol than OTLP.
    Foreign(Protocol),
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Rich => "rich",
            Kind::Big => "big",
            Kind::Late => "late",
            Kind::Split => "split",
            Kind::Foreign(protocol) => protocol.name(),
        }
    }

    /// How it is written.
    pub(crate) fn protocol(self) -> Protocol {
        match self {
            Kind::Foreign(protocol) => protocol,
            _ => Protocol::Otlp,
        }
    }

    /// After how many slots its last half is written.
    pub(crate) fn slots_to_last(self) -> u64 {
        if self == Kind::Split { 3 } else { 0 }
    }
}

/// A verifier's traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    seed: u64,
    every: Duration,
    kinds: Vec<Kind>,
}

impl Plan {
    /// The traces of a verifier of this name, one each `every`, for OTLP and these other protocols.
    pub(crate) fn new(name: &str, every: Duration, others: &[Protocol]) -> Plan {
        let mut kinds = vec![Kind::Rich, Kind::Split, Kind::Late, Kind::Big];
        kinds.extend(others.iter().map(|protocol| Kind::Foreign(*protocol)));
        let said = kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(",");
        let said = format!("{name}/{}/{said}", every.as_nanos());
        Plan { seed: fnv(said.as_bytes()), every, kinds }
    }

    /// How many slots have one trace of each kind.
    pub(crate) fn round(&self) -> u64 {
        self.kinds.len() as u64
    }

    /// The slot of a time since 1970; or how many whole slots a time is long.
    pub(crate) fn slot(&self, at: Duration) -> u64 {
        u64::try_from(at.as_nanos() / self.every.as_nanos().max(1)).unwrap_or(u64::MAX)
    }

    /// When a slot begins, since 1970.
    pub(crate) fn begin(&self, slot: u64) -> Duration {
        let nanos = self.every.as_nanos().saturating_mul(u128::from(slot));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// What the slot's trace is.
    pub(crate) fn kind(&self, slot: u64) -> Kind {
        let at = slot.checked_rem(self.round()).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.kinds.get(at)).copied().unwrap_or(Kind::Rich)
    }

    /// Numbers of the slot's trace.
    pub(crate) fn random(&self, slot: u64) -> Random {
        Random::new(self.seed, slot)
    }

    /// The id of the slot's trace.
    pub(crate) fn trace(&self, slot: u64) -> TraceId {
        let mut random = self.random(slot);
        let (high, low) = (random.next_u64(), random.next_u64() | 1);
        TraceId((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
    }
}

/// The hash of Fowler, Noll and Vo, 64 bits, "1a".
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const EVERY: Duration = Duration::from_secs(10);

    #[test]
    fn slots_follow_each_other() {
        let plan = Plan::new("v", EVERY, &[]);
        let table = [(0, 0), (9, 0), (10, 1), (1_764_516_000, 176_451_600)];
        for (seconds, slot) in table {
            assert_eq!(plan.slot(Duration::from_secs(seconds)), slot, "{seconds}");
            assert!(plan.begin(slot) <= Duration::from_secs(seconds));
            assert!(Duration::from_secs(seconds) < plan.begin(slot + 1));
        }
    }

    #[test]
    fn each_kind_comes_once_a_round() {
        for (others, round) in [(&[][..], 4), (&[Protocol::Jaeger, Protocol::Zipkin][..], 6)] {
            let plan = Plan::new("v", EVERY, others);
            assert_eq!(plan.round(), round);
            let names: BTreeSet<_> = (7..7 + round).map(|slot| plan.kind(slot).name()).collect();
            assert_eq!(names.len() as u64, round, "{names:?}");
        }
    }

    #[test]
    fn what_is_written_depends_on_all_that_was_said() {
        let all = [
            Plan::new("v", EVERY, &[]),
            Plan::new("w", EVERY, &[]),
            Plan::new("v", EVERY * 2, &[]),
            Plan::new("v", EVERY, &[Protocol::Zipkin]),
        ];
        let ids: BTreeSet<_> =
            all.iter().flat_map(|plan| (0..100).map(|slot| plan.trace(slot).0)).collect();
        assert_eq!(ids.len(), 400);
        assert_eq!(all[0].trace(5), Plan::new("v", EVERY, &[]).trace(5));
    }
}
