use super::*;
use crate::id::{EpochId, Uid, mint_block};
use BlockState::{Compacted, Gone, Unfinished, Visible};
use bytes::Bytes;

fn epoch() -> EpochId {
    EpochId::new(1_795_442_400, [1; 12])
}

fn block(k: u32, tenant: &str) -> BlockEntry {
    let first = tenant.as_bytes()[0];
    let id = mint_block(&epoch(), k, [first; 6]).unwrap();
    BlockEntry {
        tenant: tenant.into(),
        id,
        meta: Bytes::from_static(b"{}"),
        rows: 5,
        size: 1,
        crc: 1,
    }
}

/// Slot `k` with blocks of two tenants.
fn slot(k: u32, covers: &[u64]) -> Slot {
    let covers = covers.iter().map(|n| SegmentInfo { n: *n, len: 100, crc: 1, spans: 5 }).collect();
    Slot {
        uid: Uid([0; 16]),
        epoch: epoch(),
        k,
        blocks: vec![block(k, "a"), block(k, "b")],
        covers,
        quarantined: Vec::new(),
        rows_in: 10,
        duplicates: 0,
        rejected: 0,
        relogged: 0,
        conflicts: 0,
        closed: false,
        adopted: false,
    }
}

fn listing(slots: &[Slot], segments: &[u64]) -> Listing {
    Listing {
        slots: slots.iter().map(|slot| (slot.k, slot.clone())).collect(),
        segments: segments.iter().map(|n| (*n, 100)).collect(),
    }
}

/// A moment at which everything stopped, and what is to be done after it.
struct Case {
    moment: &'static str,
    slots: Vec<Slot>,
    segments: &'static [u64],
    /// State of the blocks of tenants a and b of each slot.
    blocks: &'static [[BlockState; 2]],
    uncovered: &'static [u64],
    next_slot: u32,
    /// Slot and tenant.
    finish: &'static [(u32, &'static str)],
    deletable: &'static [u64],
    after_finish: &'static [u64],
    unproven: &'static [u64],
}

const NOTHING: Case = Case {
    moment: "nothing happened yet",
    slots: Vec::new(),
    segments: &[],
    blocks: &[],
    uncovered: &[],
    next_slot: 0,
    finish: &[],
    deletable: &[],
    after_finish: &[],
    unproven: &[],
};

fn cases() -> Vec<Case> {
    let quarantining = Slot { quarantined: vec![2], ..slot(0, &[0, 1]) };
    vec![
        NOTHING,
        Case { moment: "before the second segment", segments: &[0], uncovered: &[0], ..NOTHING },
        Case {
            moment: "a later segment has overtaken an earlier one",
            segments: &[1],
            uncovered: &[1],
            ..NOTHING
        },
        Case {
            moment: "after two segments, acknowledged or not",
            segments: &[0, 1],
            uncovered: &[0, 1],
            ..NOTHING
        },
        Case {
            moment: "after the slot, before any meta",
            slots: vec![slot(0, &[0, 1])],
            segments: &[0, 1],
            blocks: &[[Unfinished, Unfinished]],
            next_slot: 1,
            finish: &[(0, "a"), (0, "b")],
            after_finish: &[0, 1],
            ..NOTHING
        },
        Case {
            moment: "between two metas",
            slots: vec![slot(0, &[0, 1])],
            segments: &[0, 1],
            blocks: &[[Visible, Unfinished]],
            next_slot: 1,
            finish: &[(0, "b")],
            after_finish: &[0, 1],
            ..NOTHING
        },
        Case {
            moment: "after the metas, before deletion",
            slots: vec![slot(0, &[0, 1])],
            segments: &[0, 1],
            blocks: &[[Visible, Visible]],
            next_slot: 1,
            deletable: &[0, 1],
            ..NOTHING
        },
        Case {
            moment: "the blocks were compacted before their segments went",
            slots: vec![slot(0, &[0, 1])],
            segments: &[0, 1],
            blocks: &[[Compacted, Visible]],
            next_slot: 1,
            deletable: &[0, 1],
            ..NOTHING
        },
        Case {
            moment: "between two deletions",
            slots: vec![slot(0, &[0, 1])],
            segments: &[1],
            blocks: &[[Visible, Visible]],
            next_slot: 1,
            deletable: &[1],
            ..NOTHING
        },
        Case {
            moment: "after deletion; one block has since been compacted away for good",
            slots: vec![slot(0, &[0, 1])],
            blocks: &[[Gone, Unfinished]],
            next_slot: 1,
            ..NOTHING
        },
        Case {
            moment: "a late write has landed after the slot",
            slots: vec![slot(0, &[0, 2])],
            segments: &[0, 1, 2],
            blocks: &[[Visible, Visible]],
            uncovered: &[1],
            next_slot: 1,
            deletable: &[0, 2],
            ..NOTHING
        },
        Case {
            moment: "in the second generation",
            slots: vec![slot(0, &[0]), slot(1, &[1])],
            segments: &[1, 2],
            blocks: &[[Visible, Visible], [Visible, Unfinished]],
            uncovered: &[2],
            next_slot: 2,
            finish: &[(1, "b")],
            after_finish: &[1],
            ..NOTHING
        },
        Case {
            moment: "the listing missed a slot",
            slots: vec![slot(1, &[1])],
            segments: &[0, 1],
            blocks: &[[Visible, Visible], [Visible, Visible]],
            uncovered: &[0],
            next_slot: 0,
            deletable: &[1],
            ..NOTHING
        },
        Case {
            moment: "a block has vanished while its segments are there",
            slots: vec![slot(0, &[0])],
            segments: &[0],
            blocks: &[[Visible, Gone]],
            next_slot: 1,
            unproven: &[0],
            ..NOTHING
        },
        Case {
            moment: "a segment was set aside as unreadable",
            slots: vec![quarantining],
            segments: &[1, 2],
            blocks: &[[Visible, Visible]],
            next_slot: 1,
            deletable: &[1],
            ..NOTHING
        },
    ]
}

