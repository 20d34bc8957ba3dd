use super::*;
use crate::EpochId;
use crate::id::{Uid, mint_block};
use crate::record::{Expiry, Input};
use crate::window::{CompactionWindow, mint_compacted};

fn window() -> CompactionWindow {
    CompactionWindow { hour: 498_734, tenant: "t".into() }
}

fn fresh(n: u8) -> Uuid {
    mint_block(&EpochId::new(window().hour * 3600, [n; 12]), 0, [n; 6]).unwrap()
}

fn made(k: u32) -> Uuid {
    mint_compacted(&window(), k, [9; 6]).unwrap()
}

fn record(k: u32, inputs: &[Uuid]) -> Record {
    let rows = inputs.len() as u64;
    let output = BlockEntry {
        tenant: "t".into(),
        id: made(k),
        meta: Default::default(),
        rows,
        size: 1,
        crc: 0,
    };
    Record {
        outputs: vec![output],
        inputs: inputs.iter().map(|id| Input { id: *id, rows: 1 }).collect(),
        ..Record::empty(Uid([1; 16]), &window(), k)
    }
}

const LIMITS: Limits = Limits { most: 8, fewest: 2, bytes: 1000, block: 1000, traces: 1000 };

fn pass(visible: &[Uuid]) -> Compaction {
    let candidates = visible.iter().map(|id| Candidate { id: *id, bytes: 10, traces: 1 });
    Compaction::new(candidates.collect(), LIMITS, true)
}

fn known(records: &[(Record, bool)]) -> Done {
    seen(records, Seen::Nothing)
}

fn seen(records: &[(Record, bool)], seen: Seen) -> Done {
    let known = records
        .iter()
        .map(|(record, old)| (record.k, Known { record: record.clone(), old: *old, seen }));
    Done::Records(known.collect())
}

fn states(states: &[(Uuid, BlockState)]) -> Done {
    Done::Blocks(states.iter().copied().collect())
}

/// Takes steps and compares each with what it should be.
fn follow(pass: &mut Compaction, steps: Vec<(Step, Done)>) {
    for (step, done) in steps {
        assert_eq!(pass.step(), step);
        pass.done(done).unwrap();
    }
}

const BELOW: Done = Done::Floor { covered: false };

#[test]
fn blocks_are_merged_and_then_hidden() {
    let inputs = vec![fresh(1), fresh(2)];
    let record = record(0, &inputs);
    let mut pass = pass(&inputs);
    follow(
        &mut pass,
        vec![
            (Step::ReadRecords, known(&[])),
            (Step::ListFloor, BELOW),
            (Step::Build { k: 0, inputs: inputs.clone() }, Done::Built(Box::new(record.clone()))),
            (Step::CreateRecord(Box::new(record.clone())), Done::Created(Created::Won)),
            (Step::ListFloor, BELOW),
            (Step::WriteMetas(record.outputs), Done::Shown),
            (Step::Hide(inputs), Done::Hidden),
        ],
    );
    let seen = BTreeMap::from([(0, Seen::Hidden)]);
    let summary = Summary { merged: 2, made: 1, seen, ..Summary::default() };
    assert_eq!(pass.step(), Step::Ended(summary));
}

#[test]
fn a_record_that_is_lost_or_void_hides_nothing() {
    let inputs = vec![fresh(1), fresh(2)];
    let table: [&[Done]; 3] = [
        &[Done::OutOfDate],
        &[Done::Built(Box::new(record(0, &inputs))), Done::Created(Created::Lost)],
        &[
            Done::Built(Box::new(record(0, &inputs))),
            Done::Created(Created::Won),
            Done::Floor { covered: true },
        ],
    ];
    for rest in table {
        let mut pass = pass(&inputs);
        follow(&mut pass, vec![(Step::ReadRecords, known(&[])), (Step::ListFloor, BELOW)]);
        rest.iter().for_each(|done| pass.done(done.clone()).unwrap());
        let summary = Summary { lost: true, ..Summary::default() };
        assert_eq!(pass.step(), Step::Ended(summary));
    }
    let mut void = pass(&inputs);
    follow(&mut void, vec![(Step::ReadRecords, known(&[(record(0, &inputs), true)]))]);
    void.done(Done::Floor { covered: true }).unwrap();
    assert_eq!(void.step(), Step::Ended(Summary::default()));
}

