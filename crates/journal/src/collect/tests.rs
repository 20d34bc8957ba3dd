use super::*;
use crate::id::{Uid, mint_block};
use crate::slot::BlockEntry;

fn epoch(n: u8) -> EpochId {
    EpochId::new(1_795_442_400, [n; 12])
}

fn slot(epoch: EpochId, k: u32, blocks: &[Uuid]) -> Slot {
    let entry = |id: &Uuid| BlockEntry {
        tenant: "t".into(),
        id: *id,
        meta: Default::default(),
        rows: 0,
        size: 1,
        crc: 0,
    };
    Slot {
        uid: Uid([1; 16]),
        epoch,
        k,
        blocks: blocks.iter().map(entry).collect(),
        covers: Vec::new(),
        quarantined: Vec::new(),
        rows_in: 0,
        duplicates: 0,
        rejected: 0,
        relogged: 0,
        conflicts: 0,
        closed: false,
        adopted: false,
    }
}

#[test]
fn data_is_garbage_only_when_its_slot_says_so() {
    let (ours, other) = (epoch(1), epoch(2));
    let block = mint_block(&ours, 3, [1; 6]).unwrap();
    let sibling = mint_block(&ours, 3, [2; 6]).unwrap();
    let table = [
        (None, Verdict::Pending),
        (Some(slot(ours, 3, &[sibling])), Verdict::Garbage),
        (Some(slot(ours, 3, &[])), Verdict::Garbage),
        (Some(slot(ours, 3, &[sibling, block])), Verdict::Named),
        (Some(slot(ours, 2, &[])), Verdict::Foreign),
        (Some(slot(other, 3, &[])), Verdict::Foreign),
    ];
    for (slot, expected) in table {
        assert_eq!(verdict(&block, slot.as_ref()), expected, "{slot:?}");
    }
    let tempos = Uuid::from_u128(0x6ba7_b810_9dad_41d1_80b4_00c0_4fd4_30c8);
    assert_eq!(verdict(&tempos, Some(&slot(ours, 3, &[]))), Verdict::Foreign);
}

#[test]
fn compacted_data_is_garbage_only_when_its_record_says_so() {
    use crate::window::mint_compacted;
    let window = CompactionWindow { hour: 498_734, tenant: "t".into() };
    let record = |window: &CompactionWindow, k: u32, outputs: &[Uuid]| Record {
        outputs: slot(epoch(1), 0, outputs).blocks,
        ..Record::empty(Uid([1; 16]), window, k)
    };
    let block = mint_compacted(&window, 3, [1; 6]).unwrap();
    let sibling = mint_compacted(&window, 3, [2; 6]).unwrap();
    let other = CompactionWindow { tenant: "other".into(), ..window.clone() };
    let table = [
        (None, Verdict::Pending),
        (Some(record(&window, 3, &[sibling])), Verdict::Garbage),
        (Some(record(&window, 3, &[])), Verdict::Garbage),
        (Some(record(&window, 3, &[sibling, block])), Verdict::Named),
        (Some(record(&window, 2, &[])), Verdict::Foreign),
        (Some(record(&other, 3, &[])), Verdict::Foreign),
    ];
    for (record, expected) in table {
        assert_eq!(verdict_on_compacted("t", &block, record.as_ref()), expected, "{record:?}");
    }
    let fresh = mint_block(&epoch(1), 3, [1; 6]).unwrap();
    let at_three = record(&window, 3, &[]);
    assert_eq!(verdict_on_compacted("t", &fresh, Some(&at_three)), Verdict::Foreign);
}

#[test]
fn an_origin_that_is_not_clear_is_none() {
    let origin = block_origin(&mint_block(&epoch(1), 0, [1; 6]).unwrap()).unwrap();
    assert_eq!(epoch_of(&origin, [epoch(1), epoch(2)].iter()), Some(epoch(1)));
    assert_eq!(epoch_of(&origin, [epoch(2)].iter()), None);
    let mut twin = [1; 12];
    twin[11] = 2;
    let twin = EpochId::new(1_795_442_400, twin);
    assert_eq!(epoch_of(&origin, [epoch(1), twin].iter()), None);
}

#[test]
fn hours_are_retired_from_the_oldest_on() {
    let done = Hour { finished: true, old: true, ..Hour::default() };
    let table = [
        (vec![], None),
        (vec![done.clone(), done.clone()], Some("h1")),
        (vec![done.clone(), Hour { old: false, ..done.clone() }], Some("h0")),
        (vec![done.clone(), Hour { owned: true, ..done.clone() }, done.clone()], Some("h0")),
        (vec![Hour { segments: 1, ..done.clone() }, done.clone()], None),
        (vec![Hour { unnamed: 1, ..done.clone() }], None),
        (vec![Hour { superseded: 1, ..done.clone() }], None),
        (vec![Hour { finished: false, ..done.clone() }], None),
    ];
    for (hours, expected) in table {
        let hours: BTreeMap<String, Hour> =
            hours.into_iter().enumerate().map(|(i, hour)| (format!("h{i}"), hour)).collect();
        assert_eq!(floor_to_write(&hours), expected, "{hours:?}");
    }
    assert!(!is_below(None, "2026-11-23T14"));
    assert!(is_below(Some("2026-11-23T14"), "2026-11-23T14"));
    assert!(is_below(Some("2026-11-23T14"), "2026-11-23T09"));
    assert!(!is_below(Some("2026-11-23T14"), "2026-11-23T15"));
}

#[test]
fn a_pass_that_would_delete_too_much_is_stopped() {
    let table =
        [(0, 0, true), (1000, 0, true), (1001, 5000, false), (1001, 10_010, true), (9, 10, true)];
    for (deletions, objects, allowed) in table {
        assert_eq!(may_delete(deletions, objects), allowed, "{deletions} of {objects}");
    }
}

#[test]
fn above_the_floor_begins_with_the_next_hour() {
    let hour = |seconds| EpochId::new(seconds, [0; 12]).hour();
    for seconds in [0, 3599, 1_795_442_400, 1_795_442_400 + 5 * HOUR + 7, 4_000_000_000] {
        let floor = hour(seconds);
        let first = first_second_above(&floor).unwrap();
        assert!(is_below(Some(&floor), &hour(first - 1)) && !is_below(Some(&floor), &hour(first)));
    }
    assert_eq!(first_second_above(&hour(u32::MAX)), None, "no hour comes after");
    assert_eq!(first_second_above("a name that no hour has"), None);
}

#[test]
fn below_the_floor_an_expiry_stays_until_all_that_it_names_is_gone() {
    use crate::record::Expiry;
    use BlockState::{Compacted, Gone, Unfinished, Visible};
    let window = CompactionWindow { hour: 1_795_442_400 / 3600, tenant: "t".into() };
    let [a, b] = [1, 2].map(|n| mint_block(&epoch(n), 0, [n; 6]).unwrap());
    let uid = Uid([1; 16]);
    let expiry = Record::expiring(uid, &window, 0, [a, b], Expiry::default());
    let table = [
        ([Gone, Gone], true),
        ([Gone, Compacted], false),
        ([Visible, Gone], false),
        ([Gone, Unfinished], false),
    ];
    for (states, goes) in table {
        let states = [a, b].into_iter().zip(states).collect();
        assert_eq!(may_go_below_floor(&expiry, &states), goes, "{states:?}");
        assert!(may_go_below_floor(&Record::empty(uid, &window, 0), &states));
    }
    assert!(!may_go_below_floor(&expiry, &BTreeMap::new()), "nothing is known of them");
}