#[test]
fn what_is_left_to_do_after_every_step() {
    for case in cases() {
        let listing = listing(&case.slots, case.segments);
        let states = (0..)
            .zip(case.blocks)
            .flat_map(|(k, [a, b])| [(block(k, "a").id, *a), (block(k, "b").id, *b)]);
        let plan = plan(&listing, &states.collect());
        let moment = case.moment;
        assert_eq!(plan.uncovered.keys().copied().collect::<Vec<_>>(), case.uncovered, "{moment}");
        assert_eq!(plan.next_slot, case.next_slot, "{moment}");
        let finish: Vec<_> = case.finish.iter().map(|(k, tenant)| block(*k, tenant)).collect();
        assert_eq!(plan.finish, finish, "{moment}");
        assert_eq!(plan.deletable, case.deletable, "{moment}");
        assert_eq!(plan.deletable_after_finish, case.after_finish, "{moment}");
        assert_eq!(plan.unproven, case.unproven, "{moment}");
    }
}

#[test]
fn blocks_are_looked_at_only_while_their_segments_are_there() {
    let listing = listing(&[slot(0, &[0]), slot(1, &[1])], &[1, 2]);
    let looked_at: Vec<_> = blocks_to_look_at(&listing).iter().map(|block| block.id).collect();
    assert_eq!(looked_at, [block(1, "a").id, block(1, "b").id]);
}

#[test]
fn a_block_that_was_not_looked_at_keeps_its_segments() {
    let listing = listing(&[slot(0, &[0])], &[0]);
    let states = BTreeMap::from([(block(0, "a").id, Visible)]);
    assert_eq!(plan(&listing, &states), Plan { next_slot: 1, ..Plan::default() });
}

#[test]
fn a_segment_of_another_length_is_for_a_person() {
    let mut listing = listing(&[slot(0, &[0, 1])], &[0, 1]);
    listing.segments.insert(1, 101);
    let states = ["a", "b"].map(|tenant| (block(0, tenant).id, Visible));
    let plan = plan(&listing, &states.into());
    assert_eq!((plan.deletable, plan.unproven), (vec![0], vec![1]));
}

#[test]
fn a_closing_slot_is_seen() {
    let closing = Slot { closed: true, blocks: vec![], rows_in: 0, ..slot(1, &[]) };
    let plan = plan(&listing(&[slot(0, &[]), closing], &[]), &BTreeMap::new());
    assert_eq!(plan.next_slot, 2);
}

#[test]
fn replay_is_cut_to_size() {
    let segments = BTreeMap::from([(0, 40), (2, 60), (3, 1), (7, 500), (9, 10)]);
    assert_eq!(pieces(&segments, 100), [vec![0, 2], vec![3], vec![7], vec![9]]);
    assert_eq!(pieces(&segments, 1000), [vec![0, 2, 3, 7, 9]]);
    assert_eq!(pieces(&BTreeMap::new(), 1000), Vec::<Vec<u64>>::new());
}
