//! What is found in a window.

use super::*;
use crate::record::{Expiry, Input, Record, RecordError};
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

fn expiry(k: u32, blocks: &[Uuid]) -> Record {
    let expiry = Expiry { retention: Some(3600), bytes: 4096 };
    Record::expiring(Uid([3; 16]), &window(), k, blocks.iter().copied(), expiry)
}

#[test]
fn what_has_expired_is_counted_as_such_and_missed_by_nobody() {
    let mut view = healthy();
    view.records.insert(2, Ok(expiry(2, &[made(1, 1)])));
    view.blocks.insert(made(1, 1), HIDDEN);
    let counted = |view: &WindowView| {
        let summary = summarize_window(view);
        assert_eq!((summary.unfinished, summary.garbage), (Vec::new(), Vec::new()));
        (summary.blocks, summary.superseded, summary.expired, summary.expired_left)
    };
    assert_eq!(check_window(&view), []);
    assert_eq!(counted(&view), (0, 3, 1, 1));
    view.blocks.clear();
    assert_eq!(check_window(&view), []);
    assert_eq!(counted(&view), (0, 0, 1, 0));
    // Below the floor no merge counts, and what has expired does.
    view.retired = true;
    assert_eq!(counted(&view), (0, 0, 1, 0));
    view.blocks.insert(made(1, 1), WHOLE);
    let [found] = &check_window(&view)[..] else { panic!("{:?}", check_window(&view)) };
    assert_eq!((found.severity, found.rule), (Severity::Notice, Rule::I8));
    assert!(found.what.contains("has expired"), "{}", found.what);
}

#[test]
fn what_expires_twice_is_found() {
    let mut view = healthy();
    view.records.insert(2, Ok(expiry(2, &[made(1, 1), made(0, 1)])));
    let found = check_window(&view);
    assert!(found.iter().any(|f| f.rule == Rule::I6), "{found:?}");
}
