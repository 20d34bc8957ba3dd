//! What listings and slots show of an epoch.

use super::*;

#[test]
fn what_is_as_it_should_be_is_not_found() {
    let table = [
        ("healthy", healthy()),
        (
            "nothing at all",
            with(|v| {
                v.slots.clear();
                v.segments.clear();
                v.blocks.clear();
            }),
        ),
        ("a block to be finished", with(|v| v.blocks.get_mut(&key(1, 1)).unwrap().meta = false)),
        (
            "a block of the next slot",
            with(|v| {
                v.blocks.insert(key(2, 1), BlockFound { meta: false, ..WHOLE });
            }),
        ),
        (
            "a loser's block",
            with(|v| {
                v.blocks.insert(key(1, 9), BlockFound { meta: false, ..WHOLE });
            }),
        ),
        (
            "compacted away",
            with(|v| {
                let left = BlockFound { compacted: true, ..GONE };
                v.blocks.insert(key(0, 1), BlockFound { objects: 1, ..left });
            }),
        ),
        (
            "merged into another and gone",
            with(|v| {
                v.blocks.insert(key(0, 1), GONE);
                v.superseded.insert(key(0, 1));
            }),
        ),
        (
            "a closing slot",
            with(|v| {
                let last = Slot { blocks: Vec::new(), closed: true, ..slot(2, &[]) };
                v.slots.insert(2, Ok(last));
            }),
        ),
        ("set aside", with(|v| slot_of(v, 1).quarantined.push(4))),
    ];
    for (name, view) in table {
        assert_eq!(check(&view), [], "{name}");
    }
}

