use super::*;
use crate::commit;
use crate::id::{EpochId, Uid, mint_block};
use crate::segment::SegmentInfo;
use tributary_store::Created;

fn epoch() -> EpochId {
    EpochId::new(1_795_442_400, [7; 12])
}

fn slot(k: u32, covers: &[u64]) -> Slot {
    let info = |n: &u64| SegmentInfo { n: *n, len: 100, crc: 0, spans: 1 };
    let id = mint_block(&epoch(), k, [1; 6]).unwrap();
    let rows = covers.len() as u64;
    let block =
        BlockEntry { tenant: "t".into(), id, meta: Default::default(), rows, size: 1, crc: 0 };
    Slot {
        uid: Uid([1; 16]),
        epoch: epoch(),
        k,
        blocks: vec![block],
        covers: covers.iter().map(info).collect(),
        quarantined: Vec::new(),
        rows_in: rows,
        duplicates: 0,
        rejected: 0,
        relogged: 0,
        conflicts: 0,
        closed: false,
        adopted: true,
    }
}

fn segments(numbers: &[u64]) -> Done {
    Done::Segments(numbers.iter().map(|n| (*n, 100)).collect())
}

fn won(run: CommitRun) -> Ended {
    let mut run = run;
    for done in [
        commit::Done::Stored,
        commit::Done::Slot(Created::Won),
        commit::Done::Floor { covered: false },
        commit::Done::Shown,
        commit::Done::Deleted,
    ] {
        run.done(done).unwrap();
    }
    match run.step() {
        commit::Step::Ended(ended) => ended,
        step => panic!("{step:?}"),
    }
}

#[test]
fn what_is_left_is_committed_piece_by_piece() {
    let mut adoption = Adoption::new(200);
    let first = slot(0, &[0, 1]);
    let id = first.blocks[0].id;
    adoption.done(Done::Slots(BTreeMap::from([(0, first.clone())]))).unwrap();
    adoption.done(segments(&[1, 2, 3, 5])).unwrap();
    assert_eq!(adoption.step(), Step::LookAtBlocks(first.blocks.clone()));
    adoption.done(Done::Blocks(BTreeMap::from([(id, BlockState::Unfinished)]))).unwrap();
    adoption.done(Done::Floor { covered: false }).unwrap();
    assert_eq!(adoption.step(), Step::WriteMetas(first.blocks));
    adoption.done(Done::Shown).unwrap();
    assert_eq!(adoption.step(), Step::Delete(vec![1]));
    adoption.done(Done::Deleted).unwrap();
    for (k, piece) in [(1, vec![2, 3]), (2, vec![5])] {
        assert_eq!(adoption.step(), Step::Build { k, segments: piece.clone() });
        adoption.done(built(Some(slot(k, &piece)))).unwrap();
        let Step::Commit(run) = adoption.step() else { panic!("{:?}", adoption.step()) };
        adoption.done(Done::Committed(won(run))).unwrap();
    }
    let summary = Summary { committed: 3, finished: 1, ..Summary::default() };
    assert_eq!(adoption.step(), Step::Ended(summary));
}

#[test]
fn a_lost_slot_is_looked_at_again_but_not_for_ever() {
    let mut adoption = Adoption::new(200);
    for attempt in 1..=u64::from(ATTEMPTS) {
        assert_eq!(adoption.step(), Step::ReadSlots);
        adoption.done(Done::Slots(BTreeMap::new())).unwrap();
        adoption.done(segments(&[0])).unwrap();
        adoption.done(Done::Floor { covered: false }).unwrap();
        adoption.done(built(Some(slot(0, &[0])))).unwrap();
        adoption.done(Done::Committed(Ended::Lost)).unwrap();
        assert_eq!(adoption.summary.lost, attempt);
    }
    assert!(matches!(adoption.step(), Step::Ended(Summary { gave_up: true, .. })));
}

#[test]
fn below_the_floor_segments_are_logged_again() {
    let mut adoption = Adoption::new(200);
    // The slot is void: what it says about segment 0 counts for nothing.
    adoption.done(Done::Slots(BTreeMap::from([(0, slot(0, &[0]))]))).unwrap();
    adoption.done(segments(&[0, 4])).unwrap();
    adoption.done(Done::Blocks(BTreeMap::new())).unwrap();
    adoption.done(Done::Floor { covered: true }).unwrap();
    for n in [0, 4] {
        assert_eq!(adoption.step(), Step::Relog(n));
        adoption.done(Done::Relogged).unwrap();
        assert_eq!(adoption.step(), Step::Delete(vec![n]));
        adoption.done(Done::Deleted).unwrap();
    }
    assert_eq!(adoption.step(), Step::Ended(Summary { relogged: 2, ..Summary::default() }));
}

/// All of a piece was read.
fn built(slot: Option<Slot>) -> Done {
    Done::Built { slot, rest: Vec::new() }
}

