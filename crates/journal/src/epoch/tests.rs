use super::*;

fn info(n: u64) -> SegmentInfo {
    SegmentInfo { n, len: 100, crc: 1, spans: 10 }
}

fn epoch() -> WriterEpoch {
    WriterEpoch::new(EpochId::new(1_795_442_400, [1; 12]))
}

fn with_segments(count: u64) -> WriterEpoch {
    let mut epoch = epoch();
    for n in 0..count {
        assert_eq!(epoch.reserve(), Ok(n));
        epoch.durable(info(n)).unwrap();
    }
    epoch
}

/// Segments that no slot covers, segments that one covers and that are not yet deleted, and frozen
/// generations, the one being committed included.
fn counts(epoch: &WriterEpoch) -> (usize, usize, usize) {
    let covered = epoch.committed.values().map(BTreeSet::len).sum();
    let frozen = epoch.frozen.len() + usize::from(epoch.is_committing());
    (epoch.uncovered(), covered, frozen)
}

#[test]
fn from_segment_to_deletion() {
    let mut epoch = epoch();
    assert_eq!((epoch.reserve(), epoch.reserve(), epoch.reserve()), (Ok(0), Ok(1), Ok(2)));
    // Out of order: each belongs to the generation that is open when it becomes durable.
    assert_eq!(epoch.durable(info(2)), Ok(Some(0)));
    assert_eq!(epoch.durable(info(0)), Ok(Some(0)));
    assert_eq!(epoch.freeze(), Some(0));
    assert_eq!(epoch.durable(info(1)), Ok(Some(1)));
    assert_eq!(
        epoch.begin_commit().unwrap().generation.segments.into_keys().collect::<Vec<_>>(),
        [0, 2]
    );
    assert_eq!(epoch.freeze(), Some(1));
    assert_eq!(epoch.begin_commit(), None, "one commit at a time");
    assert_eq!(counts(&epoch), (3, 0, 2));
    epoch.slot_won(0).unwrap();
    assert_eq!(counts(&epoch), (1, 2, 1));
    let next = epoch.begin_commit().unwrap();
    assert_eq!((next.slot, next.closes, next.generation.number), (1, false, 1));
    assert_eq!(epoch.deleted(&[0]), Err(EpochError::OutOfTurn("the segment is not deletable")));
    assert_eq!(epoch.metas_written(0), Ok(vec![0, 2]));
    epoch.deleted(&[0]).unwrap();
    assert_eq!(epoch.metas_written(0), Ok(vec![2]), "half of them were deleted");
    epoch.deleted(&[2]).unwrap();
    epoch.slot_won(1).unwrap();
    assert!(!epoch.is_drained(), "the metas are not written");
    epoch.metas_written(1).unwrap();
    assert!(epoch.is_drained());
    assert_eq!(epoch.begin_commit(), None);
}

#[test]
fn an_empty_generation_is_not_frozen() {
    let mut epoch = epoch();
    assert_eq!(epoch.freeze(), None);
    assert_eq!(epoch.begin_commit(), None);
    epoch.reserve().unwrap();
    assert_eq!(epoch.freeze(), None, "in flight is not durable");
    assert_eq!(epoch.reserve(), Ok(1), "a number is never used again");
}

#[test]
fn steps_out_of_turn_change_nothing() {
    let mut epoch = with_segments(1);
    let before = format!("{epoch:?}");
    assert!(epoch.durable(info(0)).is_err(), "durable already");
    assert!(epoch.durable(info(9)).is_err(), "never reserved");
    assert!(epoch.slot_won(0).is_err());
    assert!(epoch.slot_lost(0).is_err());
    assert!(epoch.metas_written(0).is_err());
    assert!(epoch.deleted(&[0]).is_err());
    assert_eq!(format!("{epoch:?}"), before);
    epoch.freeze();
    epoch.begin_commit().unwrap();
    let before = format!("{epoch:?}");
    assert!(epoch.slot_won(1).is_err(), "another slot");
    assert_eq!(format!("{epoch:?}"), before);
}