#[test]
fn what_a_crash_left_is_finished_first() {
    use BlockState::{Compacted, Gone, Unfinished, Visible};
    let (a, b, c, d) = (fresh(1), fresh(2), fresh(3), fresh(4));
    let (first, second) = (record(0, &[a, b]), record(1, &[made(0), c]));
    let mut pass = pass(&[a, d, made(1)]);
    let mut all = vec![a, b, c, made(0), made(1)];
    all.sort();
    follow(
        &mut pass,
        vec![
            (Step::ReadRecords, known(&[(first, true), (second.clone(), false)])),
            (Step::ListFloor, BELOW),
            (
                Step::LookAtBlocks(all),
                states(&[
                    // Written again by an adopter that stood still.
                    (a, Visible),
                    (b, Compacted),
                    (c, Visible),
                    (made(0), Gone),
                    (made(1), Unfinished),
                ]),
            ),
            (Step::WriteMetas(second.outputs), Done::Shown),
            (Step::Hide(vec![a, c]), Done::Hidden),
            // Only what an old record supersedes.
            (Step::Delete(vec![a, b]), Done::Deleted),
            (Step::Build { k: 2, inputs: vec![d, made(1)] }, Done::OutOfDate),
        ],
    );
    let seen = BTreeMap::from([(0, Seen::Hidden), (1, Seen::Hidden)]);
    let summary =
        Summary { finished: 1, hidden: 2, deleted: 2, lost: true, seen, ..Summary::default() };
    assert_eq!(pass.step(), Step::Ended(summary));
}

#[test]
fn nothing_is_hidden_or_deleted_for_outputs_that_are_nowhere() {
    use BlockState::{Compacted, Gone, Visible};
    let (a, b) = (fresh(1), fresh(2));
    let mut pass = pass(&[a]);
    let mut all = vec![a, b, made(0)];
    all.sort();
    follow(
        &mut pass,
        vec![
            (Step::ReadRecords, known(&[(record(0, &[a, b]), true)])),
            (Step::ListFloor, BELOW),
            (Step::LookAtBlocks(all), states(&[(a, Visible), (b, Compacted), (made(0), Gone)])),
        ],
    );
    let summary = Summary { missing: vec![made(0)], ..Summary::default() };
    assert_eq!(pass.step(), Step::Ended(summary));
}

#[test]
fn what_was_seen_is_not_looked_at_again_without_a_reason() {
    use BlockState::{Compacted, Gone, Visible};
    let (a, b) = (fresh(1), fresh(2));
    // What was seen, whether the record is old, whether an input is thought to be visible: is looked?
    let table = [
        (Seen::Nothing, false, false, true),
        (Seen::Hidden, false, false, false),
        (Seen::Hidden, true, false, true),
        (Seen::Hidden, false, true, true),
        (Seen::Gone, true, false, false),
        (Seen::Gone, true, true, true),
    ];
    for (before, old, visible, looks) in table {
        let mut pass = pass(&[if visible { a } else { made(0) }]);
        pass.done(seen(&[(record(0, &[a, b]), old)], before)).unwrap();
        pass.done(BELOW).unwrap();
        let step = pass.step();
        assert_eq!(matches!(step, Step::LookAtBlocks(_)), looks, "{before:?} {old} {step:?}");
    }
    for (state, now) in [(Gone, Seen::Gone), (Compacted, Seen::Hidden)] {
        let mut pass = pass(&[made(0)]);
        pass.done(known(&[(record(0, &[a, b]), false)])).unwrap();
        pass.done(BELOW).unwrap();
        pass.done(states(&[(a, state), (b, Gone), (made(0), Visible)])).unwrap();
        let seen = BTreeMap::from([(0, now)]);
        assert_eq!(pass.step(), Step::Ended(Summary { seen, ..Summary::default() }));
    }
}

#[test]
fn steps_out_of_turn_change_nothing() {
    let mut pass = pass(&[fresh(1), fresh(2)]);
    let before = pass.clone();
    for done in [BELOW, Done::Shown, Done::Hidden, Done::Deleted, Done::Created(Created::Won)] {
        assert!(pass.done(done).is_err());
        assert_eq!(pass, before);
    }
}

fn expiring(visible: &[Uuid]) -> Compaction {
    let candidates = visible.iter().map(|id| Candidate { id: *id, bytes: 10, traces: 1 });
    Compaction::expiring(candidates.collect())
}

fn expiry(k: u32, blocks: &[Uuid]) -> Record {
    let expiry = Expiry { retention: Some(3600), bytes: 10 };
    Record::expiring(Uid([5; 16]), &window(), k, blocks.iter().copied(), expiry)
}