#[test]
fn what_was_too_much_at_once_comes_next() {
    let mut adoption = Adoption::new(u64::MAX);
    adoption.done(Done::Slots(BTreeMap::new())).unwrap();
    adoption.done(segments(&[1, 2, 3, 4, 5])).unwrap();
    adoption.done(Done::Floor { covered: false }).unwrap();
    let mut build = |k, piece: &[u64], slot: Option<Slot>, rest: &[u64]| {
        assert_eq!(adoption.step(), Step::Build { k, segments: piece.to_vec() });
        let commits = slot.is_some();
        adoption.done(Done::Built { slot, rest: rest.to_vec() }).unwrap();
        if commits {
            let Step::Commit(run) = adoption.step() else { panic!("{:?}", adoption.step()) };
            adoption.done(Done::Committed(won(run))).unwrap();
        }
        adoption.step()
    };
    // Of the first two, one cannot be read; nor can the third.
    build(0, &[1, 2, 3, 4, 5], Some(slot(0, &[2])), &[3, 4, 5]);
    build(1, &[3, 4, 5], None, &[4, 5]);
    let last = build(1, &[4, 5], Some(slot(1, &[4, 5])), &[]);
    let left = [1, 3].into();
    assert_eq!(last, Step::Ended(Summary { committed: 3, left, ..Summary::default() }));
}

/// What the reader made of two pieces.
type Built = [Option<Slot>; 2];

/// What the reader of a piece made of it, the whole epoch's segments 1 to 4 being two pieces: what is
/// left in the end, and how many were committed.
#[test]
fn what_cannot_be_read_stays_and_stops_nothing_else() {
    let setting_aside = |k, covers: &[u64], aside: &[u64]| {
        Some(Slot { quarantined: aside.to_vec(), ..slot(k, covers) })
    };
    let table: [(&str, Built, &[u64], u64); 6] = [
        ("everything is read", [Some(slot(0, &[1, 2])), Some(slot(1, &[3, 4]))], &[], 4),
        ("one of a piece", [Some(slot(0, &[2])), Some(slot(1, &[3, 4]))], &[1], 3),
        ("a whole piece", [None, Some(slot(0, &[3, 4]))], &[1, 2], 2),
        ("the last piece", [Some(slot(0, &[1, 2])), None], &[3, 4], 2),
        ("all of it", [None, None], &[1, 2, 3, 4], 0),
        ("one set aside", [setting_aside(0, &[1], &[2]), setting_aside(1, &[3], &[])], &[4], 2),
    ];
    for (name, pieces, left, committed) in table {
        let mut adoption = Adoption::new(200);
        adoption.done(Done::Slots(BTreeMap::new())).unwrap();
        adoption.done(segments(&[1, 2, 3, 4])).unwrap();
        adoption.done(Done::Floor { covered: false }).unwrap();
        for slot in pieces {
            assert!(matches!(adoption.step(), Step::Build { .. }), "{name}");
            let commits = slot.is_some();
            adoption.done(built(slot)).unwrap();
            if commits {
                let Step::Commit(run) = adoption.step() else { panic!("{:?}", adoption.step()) };
                adoption.done(Done::Committed(won(run))).unwrap();
            }
        }
        let left = left.iter().copied().collect();
        let summary = Summary { committed, left, ..Summary::default() };
        assert_eq!(adoption.step(), Step::Ended(summary), "{name}");
    }
}

#[test]
fn what_was_left_is_not_counted_when_another_process_has_read_it_meanwhile() {
    let mut adoption = Adoption::new(100);
    adoption.done(Done::Slots(BTreeMap::new())).unwrap();
    adoption.done(segments(&[1, 2])).unwrap();
    adoption.done(Done::Floor { covered: false }).unwrap();
    adoption.done(built(None)).unwrap();
    adoption.done(Done::OutOfDate).unwrap();
    adoption.done(Done::Slots(BTreeMap::from([(0, slot(0, &[1, 2]))]))).unwrap();
    adoption.done(segments(&[])).unwrap();
    adoption.done(Done::Floor { covered: false }).unwrap();
    assert_eq!(adoption.step(), Step::Ended(Summary::default()));
}

#[test]
fn below_the_floor_one_that_cannot_be_read_stops_no_other() {
    for unread in [[1].as_slice(), &[2], &[3], &[1, 3], &[1, 2, 3]] {
        let mut adoption = Adoption::new(200);
        adoption.done(Done::Slots(BTreeMap::new())).unwrap();
        adoption.done(segments(&[1, 2, 3])).unwrap();
        adoption.done(Done::Floor { covered: true }).unwrap();
        for n in [1, 2, 3] {
            assert_eq!(adoption.step(), Step::Relog(n), "{unread:?}");
            if unread.contains(&n) {
                adoption.done(Done::Left).unwrap();
            } else {
                adoption.done(Done::Relogged).unwrap();
                assert_eq!(adoption.step(), Step::Delete(vec![n]), "{unread:?}");
                adoption.done(Done::Deleted).unwrap();
            }
        }
        let left: BTreeSet<u64> = unread.iter().copied().collect();
        let relogged = 3 - unread.len() as u64;
        let summary = Summary { relogged, left, ..Summary::default() };
        assert_eq!(adoption.step(), Step::Ended(summary), "{unread:?}");
    }
}

#[test]
fn reports_out_of_turn_change_nothing() {
    let mut adoption = Adoption::new(200);
    let before = adoption.clone();
    for done in
        [Done::Shown, Done::Deleted, built(None), Done::Relogged, Done::Left, Done::OutOfDate]
    {
        adoption.done(done).unwrap_err();
        assert_eq!(adoption, before);
    }
}
