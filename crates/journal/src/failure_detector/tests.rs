use super::*;

mod clocks;
mod namesakes;
mod unread;

const HEARTBEAT: Duration = Duration::from_secs(5);

fn uid(n: u8) -> Uid {
    Uid([n; 16])
}

fn epoch(n: u8) -> EpochId {
    EpochId::new(1_795_442_400, [n; 12])
}

/// Process `n`, which owns epoch `n`, with this counter.
fn heartbeat(n: u8, counter: u64) -> Heartbeat {
    Heartbeat {
        process: uid(n),
        instance: format!("pod-{n}"),
        query_address: String::new(),
        wire_address: String::new(),
        zone: String::new(),
        epochs: vec![epoch(n)],
        counter,
        started: 0,
    }
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn detector() -> FailureDetector {
    FailureDetector::new(uid(1), "pod-1", Patience::from_heartbeat(HEARTBEAT))
}

/// Rounds every five seconds from `from` to `to`, in which process 2 stands still at `counter`.
fn stand_still(detector: &mut FailureDetector, from: u64, to: u64, counter: u64) {
    for at in (from..=to).step_by(5) {
        detector.round(secs(at), Some(vec![heartbeat(1, at), heartbeat(2, counter)].into()));
    }
}

#[test]
fn a_heartbeat_that_stands_still_is_suspected_and_may_come_back() {
    let mut detector = detector();
    stand_still(&mut detector, 0, 15, 7);
    assert_eq!(detector.living(secs(15)).len(), 1);
    assert_eq!(detector.abandoned(secs(15)), []);
    stand_still(&mut detector, 20, 20, 7);
    assert_eq!(detector.living(secs(20)).len(), 0);
    assert_eq!(detector.abandoned(secs(20)), [epoch(2)], "no other process is there to do it");
    detector.adopted(epoch(2), secs(20));
    assert_eq!(detector.abandoned(secs(20)), []);
    stand_still(&mut detector, 25, 25, 8);
    assert_eq!(detector.living(secs(25)).len(), 1, "a zombie");
    assert_eq!(detector.abandoned(secs(25)), []);
    stand_still(&mut detector, 30, 45, 8);
    assert_eq!(detector.abandoned(secs(45)), [epoch(2)], "that dies again");
    detector.adopted(epoch(2), secs(45));
    detector.unknown(secs(45), &BTreeSet::from([epoch(2)]), &[]);
    assert_eq!(detector.abandoned(secs(45)), [epoch(2)], "and whose last write comes late");
}

#[test]
fn a_process_that_is_not_well_suspects_no_other() {
    // The store was away: rounds failed, and all heartbeats look old.
    let mut outage = detector();
    stand_still(&mut outage, 0, 5, 7);
    (10..100).step_by(5).for_each(|at| outage.round(secs(at), None));
    assert_eq!(outage.abandoned(secs(100)), []);
    stand_still(&mut outage, 100, 115, 7);
    assert_eq!(outage.abandoned(secs(115)), [], "the time of the outage does not count");
    stand_still(&mut outage, 120, 120, 7);
    assert_eq!(outage.abandoned(secs(120)), [epoch(2)]);

    // We were frozen: no round at all.
    let mut frozen = detector();
    stand_still(&mut frozen, 0, 5, 7);
    stand_still(&mut frozen, 100, 115, 7);
    assert_eq!(frozen.abandoned(secs(115)), []);
    stand_still(&mut frozen, 120, 120, 7);
    assert_eq!(frozen.abandoned(secs(120)), [epoch(2)]);
}

#[test]
fn one_adopts_and_the_others_wait_their_turn() {
    let beats = |dead: u64, at: u64| {
        vec![heartbeat(1, at), heartbeat(2, at), heartbeat(3, at), heartbeat(4, dead)]
    };
    let mut when = Vec::new();
    for process in [1, 2, 3] {
        let mut detector = FailureDetector::new(
            uid(process),
            &format!("pod-{process}"),
            Patience::from_heartbeat(HEARTBEAT),
        );
        let first = (0..200).step_by(5).find(|at| {
            detector.round(secs(*at), Some(beats(1, *at).into()));
            !detector.abandoned(secs(*at)).is_empty()
        });
        when.push(first.unwrap());
    }
    when.sort_unstable();
    assert_eq!(when, [20, 30, 40]);
}

#[test]
fn work_spreads_over_those_who_live() {
    let mut firsts = [0; 3];
    for process in [1, 2, 3] {
        let mut detector =
            FailureDetector::new(uid(process), "", Patience::from_heartbeat(HEARTBEAT));
        detector
            .round(secs(0), Some(vec![heartbeat(1, 0), heartbeat(2, 0), heartbeat(3, 0)].into()));
        for n in 0..=255 {
            let first = detector.is_first(epoch(n).bytes(), secs(0));
            firsts[usize::from(process) - 1] += usize::from(first);
        }
    }
    assert_eq!(firsts.iter().sum::<usize>(), 256, "always exactly one");
    assert!(firsts.iter().all(|n| (50..130).contains(n)), "{firsts:?}");
}

#[test]
fn epochs_of_nobody_are_adopted_when_they_have_been_seen_for_long() {
    let mut detector = detector();
    let in_store = BTreeSet::from([epoch(1), epoch(2), epoch(5)]);
    let mut found = Vec::new();
    for at in (0..=120).step_by(5) {
        detector.round(secs(at), Some(vec![heartbeat(2, at)].into()));
        let due = detector.unknown(secs(at), &in_store, &[epoch(1)]);
        found.extend(due.into_iter().map(|epoch| (at, epoch)));
    }
    // Process 2 is alive too and may stand before us.
    assert!(matches!(found[..], [] | [(120, _)]), "{found:?}");
    detector.round(secs(130), Some(vec![heartbeat(2, 130)].into()));
    assert_eq!(detector.unknown(secs(130), &in_store, &[epoch(1)]), [epoch(5)]);
    let named = Heartbeat { epochs: vec![epoch(2), epoch(5)], ..heartbeat(2, 200) };
    detector.round(secs(135), Some(vec![named].into()));
    assert_eq!(
        detector.unknown(secs(135), &in_store, &[epoch(1)]),
        [],
        "it has an owner after all"
    );
}

#[test]
fn heartbeats_of_the_dead_are_removed_in_the_end() {
    let mut detector = detector();
    stand_still(&mut detector, 0, 595, 7);
    detector.adopted(epoch(2), secs(595));
    assert_eq!(detector.forgettable(secs(595)), []);
    stand_still(&mut detector, 600, 600, 7);
    assert_eq!(detector.forgettable(secs(600)), [uid(2)]);
}

#[test]
fn queries_know_where_the_spans_of_others_are() {
    let answers =
        |n: u8, counter| Heartbeat { query_address: format!("q{n}"), ..heartbeat(n, counter) };
    let beats = |at| vec![answers(2, 7), answers(3, at), heartbeat(4, at)];
    let asked = |others: &Others| -> Vec<Uid> { others.living.iter().map(|l| l.process).collect() };
    let mut detector = detector();
    assert!(detector.others(secs(0)).in_the_dark, "nothing is known yet");
    detector.round(secs(0), Some(beats(0).into()));
    let others = detector.others(secs(5));
    assert_eq!(asked(&others), [uid(2), uid(3)]);
    assert_eq!(others.unattended, [epoch(4)].into(), "it answers no queries");
    assert_eq!((others.in_the_dark, detector.moved()), (false, None));

    // Process 2 is suspected, and what it left is adopted: it may wake up and write on.
    (5..=20).step_by(5).for_each(|at| detector.round(secs(at), Some(beats(at).into())));
    detector.adopted(epoch(2), secs(20));
    let others = detector.others(secs(20));
    assert_eq!(asked(&others), [uid(3)]);
    assert_eq!(others.unattended, [epoch(2), epoch(4)].into());
    assert_eq!(detector.moved(), Some(secs(20)));

    // Process 3 leaves: its last blocks are older than the round that finds it gone.
    detector.round(secs(25), Some(vec![answers(2, 7)].into()));
    let others = detector.others(secs(25));
    assert_eq!((asked(&others), detector.moved()), (vec![], Some(secs(25))));
    assert_eq!(others.unattended, [epoch(2)].into());

    // Rounds fail: after a while there may be a process that was not heard of.
    (30..50).step_by(5).for_each(|at| detector.round(secs(at), None));
    assert!(!detector.others(secs(45)).in_the_dark);
    assert!(detector.others(secs(46)).in_the_dark);
}

#[test]
fn epochs_of_nobody_are_read_until_they_are_adopted() {
    let mut detector = detector();
    detector.round(secs(0), Some(vec![heartbeat(2, 0)].into()));
    detector.unknown(
        secs(0),
        &[epoch(1), epoch(2), epoch(5), epoch(6), epoch(7)].into(),
        &[epoch(1)],
    );
    assert_eq!(detector.others(secs(0)).unnamed, [epoch(5), epoch(6), epoch(7)].into());
    detector.adopted(epoch(5), secs(1));
    assert_eq!(detector.others(secs(1)).unnamed, [epoch(6), epoch(7)].into());
    detector
        .round(secs(5), Some(vec![Heartbeat { epochs: vec![epoch(6)], ..heartbeat(2, 5) }].into()));
    assert_eq!(detector.others(secs(5)).unnamed, [epoch(7)].into(), "a heartbeat names it now");
    detector.swept_by_another();
    assert_eq!(detector.others(secs(5)).unnamed, [].into());
}

/// What an adoption had to leave is told to readers until a sweep finds nothing of it any more, also
/// when the heartbeat that named the epoch goes away.
#[test]
fn epochs_of_which_something_is_left_are_told_to_readers() {
    let mut detector = detector();
    stand_still(&mut detector, 0, 20, 7);
    detector.adopted_in_part(epoch(2), secs(20));
    assert_eq!(detector.abandoned(secs(20)), [], "it is not tried again at once");
    let others = detector.others(secs(20));
    assert_eq!((others.unattended, others.unnamed), ([epoch(2)].into(), [].into()));
    detector.round(secs(25), Some(vec![heartbeat(1, 25)].into()));
    assert_eq!(detector.others(secs(25)).unnamed, [epoch(2)].into());
    detector.unknown(secs(30), &[epoch(2)].into(), &[]);
    detector.adopted_in_part(epoch(2), secs(30));
    assert_eq!(detector.others(secs(30)).unnamed, [epoch(2)].into());
    detector.unknown(secs(60), &[].into(), &[]);
    assert_eq!(detector.others(secs(60)).unnamed, [].into());
    detector.adopted_in_part(epoch(2), secs(70));
    detector.adopted(epoch(2), secs(80));
    assert_eq!(detector.others(secs(80)).unnamed, [].into(), "a newer release adopted it");
}
