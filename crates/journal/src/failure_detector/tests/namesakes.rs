//! Processes under one name: one after the other, and both at once.

use super::*;

/// A heartbeat of process `n` under the name of the process that looks.
fn namesake(n: u8, counter: u64) -> Heartbeat {
    Heartbeat { instance: "pod-1".into(), query_address: "q".into(), ..heartbeat(n, counter) }
}

/// What a detector says at a time: epochs to adopt, processes that count as living, namesakes that
/// live, heartbeats to be removed.
type Says = (Vec<EpochId>, usize, usize, Vec<Uid>);

fn says(detector: &FailureDetector, at: u64) -> Says {
    (
        detector.abandoned(secs(at)),
        detector.living(secs(at)).len(),
        detector.namesakes(secs(at)).len(),
        detector.forgettable(secs(at)),
    )
}

#[test]
fn a_predecessor_is_waited_for_less_long_and_not_at_all_by_readers() {
    let mut detector = detector();
    for (at, abandoned) in [(0, vec![]), (5, vec![]), (10, vec![epoch(9)]), (15, vec![epoch(9)])] {
        detector.round(secs(at), Some(vec![namesake(9, 3)].into()));
        assert_eq!(says(&detector, at), (abandoned, 0, 0, vec![]), "at {at} s");
        assert_eq!(detector.others(secs(at)).unattended, [epoch(9)].into());
    }
    detector.adopted(epoch(9), secs(15));
    assert_eq!(says(&detector, 15).3, []);
    detector.round(secs(20), Some(vec![namesake(9, 3)].into()));
    assert_eq!(says(&detector, 20), (vec![], 0, 0, vec![uid(9)]));
}

#[test]
fn its_last_heartbeat_may_arrive_after_our_first() {
    let mut detector = detector();
    detector.round(secs(0), Some(vec![namesake(9, 3)].into()));
    for (at, abandoned) in [(5, vec![]), (10, vec![]), (15, vec![epoch(9)])] {
        detector.round(secs(at), Some(vec![namesake(9, 4)].into()));
        let says = says(&detector, at);
        assert_eq!((says.0, says.2), (abandoned, 0), "at {at} s");
    }
}

#[test]
fn two_that_live_leave_each_others_epochs_alone_and_know_of_each_other() {
    // The second one looks so many seconds after the first.
    for delay in [0, 1, 4] {
        let pair = [(1, 9), (9, 1)];
        let mut detectors = pair.map(|(own, _)| {
            FailureDetector::new(uid(own), "pod-1", Patience::from_heartbeat(HEARTBEAT))
        });
        for at in (0..2000).step_by(5) {
            for (detector, (own, other)) in detectors.iter_mut().zip(pair) {
                let now = at + if own == 9 { delay } else { 0 };
                detector
                    .round(secs(now), Some(vec![namesake(own, at), namesake(other, at)].into()));
                let (lives, known) = (usize::from(at >= 5), usize::from(at >= 10));
                assert_eq!(says(detector, now), (vec![], lives, known, vec![]), "{own} at {now}");
                assert_eq!(detector.others(secs(now)).living.len(), lives, "its memory is asked");
            }
        }
    }
}

#[test]
fn one_that_lived_beside_us_and_stops_is_waited_for_like_any_other() {
    let mut detector = detector();
    for at in (0..=20).step_by(5) {
        detector.round(secs(at), Some(vec![namesake(9, at)].into()));
    }
    for (at, abandoned, namesakes) in
        [(25, vec![], 1), (30, vec![], 1), (35, vec![], 1), (40, vec![epoch(9)], 0)]
    {
        detector.round(secs(at), Some(vec![namesake(9, 20)].into()));
        let says = says(&detector, at);
        assert_eq!((says.0, says.2), (abandoned, namesakes), "at {at} s");
    }
    detector.adopted(epoch(9), secs(40));
    assert_eq!(says(&detector, 40).3, [], "it may wake up");
}

#[test]
fn without_a_name_there_are_no_namesakes() {
    let mut detector = FailureDetector::new(uid(1), "", Patience::from_heartbeat(HEARTBEAT));
    for at in (0..=15).step_by(5) {
        let unnamed = Heartbeat { instance: String::new(), ..heartbeat(9, at) };
        detector.round(secs(at), Some(vec![unnamed].into()));
        assert_eq!(says(&detector, at), (vec![], 1, 0, vec![]));
    }
}

#[test]
fn an_outage_does_not_make_a_predecessor_of_a_namesake() {
    let mut detector = detector();
    detector.round(secs(0), Some(vec![namesake(9, 3)].into()));
    (5..100).step_by(5).for_each(|at| detector.round(secs(at), None));
    for (at, abandoned) in [(100, vec![]), (105, vec![]), (110, vec![epoch(9)])] {
        detector.round(secs(at), Some(vec![namesake(9, 3)].into()));
        assert_eq!(says(&detector, at).0, abandoned, "at {at} s: the outage does not count");
    }
}
