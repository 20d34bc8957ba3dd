use super::content::{BlockRead, SegmentRead, SpansRead};
use super::*;
use crate::id::{Uid, mint_block};
use crate::segment::{Header, NewFrame, Segment, SegmentBuilder, SegmentError, SegmentInfo};
use crate::slot::BlockEntry;
use bytes::Bytes;
use std::time::Duration;

fn epoch() -> EpochId {
    EpochId::new(1_795_442_400, [1; 12])
}

fn key(k: u32, random: u8) -> BlockKey {
    ("t".to_owned(), mint_block(&epoch(), k, [random; 6]).unwrap())
}

fn entry(k: u32) -> BlockEntry {
    let (tenant, id) = key(k, 1);
    BlockEntry { tenant, id, meta: Bytes::from_static(b"{}"), rows: 90, size: 4096, crc: 5 }
}

fn cover(n: u64) -> SegmentInfo {
    SegmentInfo { n, len: 100 + n, crc: 7, spans: 50 }
}

fn slot(k: u32, covers: &[u64]) -> Slot {
    Slot {
        uid: Uid([2; 16]),
        epoch: epoch(),
        k,
        blocks: vec![entry(k)],
        covers: covers.iter().map(|n| cover(*n)).collect(),
        quarantined: Vec::new(),
        rows_in: 50 * covers.len() as u64,
        duplicates: 0,
        rejected: 0,
        conflicts: 0,
        closed: false,
        adopted: false,
    }
}

fn segment(len: u64) -> SegmentFound {
    SegmentFound { len, modified: SystemTime::UNIX_EPOCH + Duration::from_secs(1000 - len) }
}

const WHOLE: BlockFound = BlockFound { data: Some(4096), meta: true, compacted: false, objects: 3 };
const GONE: BlockFound = BlockFound { data: None, meta: false, compacted: false, objects: 0 };

/// Slots 0 and 1 cover segments 0 to 3, of which 2 and 3 are still there; 4 is uncovered.
fn healthy() -> EpochView {
    EpochView {
        epoch: epoch(),
        owner: Some("ingester-0".to_owned()),
        retired: false,
        slots: BTreeMap::from([(0, Ok(slot(0, &[0, 1]))), (1, Ok(slot(1, &[2, 3])))]),
        segments: BTreeMap::from([2, 3, 4].map(|n| (n, segment(100 + n)))),
        copies: BTreeSet::new(),
        blocks: BTreeMap::from([(key(0, 1), WHOLE), (key(1, 1), WHOLE)]),
        superseded: BTreeSet::new(),
        compacted_tenants: BTreeSet::new(),
    }
}

fn with<T>(change: impl FnOnce(&mut EpochView) -> T) -> EpochView {
    let mut view = healthy();
    change(&mut view);
    view
}

