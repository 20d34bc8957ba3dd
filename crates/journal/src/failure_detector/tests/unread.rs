//! Heartbeats that are there and cannot be read.

use super::*;
use crate::heartbeat::{Heartbeats, Mark, Unreadable};
use std::time::SystemTime;

/// The object of process `n`, of which no bytes are had, written at this second.
fn denied(n: u8, written: u64) -> Unreadable {
    let listed = (SystemTime::UNIX_EPOCH + secs(written), 300);
    Unreadable { process: uid(n), mark: Mark { listed, bytes: None }, why: "denied".into() }
}

fn beats(read: Vec<Heartbeat>, unreadable: Vec<Unreadable>) -> Option<Heartbeats> {
    Some(Heartbeats { read, unreadable })
}

/// Patience of a suspicion and of a sweep together.
const ENOUGH: u64 = 5 * (4 + 24);

#[test]
fn one_that_is_written_anew_may_be_a_living_process_and_one_that_stands_still_is_none() {
    let mut lives = detector();
    let mut stands = detector();
    for at in (0..=1000).step_by(5) {
        lives.round(secs(at), beats(vec![heartbeat(3, at)], vec![denied(2, at)]));
        stands.round(secs(at), beats(vec![heartbeat(3, at)], vec![denied(2, 0)]));
        assert!(lives.others(secs(at)).in_the_dark, "{at}");
        assert_eq!(stands.others(secs(at)).in_the_dark, at < ENOUGH, "{at}");
        assert_eq!(stands.living(secs(at)).len(), 1, "{at}: the good one is there all the time");
    }
    // The store is away: what was established is not forgotten. Then it is written again.
    stands.round(secs(1005), None);
    stands.round(secs(1010), beats(vec![heartbeat(3, 1010)], vec![denied(2, 0)]));
    assert!(!stands.others(secs(1010)).in_the_dark);
    stands.round(secs(1015), beats(vec![heartbeat(3, 1015)], vec![denied(2, 1014)]));
    assert!(stands.others(secs(1015)).in_the_dark);
    // When it is gone, what its process held is in blocks.
    stands.round(secs(1020), beats(vec![heartbeat(3, 1020)], vec![]));
    assert_eq!((stands.others(secs(1020)).in_the_dark, stands.moved()), (false, Some(secs(1020))));
}

#[test]
fn one_that_was_read_before_is_kept_as_it_was_known() {
    // For how long it cannot be read after it was, and whether it is written meanwhile: whether its
    // process is living, whether it is adopted, whether there may be more than is known of it.
    let table = [
        (5, true, true, false, false),
        (20, true, true, false, false),
        (25, true, true, false, true),
        (600, true, true, false, true),
        (5, false, true, false, false),
        (15, false, true, false, false),
        (20, false, false, true, false),
        (25, false, false, true, true),
        (600, false, false, true, false),
    ];
    for (time, written, living, abandoned, dark) in table {
        let mut detector = detector();
        detector.round(secs(0), beats(vec![heartbeat(2, 0)], vec![]));
        for at in (5..=time).step_by(5) {
            let object = denied(2, if written { at } else { 0 });
            detector.round(secs(at), beats(vec![], vec![object]));
        }
        let now = secs(time);
        let found = (
            detector.living(now).len() == 1,
            detector.abandoned(now) == [epoch(2)],
            detector.others(now).in_the_dark,
        );
        assert_eq!(found, (living, abandoned, dark), "{time} s, written: {written}");
        assert_eq!(detector.moved(), None);
    }
}

#[test]
fn what_is_left_to_adopt_is_counted() {
    let mut detector = detector();
    stand_still(&mut detector, 0, 15, 7);
    assert_eq!(detector.left(secs(15)), 0, "no process is suspected");
    stand_still(&mut detector, 20, 20, 7);
    detector.unknown(secs(20), &BTreeSet::from([epoch(8), epoch(9)]), &[]);
    assert_eq!(detector.left(secs(20)), 3);
    detector.adopted(epoch(2), secs(20));
    detector.adopted(epoch(8), secs(20));
    assert_eq!(detector.left(secs(20)), 1);
}