#[test]
fn every_fault_is_named() {
    use Rule::{Bytes, I2, I3, I4, I5, I6, I10};
    let slots = "journal/log/2026-11-23T14/6b0446e0010101010101010101010101/c/";
    let segments = "journal/log/2026-11-23T14/6b0446e0010101010101010101010101/s/";
    let (first, second) = (folder(&key(0, 1)), folder(&key(1, 1)));
    let table = [
        (
            "slot damaged",
            with(|v| v.slots.insert(1, Err(SlotError::Damaged("checksum")))),
            vec![(Bytes, format!("{slots}00001.cmt"))],
        ),
        (
            "slot of a newer release",
            with(|v| v.slots.insert(1, Err(SlotError::UnknownVersion(2)))),
            vec![(Bytes, format!("{slots}00001.cmt"))],
        ),
        (
            "slot whose rows do not add up",
            with(|v| v.slots.insert(1, Err(SlotError::Wrong("rows".into())))),
            vec![(I10, format!("{slots}00001.cmt"))],
        ),
        (
            "slot whose rows are not its segments' spans",
            with(|v| slot_of(v, 1).rows_in = 99),
            vec![(I10, format!("{slots}00001.cmt"))],
        ),
        (
            "first slot removed, its block is visible",
            with(|v| v.slots.remove(&0)),
            vec![(I3, format!("{slots}00000.cmt"))],
        ),
        (
            "last slot removed, its block is visible",
            with(|v| v.slots.remove(&1)),
            vec![(I3, format!("{slots}00001.cmt"))],
        ),
        (
            "covered twice",
            with(|v| {
                slot_of(v, 1).covers.push(cover(1));
                slot_of(v, 1).rows_in += 50;
            }),
            vec![(I6, format!("{segments}0000000001.seg"))],
        ),
        (
            "set aside, and covered before",
            with(|v| slot_of(v, 1).quarantined.push(0)),
            vec![(I6, format!("{segments}0000000000.seg"))],
        ),
        (
            "covered with another length",
            with(|v| v.segments.insert(3, segment(7))),
            vec![(I2, format!("{segments}0000000003.seg"))],
        ),
        (
            "segments deleted, block gone",
            with(|v| v.blocks.insert(key(0, 1), GONE)),
            vec![(I2, first.clone())],
        ),
        (
            "block gone, segments there",
            with(|v| v.blocks.remove(&key(1, 1))),
            vec![(I4, second.clone())],
        ),
        (
            "data gone",
            with(|v| v.blocks.get_mut(&key(0, 1)).unwrap().data = None),
            vec![(I4, format!("{first}/data.parquet"))],
        ),
        (
            "data cut short",
            with(|v| v.blocks.get_mut(&key(1, 1)).unwrap().data = Some(4095)),
            vec![(I4, format!("{second}/data.parquet"))],
        ),
        (
            "segments deleted before the meta was written",
            with(|v| v.blocks.get_mut(&key(0, 1)).unwrap().meta = false),
            vec![(I2, format!("{first}/meta.json"))],
        ),
        (
            "some of the segments deleted before the meta was written",
            with(|v| {
                v.blocks.get_mut(&key(1, 1)).unwrap().meta = false;
                v.segments.remove(&2);
            }),
            vec![(I2, format!("{second}/meta.json"))],
        ),
        (
            "a loser's block made visible",
            with(|v| v.blocks.insert(key(1, 9), WHOLE)),
            vec![(I5, format!("{}/meta.json", folder(&key(1, 9))))],
        ),
    ];
    for (name, view, expected) in table {
        let found = check(&view);
        assert!(found.iter().all(|f| f.severity == Severity::Violation), "{name}: {found:?}");
        let found: Vec<_> = found.into_iter().map(|f| (f.rule, f.object)).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn what_listings_cannot_tell_is_a_notice() {
    let compacted = |v: &mut EpochView| v.compacted_tenants.insert("t".to_owned());
    let table = [
        (
            "a block that another program may have compacted",
            "compacts",
            with(|v| {
                compacted(v);
                v.blocks.remove(&key(0, 1));
            }),
        ),
        (
            "a meta that another program may have taken",
            "compacted",
            with(|v| {
                compacted(v);
                v.blocks.get_mut(&key(0, 1)).unwrap().meta = false;
            }),
        ),
        (
            "numbers given up",
            "gave these numbers up",
            with(|v| {
                v.segments.insert(6, segment(6));
                v.segments.insert(9, segment(9));
            }),
        ),
    ];
    for (name, advice, view) in table {
        let found = check(&view);
        let [one] = found.as_slice() else { panic!("{name}: {found:?}") };
        assert_eq!(one.severity, Severity::Notice, "{name}");
        assert!(one.advice.contains(advice), "{name}: {one:?}");
    }
    let given_up = with(|v| v.segments.insert(8, segment(8)));
    assert!(check(&given_up)[0].what.ends_with("3 numbers have neither a segment nor a slot: 5–7"));
    let last = with(|v| v.segments.insert(u64::MAX, segment(8)));
    assert_eq!(check(&last).len(), 0, "the count does not fit, and no writer gets there");
}

/// The floor voids slots and never segments.
#[test]
fn a_retired_epoch_has_no_faults_and_its_segments_count() {
    let view = with(|v| {
        v.retired = true;
        v.slots.remove(&0);
        v.blocks.insert(key(5, 5), WHOLE);
    });
    assert_eq!(check(&view), []);
    let summary = summarize(&view);
    assert_eq!((summary.uncovered.count, summary.collectable.count), (3, 0));
    assert!(summary.closed && summary.garbage.is_empty() && summary.pending.is_empty());
}

#[test]
fn blocks_of_no_known_epoch_are_named_once_visible() {
    let hidden = BlockFound { meta: false, ..WHOLE };
    let blocks = BTreeMap::from([(key(0, 1), WHOLE), (key(0, 2), hidden)]);
    assert_eq!(strays(&blocks, Some("2026-11-23T14")), [], "its slots were retired");
    let found = strays(&blocks, Some("2026-11-23T13"));
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((one.rule, &one.object), (Rule::I3, &folder(&key(0, 1))));
}

#[test]
fn only_what_both_looks_show_is_confirmed() {
    let one = check(&with(|v| v.slots.remove(&0)));
    let both = check(&with(|v| {
        v.slots.remove(&0);
        v.blocks.remove(&key(1, 1));
    }));
    assert_eq!(confirmed(both.clone(), &one), one);
    assert_eq!(confirmed(both, &[]), []);
}

#[test]
fn everything_is_counted() {
    let view = with(|v| {
        v.blocks.get_mut(&key(1, 1)).unwrap().meta = false;
        v.blocks.insert(key(0, 9), BlockFound { meta: false, ..WHOLE });
        v.blocks.insert(key(2, 1), BlockFound { meta: false, ..WHOLE });
        v.segments.insert(1, segment(101));
        v.segments.insert(5, segment(105));
        v.segments.insert(6, segment(106));
        v.copies.insert(6);
        slot_of(v, 1).adopted = true;
    });
    let summary = summarize(&view);
    let pile = |count, bytes, oldest| Pile { count, bytes, oldest: Some(oldest) };
    assert_eq!(summary.uncovered, pile(2, 209, 895), "4 and 5");
    assert_eq!(summary.collectable, pile(1, 101, 899), "1");
    assert_eq!(summary.waiting, pile(2, 205, 897), "2 and 3, whose block has no meta");
    assert_eq!(summary.quarantined, BTreeSet::from([6]));
    assert_eq!((summary.slots, summary.adopted, summary.blocks), (2, 1, 1));
    assert_eq!(summary.unfinished, [folder(&key(1, 1))]);
    assert_eq!(summary.garbage, [folder(&key(0, 9))]);
    assert_eq!(summary.pending, [folder(&key(2, 1))]);
    assert!(!summary.is_history());
    let over = with(|v| {
        v.owner = None;
        v.segments.clear();
        slot_of(v, 1).closed = true;
    });
    assert!(summarize(&over).is_history());
    let unreadable = with(|v| v.slots.insert(1, Err(SlotError::UnknownVersion(2))));
    let summary = summarize(&unreadable);
    assert_eq!((summary.uncovered.count, summary.garbage.len()), (3, 0), "nothing is known");
    assert_eq!(summary.pending.len(), 1);
}
