use super::*;

const HEARTBEAT: Duration = Duration::from_secs(5);

fn uid(n: u8) -> Uid {
    Uid([n; 16])
}

fn epoch(n: u8) -> EpochId {
    EpochId::new(1_795_442_400, [n; 12])
}

/// Process `n`, which owns epoch `n`, with this counter.
fn live(n: u8, counter: u64) -> Live {
    Live {
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

fn watch() -> Watch {
    Watch::new(uid(1), "pod-1", Patience::from_heartbeat(HEARTBEAT))
}

/// Rounds every five seconds from `from` to `to`, in which process 2 stands still at `counter`.
fn stand_still(watch: &mut Watch, from: u64, to: u64, counter: u64) {
    for at in (from..=to).step_by(5) {
        watch.round(secs(at), Some(vec![live(1, at), live(2, counter)]));
    }
}

#[test]
fn a_heartbeat_that_stands_still_is_suspected_and_may_come_back() {
    let mut watch = watch();
    stand_still(&mut watch, 0, 15, 7);
    assert_eq!(watch.living(secs(15)).len(), 1);
    assert_eq!(watch.abandoned(secs(15)), []);
    stand_still(&mut watch, 20, 20, 7);
    assert_eq!(watch.living(secs(20)).len(), 0);
    assert_eq!(watch.abandoned(secs(20)), [epoch(2)], "nobody else is there to do it");
    watch.adopted(epoch(2), secs(20));
    assert_eq!(watch.abandoned(secs(20)), []);
    stand_still(&mut watch, 25, 25, 8);
    assert_eq!(watch.living(secs(25)).len(), 1, "a zombie");
    assert_eq!(watch.abandoned(secs(25)), []);
    stand_still(&mut watch, 30, 45, 8);
    assert_eq!(watch.abandoned(secs(45)), [epoch(2)], "that dies again");
    watch.adopted(epoch(2), secs(45));
    watch.unknown(secs(45), &BTreeSet::from([epoch(2)]), &[]);
    assert_eq!(watch.abandoned(secs(45)), [epoch(2)], "and whose last write comes late");
}

#[test]
fn who_is_not_well_suspects_nobody() {
    // The store was away: rounds failed, and everybody's heartbeat looks old.
    let mut outage = watch();
    stand_still(&mut outage, 0, 5, 7);
    (10..100).step_by(5).for_each(|at| outage.round(secs(at), None));
    assert_eq!(outage.abandoned(secs(100)), []);
    stand_still(&mut outage, 100, 115, 7);
    assert_eq!(outage.abandoned(secs(115)), [], "the time of the outage does not count");
    stand_still(&mut outage, 120, 120, 7);
    assert_eq!(outage.abandoned(secs(120)), [epoch(2)]);

    // We were frozen: no round at all.
    let mut frozen = watch();
    stand_still(&mut frozen, 0, 5, 7);
    stand_still(&mut frozen, 100, 115, 7);
    assert_eq!(frozen.abandoned(secs(115)), []);
    stand_still(&mut frozen, 120, 120, 7);
    assert_eq!(frozen.abandoned(secs(120)), [epoch(2)]);
}

#[test]
fn ones_own_predecessor_is_not_waited_for() {
    let mut watch = watch();
    let before = Live { instance: "pod-1".into(), ..live(9, 3) };
    watch.round(secs(0), Some(vec![before.clone()]));
    assert_eq!(watch.abandoned(secs(0)), [epoch(9)]);
    assert_eq!(watch.forgettable(secs(0)), []);
    watch.adopted(epoch(9), secs(0));
    assert_eq!(watch.forgettable(secs(0)), [uid(9)]);
}

#[test]
fn one_adopts_and_the_others_wait_their_turn() {
    let beats = |dead: u64, at: u64| vec![live(1, at), live(2, at), live(3, at), live(4, dead)];
    let mut when = Vec::new();
    for process in [1, 2, 3] {
        let mut watch = Watch::new(
            uid(process),
            &format!("pod-{process}"),
            Patience::from_heartbeat(HEARTBEAT),
        );
        let first = (0..200).step_by(5).find(|at| {
            watch.round(secs(*at), Some(beats(1, *at)));
            !watch.abandoned(secs(*at)).is_empty()
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
        let mut watch = Watch::new(uid(process), "", Patience::from_heartbeat(HEARTBEAT));
        watch.round(secs(0), Some(vec![live(1, 0), live(2, 0), live(3, 0)]));
        for n in 0..=255 {
            let first = watch.is_first(epoch(n).bytes(), secs(0));
            firsts[usize::from(process) - 1] += usize::from(first);
        }
    }
    assert_eq!(firsts.iter().sum::<usize>(), 256, "always exactly one");
    assert!(firsts.iter().all(|n| (50..130).contains(n)), "{firsts:?}");
}

#[test]
fn epochs_of_nobody_are_adopted_when_they_have_been_seen_for_long() {
    let mut watch = watch();
    let in_store = BTreeSet::from([epoch(1), epoch(2), epoch(5)]);
    let mut found = Vec::new();
    for at in (0..=120).step_by(5) {
        watch.round(secs(at), Some(vec![live(2, at)]));
        let due = watch.unknown(secs(at), &in_store, &[epoch(1)]);
        found.extend(due.into_iter().map(|epoch| (at, epoch)));
    }
    // Process 2 is alive too and may stand before us.
    assert!(matches!(found[..], [] | [(120, _)]), "{found:?}");
    watch.round(secs(130), Some(vec![live(2, 130)]));
    assert_eq!(watch.unknown(secs(130), &in_store, &[epoch(1)]), [epoch(5)]);
    let named = Live { epochs: vec![epoch(2), epoch(5)], ..live(2, 200) };
    watch.round(secs(135), Some(vec![named]));
    assert_eq!(watch.unknown(secs(135), &in_store, &[epoch(1)]), [], "it has an owner after all");
}

#[test]
fn heartbeats_of_the_dead_are_removed_in_the_end() {
    let mut watch = watch();
    stand_still(&mut watch, 0, 595, 7);
    watch.adopted(epoch(2), secs(595));
    assert_eq!(watch.forgettable(secs(595)), []);
    stand_still(&mut watch, 600, 600, 7);
    assert_eq!(watch.forgettable(secs(600)), [uid(2)]);
}

#[test]
fn queries_know_where_the_spans_of_others_are() {
    let answers = |n: u8, counter| Live { query_address: format!("q{n}"), ..live(n, counter) };
    let beats = |at| vec![answers(2, 7), answers(3, at), live(4, at)];
    let asked = |others: &Others| -> Vec<Uid> { others.living.iter().map(|l| l.process).collect() };
    let mut watch = watch();
    assert!(watch.others(secs(0)).in_the_dark, "nothing is known yet");
    watch.round(secs(0), Some(beats(0)));
    let others = watch.others(secs(5));
    assert_eq!(asked(&others), [uid(2), uid(3)]);
    assert_eq!(others.unattended, [epoch(4)].into(), "it answers no queries");
    assert_eq!((others.in_the_dark, watch.moved()), (false, None));

    // Process 2 is suspected, and what it left is adopted: it may wake up and write on.
    (5..=20).step_by(5).for_each(|at| watch.round(secs(at), Some(beats(at))));
    watch.adopted(epoch(2), secs(20));
    let others = watch.others(secs(20));
    assert_eq!(asked(&others), [uid(3)]);
    assert_eq!(others.unattended, [epoch(2), epoch(4)].into());
    assert_eq!(watch.moved(), Some(secs(20)));

    // Process 3 leaves: its last blocks are older than the round that finds it gone.
    watch.round(secs(25), Some(vec![answers(2, 7)]));
    let others = watch.others(secs(25));
    assert_eq!((asked(&others), watch.moved()), (vec![], Some(secs(25))));
    assert_eq!(others.unattended, [epoch(2)].into());

    // Rounds fail: after a while there may be somebody that nobody has heard of.
    (30..50).step_by(5).for_each(|at| watch.round(secs(at), None));
    assert!(!watch.others(secs(45)).in_the_dark);
    assert!(watch.others(secs(46)).in_the_dark);
}

#[test]
fn epochs_of_nobody_are_read_until_they_are_adopted() {
    let mut watch = watch();
    watch.round(secs(0), Some(vec![live(2, 0)]));
    watch.unknown(secs(0), &[epoch(1), epoch(2), epoch(5), epoch(6), epoch(7)].into(), &[epoch(1)]);
    assert_eq!(watch.others(secs(0)).unnamed, [epoch(5), epoch(6), epoch(7)].into());
    watch.adopted(epoch(5), secs(1));
    assert_eq!(watch.others(secs(1)).unnamed, [epoch(6), epoch(7)].into());
    watch.round(secs(5), Some(vec![Live { epochs: vec![epoch(6)], ..live(2, 5) }]));
    assert_eq!(watch.others(secs(5)).unnamed, [epoch(7)].into(), "somebody names it now");
    watch.swept_by_another();
    assert_eq!(watch.others(secs(5)).unnamed, [].into());
}