#[test]
fn all_that_stands_expires_and_is_then_hidden_above_the_floor_and_below() {
    for covered in [false, true] {
        let blocks = vec![fresh(1), fresh(2)];
        let record = expiry(0, &blocks);
        let mut pass = expiring(&blocks);
        follow(
            &mut pass,
            vec![
                (Step::ReadRecords, known(&[])),
                (Step::ListFloor, Done::Floor { covered }),
                (
                    Step::Expire { k: 0, blocks: blocks.clone() },
                    Done::Built(Box::new(record.clone())),
                ),
                (Step::CreateRecord(Box::new(record)), Done::Created(Created::Won)),
                (Step::Hide(blocks), Done::Hidden),
            ],
        );
        let seen = BTreeMap::from([(0, Seen::Hidden)]);
        assert_eq!(pass.step(), Step::Ended(Summary { expired: 2, seen, ..Summary::default() }));
    }
    let mut lost = expiring(&[fresh(1)]);
    follow(
        &mut lost,
        vec![
            (Step::ReadRecords, known(&[])),
            (Step::ListFloor, BELOW),
            (
                Step::Expire { k: 0, blocks: vec![fresh(1)] },
                Done::Built(Box::new(expiry(0, &[fresh(1)]))),
            ),
        ],
    );
    lost.done(Done::Created(Created::Lost)).unwrap();
    assert_eq!(lost.step(), Step::Ended(Summary { lost: true, ..Summary::default() }));
    let mut empty = expiring(&[]);
    follow(&mut empty, vec![(Step::ReadRecords, known(&[])), (Step::ListFloor, BELOW)]);
    assert_eq!(empty.step(), Step::Ended(Summary::default()), "nothing stands there");
}

#[test]
fn of_a_merge_that_was_cut_off_nothing_is_left_standing() {
    use BlockState::{Compacted, Gone, Visible};
    let (a, b, late) = (fresh(1), fresh(2), fresh(3));
    let mut pass = expiring(&[a, late]);
    let mut all = vec![a, b, made(0)];
    all.sort();
    let mut standing = vec![late, made(0)];
    standing.sort();
    follow(
        &mut pass,
        vec![
            (Step::ReadRecords, known(&[(record(0, &[a, b]), false)])),
            (Step::ListFloor, BELOW),
            // Its output was lost, so what it was made of was not hidden.
            (Step::LookAtBlocks(all), states(&[(a, Visible), (b, Compacted), (made(0), Gone)])),
        ],
    );
    assert_eq!(pass.step(), Step::Expire { k: 1, blocks: standing.clone() });
    // Then nothing stands in the way of hiding it.
    let records = [(record(0, &[a, b]), true), (expiry(1, &standing), true)];
    let mut next = expiring(&[a]);
    let mut all = vec![a, b, late, made(0)];
    all.sort();
    follow(
        &mut next,
        vec![
            (Step::ReadRecords, known(&records)),
            (Step::ListFloor, BELOW),
            (
                Step::LookAtBlocks(all),
                states(&[(a, Visible), (b, Compacted), (late, Visible), (made(0), Gone)]),
            ),
            (Step::Hide(vec![a, late]), Done::Hidden),
        ],
    );
    let Step::Delete(deleted) = next.step() else { panic!("{:?}", next.step()) };
    assert_eq!(deleted, [a, b, late]);
}

#[test]
fn below_the_floor_only_what_has_expired_is_carried_out() {
    use BlockState::{Compacted, Visible};
    let (a, b, c) = (fresh(1), fresh(2), fresh(3));
    // The merge's record is void, and keeps its number.
    let records = [(record(0, &[a, b]), true), (expiry(1, &[c]), true)];
    for merges in [true, false] {
        let mut pass = if merges { pass(&[a, b]) } else { expiring(&[a, b]) };
        follow(
            &mut pass,
            vec![
                (Step::ReadRecords, known(&records)),
                (Step::ListFloor, Done::Floor { covered: true }),
                (Step::LookAtBlocks(vec![c]), states(&[(c, Visible)])),
                (Step::Hide(vec![c]), Done::Hidden),
                (Step::Delete(vec![c]), Done::Deleted),
            ],
        );
        match merges {
            true => assert!(matches!(pass.step(), Step::Ended(_)), "{:?}", pass.step()),
            false => assert_eq!(pass.step(), Step::Expire { k: 2, blocks: vec![a, b] }),
        }
    }
    // A process whose retention is longer carries out what has expired by another's.
    let mut grown = pass(&[c]);
    grown.done(known(&[(expiry(0, &[c]), false)])).unwrap();
    grown.done(BELOW).unwrap();
    grown.done(states(&[(c, Compacted)])).unwrap();
    assert!(matches!(grown.step(), Step::Ended(_)), "{:?}", grown.step());
}