fn slot_of(view: &mut EpochView, k: u32) -> &mut Slot {
    view.slots.get_mut(&k).unwrap().as_mut().unwrap()
}

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
fn what_nobody_can_tell_is_a_notice() {
    let compacted = |v: &mut EpochView| v.compacted_tenants.insert("t".to_owned());
    let table = [
        (
            "a block that somebody may have compacted",
            "compacts",
            with(|v| {
                compacted(v);
                v.blocks.remove(&key(0, 1));
            }),
        ),
        (
            "a meta that somebody may have taken",
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

fn sealed() -> Bytes {
    let mut builder = SegmentBuilder::new();
    let frame = NewFrame {
        stream: 1,
        tenant: "t",
        incarnation: Uid([3; 16]),
        seq: 1,
        dict: 0,
        spans: 50,
        defines: &[],
        definitions: b"",
        payload: b"payload",
    };
    builder.push(&frame).unwrap();
    let (n, uid) = (7, Uid([4; 16]));
    let header = Header { epoch: epoch(), n, uid, written_ms: 0, instance: String::new() };
    builder.seal(&header).bytes
}

#[test]
fn segments_are_compared_with_name_slot_and_frames() {
    let segment = Segment::parse(sealed()).unwrap();
    let info = segment.info();
    let read = |n, covered, spans| {
        let segment = Ok(&segment);
        content::segment(&SegmentRead { epoch: epoch(), n, segment, covered, spans })
    };
    assert_eq!(read(7, None, None), []);
    assert_eq!(read(7, Some(info), Some(Ok(50))), []);
    let table = [
        (Rule::Bytes, read(8, None, None)),
        (Rule::I2, read(7, Some(SegmentInfo { crc: info.crc ^ 1, ..info }), Some(Ok(50)))),
        (Rule::I2, read(7, Some(SegmentInfo { spans: 49, ..info }), None)),
        (Rule::I10, read(7, None, Some(Ok(49)))),
        (Rule::Bytes, read(7, None, Some(Err("no definition 3".into())))),
    ];
    for (rule, found) in table {
        assert_eq!(found.iter().map(|f| f.rule).collect::<Vec<_>>(), [rule], "{found:?}");
        assert!(found[0].object.ends_with(".seg"));
    }
    for error in [SegmentError::UnknownVersion(2), SegmentError::Damaged("checksum")] {
        let read =
            SegmentRead { epoch: epoch(), n: 7, segment: Err(&error), covered: None, spans: None };
        let found = content::segment(&read);
        assert_eq!((found.len(), &found[0].what), (1, &error.to_string()));
    }
}

#[test]
fn blocks_are_compared_with_their_slot() {
    let spans = SpansRead { rows: 90, ..SpansRead::default() };
    let whole = BlockRead {
        data: Some((4096, 5)),
        meta: Some(b"{}".to_vec()),
        spans: Some(Ok(spans.clone())),
        ..BlockRead::default()
    };
    assert_eq!(content::block(&entry(0), &whole), []);
    assert_eq!(content::block(&entry(0), &BlockRead::default()), [], "gone: listings tell");
    let of = |spans| BlockRead { spans: Some(spans), ..whole.clone() };
    let table = [
        (Rule::I4, "data.parquet", BlockRead { data: Some((4095, 5)), ..whole.clone() }),
        (Rule::Bytes, "data.parquet", BlockRead { data: Some((4096, 6)), ..whole.clone() }),
        (Rule::Bytes, "meta.json", BlockRead { meta: Some(b"{ }".to_vec()), ..whole.clone() }),
        (Rule::I4, "bloom-2", BlockRead { blooms_missing: vec![2], ..whole.clone() }),
        (Rule::Bytes, "bloom-0", BlockRead { blooms_damaged: vec![0], ..whole.clone() }),
        (Rule::Bytes, "data.parquet", of(Err("no footer".to_owned()))),
        (Rule::I10, "data.parquet", of(Ok(SpansRead { rows: 89, ..spans.clone() }))),
        (Rule::Once, "data.parquet", of(Ok(SpansRead { again: 1, ..spans.clone() }))),
        (Rule::Bytes, "data.parquet", of(Ok(SpansRead { hidden: 1, ..spans.clone() }))),
    ];
    for (rule, name, read) in table {
        let found = content::block(&entry(0), &read);
        let [one] = found.as_slice() else { panic!("{rule:?} {name}: {found:?}") };
        assert_eq!((one.rule, one.object.rsplit('/').next()), (rule, Some(name)));
    }
}

mod windows {
    use super::*;
    use crate::record::{Input, Record, RecordError};
    use crate::window::{CompactionWindow, mint_compacted};

    fn window() -> CompactionWindow {
        CompactionWindow { hour: epoch().seconds() / 3600, tenant: "t".into() }
    }

    fn made(k: u32, random: u8) -> Uuid {
        mint_compacted(&window(), k, [random; 6]).unwrap()
    }

    fn record(k: u32, inputs: &[Uuid]) -> Record {
        let output = BlockEntry { id: made(k, 1), rows: 5 * inputs.len() as u64, ..entry(0) };
        Record {
            outputs: vec![output],
            inputs: inputs.iter().map(|id| Input { id: *id, rows: 5 }).collect(),
            ..Record::empty(Uid([3; 16]), &window(), k)
        }
    }

    const HIDDEN: BlockFound = BlockFound { meta: false, compacted: true, ..WHOLE };
    const METALESS: BlockFound = BlockFound { meta: false, ..WHOLE };

    /// Record 0 made a block of two, of which one is gone; record 1 made one of that and a third.
    fn healthy() -> WindowView {
        let [a, b, c] = [1, 2, 3].map(|random| key(0, random).1);
        WindowView {
            window: window(),
            retired: false,
            records: BTreeMap::from([
                (0, Ok(record(0, &[a, b]))),
                (1, Ok(record(1, &[made(0, 1), c]))),
            ]),
            blocks: [(b, HIDDEN), (c, HIDDEN), (made(0, 1), HIDDEN), (made(1, 1), WHOLE)].into(),
        }
    }

    type Change = fn(&mut WindowView);

    fn put(view: &mut WindowView, id: Uuid, found: BlockFound) {
        view.blocks.insert(id, found);
    }

    #[test]
    fn what_is_as_it_should_be_is_not_found() {
        let table: [(&str, Change); 4] = [
            ("healthy", |_| {}),
            ("being made", |v| put(v, made(2, 1), METALESS)),
            ("a loser's", |v| put(v, made(1, 9), METALESS)),
            ("not shown yet", |v| {
                v.blocks.insert(made(1, 1), METALESS);
                v.blocks.insert(made(0, 1), WHOLE);
                v.blocks.insert(key(0, 3).1, WHOLE);
            }),
        ];
        for (name, change) in table {
            let mut view = healthy();
            change(&mut view);
            let found = check_window(&view);
            let violations = found.iter().filter(|f| f.severity == Severity::Violation);
            assert_eq!(violations.count(), 0, "{name}: {found:?}");
        }
        let mut retired = healthy();
        (retired.retired, retired.blocks) = (true, BTreeMap::new());
        assert_eq!(check_window(&retired), []);
    }

    #[test]
    fn each_broken_promise_is_found() {
        let table: [(Rule, &str, Change); 9] = [
            (Rule::Bytes, "00000.rec", |v| {
                drop(v.records.insert(0, Err(RecordError::Damaged("checksum"))));
            }),
            (Rule::I3, "00000.rec", |v| drop(v.records.remove(&0))),
            (Rule::I6, "blocks/t/", |v| {
                drop(v.records.insert(2, Ok(record(2, &[made(0, 1)]))));
                v.blocks.insert(made(2, 1), WHOLE);
            }),
            (Rule::I4, "data.parquet", |v| put(v, made(1, 1), GONE)),
            (Rule::I4, "data.parquet", |v| {
                v.blocks.insert(made(1, 1), BlockFound { data: Some(4095), ..WHOLE });
            }),
            (Rule::I8, "meta.json", |v| put(v, made(1, 1), METALESS)),
            (Rule::I8, "meta.json", |v| put(v, key(0, 2).1, WHOLE)),
            (Rule::I5, "meta.json", |v| put(v, made(1, 9), WHOLE)),
            (Rule::I3, "00002.rec", |v| put(v, made(2, 1), WHOLE)),
        ];
        for (rule, path, change) in table {
            let mut view = healthy();
            change(&mut view);
            let found = check_window(&view);
            let is_it = |f: &Finding| f.rule == rule && f.object.contains(path);
            assert!(found.iter().any(is_it), "{rule:?} {path}: {found:?}");
        }
    }

    #[test]
    fn a_window_is_counted() {
        let mut view = healthy();
        view.blocks.insert(made(1, 9), METALESS);
        view.blocks.insert(made(2, 1), METALESS);
        let folder = |id: Uuid| layout::block("t", &id);
        let summary = summarize_window(&view);
        assert_eq!((summary.records, summary.blocks, summary.superseded), (2, 1, 3));
        assert_eq!(summary.garbage, [folder(made(1, 9))]);
        assert_eq!(summary.pending, [folder(made(2, 1))]);
        assert_eq!(summary.unfinished, [""; 0]);
    }
}
