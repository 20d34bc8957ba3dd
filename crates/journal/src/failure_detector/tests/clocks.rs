//! Clocks that are wrong by hours: what machines write into their heartbeats and into the ids of
//! their epochs changes no decision (I9).

use super::*;

const HOUR: i64 = 3600;

/// A heartbeat of process `n`, whose clock is so many seconds ahead of the right one.
fn off(n: u8, counter: u64, ahead: i64) -> Heartbeat {
    let began = u32::try_from(1_795_442_400 + ahead).unwrap();
    Heartbeat {
        epochs: vec![EpochId::new(began, [n; 12])],
        started: began.into(),
        ..heartbeat(n, counter)
    }
}

/// When what is said first in half an hour: of process 2, which dies at 60 s, of process 3, which
/// lives, and of an epoch that no heartbeat names. The number is what the epoch's id ends with.
fn story(ahead: [i64; 3]) -> BTreeMap<(&'static str, u8), u64> {
    let mut detector = detector();
    let stray = off(5, 0, ahead[2]).epochs[0];
    let in_store = BTreeSet::from([epoch(1), stray]);
    let mut told = BTreeMap::new();
    for at in (0..1800).step_by(5) {
        let beats = vec![heartbeat(1, at), off(2, at.min(60), ahead[0]), off(3, at, ahead[1])];
        detector.round(secs(at), Some(beats.into()));
        for epoch in detector.abandoned(secs(at)) {
            told.entry(("abandoned", epoch.bytes()[15])).or_insert(at);
            detector.adopted(epoch, secs(at));
        }
        for epoch in detector.unknown(secs(at), &in_store, &[epoch(1)]) {
            told.entry(("unknown", epoch.bytes()[15])).or_insert(at);
        }
        for process in detector.forgettable(secs(at)) {
            told.entry(("forgotten", process.0[0])).or_insert(at);
        }
        assert_eq!(detector.living(secs(at)).len(), if at < 80 { 2 } else { 1 });
    }
    told
}

#[test]
fn nothing_is_decided_by_what_others_say_of_the_time() {
    for a in [-30 * HOUR, -3 * HOUR, 0, 3 * HOUR, 30 * HOUR] {
        for b in [-30 * HOUR, 0, 30 * HOUR] {
            for ahead in [[a, b, 0], [0, a, b], [b, 0, a]] {
                let mut told = story(ahead);
                // An epoch's id, its time included, shifts which of the living begins: by a step.
                for (what, at) in [(("abandoned", 2), 80), (("unknown", 5), 120)] {
                    let said = told.remove(&what).unwrap();
                    assert!((at..=at + 10).contains(&said), "{ahead:?}: {what:?} at {said} s");
                }
                assert_eq!(told, [(("forgotten", 2), 660)].into(), "{ahead:?}");
            }
        }
    }
}