#[test]
fn a_lost_slot_ends_the_epoch_and_names_what_memory_held() {
    let mut epoch = with_segments(2);
    epoch.freeze();
    epoch.reserve().unwrap();
    epoch.durable(info(2)).unwrap();
    epoch.freeze();
    epoch.reserve().unwrap();
    epoch.durable(info(3)).unwrap();
    epoch.reserve().unwrap();
    epoch.begin_commit().unwrap();
    assert_eq!(epoch.slot_lost(0).unwrap().into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(epoch.is_lost());
    assert_eq!(epoch.reserve(), Err(EpochError::Finished));
    assert_eq!(epoch.begin_commit(), None);
    assert_eq!(epoch.durable(info(4)), Ok(None), "still to be acknowledged: the segment exists");
    assert_eq!((counts(&epoch), epoch.in_flight.len()), ((0, 0, 0), 0));
}

#[test]
fn the_last_commit_closes_the_epoch() {
    // Segments, whether they are committed before closing, the segments of the closing commit.
    for (segments, committed, closing) in
        [(0, false, None), (2, false, Some(2)), (2, true, Some(0))]
    {
        let mut epoch = with_segments(segments);
        if committed {
            epoch.freeze();
            let commit = epoch.begin_commit().unwrap();
            assert!(!commit.closes);
            epoch.slot_won(commit.slot).unwrap();
            epoch.metas_written(commit.slot).unwrap();
        }
        epoch.close();
        assert_eq!(epoch.is_drained(), segments == 0);
        assert_eq!(epoch.reserve(), Err(EpochError::Finished));
        epoch.freeze();
        let mut commits = Vec::new();
        while let Some(commit) = epoch.begin_commit() {
            assert!(commit.closes);
            commits.push(commit.generation.segments.len());
            epoch.slot_won(commit.slot).unwrap();
            epoch.metas_written(commit.slot).unwrap();
        }
        assert_eq!(commits, Vec::from_iter(closing));
        assert!(epoch.is_drained());
    }
}

#[test]
fn an_epoch_is_not_closed_before_its_last_segment() {
    let mut epoch = with_segments(1);
    epoch.reserve().unwrap();
    epoch.close();
    epoch.freeze();
    let first = epoch.begin_commit().unwrap();
    assert!(!first.closes, "segment 1 is in flight");
    epoch.slot_won(first.slot).unwrap();
    assert_eq!(epoch.begin_commit(), None);
    epoch.durable(info(1)).unwrap();
    assert_eq!(epoch.begin_commit(), None, "not frozen yet");
    epoch.freeze();
    assert!(epoch.begin_commit().unwrap().closes);
}

#[test]
fn a_full_epoch_rolls_over() {
    let mut epoch = epoch();
    for _ in 0..MAX_SEGMENTS {
        let n = epoch.reserve().unwrap();
        epoch.durable(info(n)).unwrap();
        epoch.freeze();
        let commit = epoch.begin_commit().unwrap();
        epoch.slot_won(commit.slot).unwrap();
        epoch.metas_written(commit.slot).unwrap();
        epoch.deleted(&[n]).unwrap();
    }
    assert_eq!(epoch.reserve(), Err(EpochError::Finished));
    epoch.close();
    let closing = epoch.begin_commit().unwrap();
    assert!(closing.closes && closing.slot < MAX_SLOTS, "room for one slot a segment and the last");
}

#[test]
fn a_waiting_generation_is_committed_in_parts() {
    let mut epoch = with_segments(2);
    epoch.freeze();
    for n in 2..7 {
        assert_eq!(epoch.reserve(), Ok(n));
        epoch.durable(info(n)).unwrap();
    }
    epoch.freeze();
    let first = epoch.begin_commit().unwrap();
    assert!(epoch.is_committing());
    let numbers = |g: &Generation| g.segments.keys().copied().collect::<Vec<_>>();
    // Two segments have 20 spans.
    let waiting = |numbers: std::ops::Range<u64>| numbers.map(|n| (n, info(n))).collect();
    let parts: Vec<_> = epoch.split(&waiting(2..7), 25).iter().map(numbers).collect();
    assert_eq!(parts, [vec![2, 3], vec![4, 5], vec![6]]);
    assert_eq!(epoch.split(&waiting(2..7), 25), [], "it is in parts already");
    assert_eq!(epoch.split(&waiting(0..2), 25), [], "it is being committed");
    assert_eq!(counts(&epoch), (7, 0, 4));
    epoch.slot_won(first.slot).unwrap();
    epoch.close();
    for (slot, part) in (1..).zip(parts) {
        let commit = epoch.begin_commit().unwrap();
        assert_eq!((commit.slot, numbers(&commit.generation)), (slot, part));
        assert_eq!(commit.closes, slot == 3, "with the last part");
        epoch.slot_won(slot).unwrap();
    }
    assert_eq!(epoch.begin_commit(), None);
}
