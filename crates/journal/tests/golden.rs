//! Objects of version 1 are read for ever: what lies in `golden/` was written once and is compared
//! with what it was made from. `TRIBUTARY_REGENERATE=1` writes it anew, for a new version only.

#![expect(clippy::unwrap_used, reason = "code of a test fails it by panicking")]

use bytes::Bytes;
use std::path::Path;
use tributary_journal::record::{Expiry, Input};
use tributary_journal::segment::{Frame, Header};
use tributary_journal::window::mint_compacted;
use tributary_journal::{
    BlockEntry, CompactionWindow, EpochId, NewFrame, Record, Segment, SegmentBuilder, SegmentInfo,
    Slot, Uid, id,
};

fn golden(name: &str, written_now: &[u8]) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("TRIBUTARY_REGENERATE").is_some() {
        std::fs::write(&path, written_now).unwrap();
    }
    std::fs::read(path).unwrap().into()
}

fn epoch() -> EpochId {
    EpochId::new(1_795_442_400, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
}

#[test]
fn segment_version_1() {
    let header = Header {
        epoch: epoch(),
        n: 42,
        uid: Uid([7; 16]),
        written_ms: 1_795_442_400_123,
        instance: "ingester-0".into(),
    };
    let mut builder = SegmentBuilder::new();
    let frame = NewFrame {
        stream: 3,
        tenant: "single-tenant",
        incarnation: Uid([9; 16]),
        seq: 1,
        dict: 2,
        spans: 10,
        defines: &[0, 1],
        definitions: b"definitions",
        payload: b"first payload",
    };
    builder.push(&frame).unwrap();
    let second = NewFrame { seq: 2, defines: &[], definitions: b"", payload: b"second", ..frame };
    builder.push(&second).unwrap();
    let sealed = builder.seal(&header);
    let golden = golden("segment-v1.bin", &sealed.bytes);
    let segment = Segment::parse(golden.clone()).unwrap();
    assert_eq!(segment.header(), &header);
    assert_eq!(segment.info().spans, 20);
    let [group] = segment.groups() else { panic!("{:?}", segment.groups()) };
    assert_eq!((group.stream, group.dict, group.tenant.as_str()), (3, 2, "single-tenant"));
    assert_eq!(group.incarnation, Uid([9; 16]));
    assert_eq!(group.definitions, ["definitions"]);
    let frame = |seq, payload: &'static str| Frame { seq, spans: 10, payload: payload.into() };
    assert_eq!(group.frames, [frame(1, "first payload"), frame(2, "second")]);
    assert_eq!(sealed.bytes, golden, "the same content is written in another way now");
}

#[test]
fn slot_version_1() {
    let slot = Slot {
        uid: Uid([7; 16]),
        epoch: epoch(),
        k: 300,
        blocks: vec![BlockEntry {
            tenant: "single-tenant".into(),
            id: id::mint_block(&epoch(), 300, [1, 2, 3, 4, 5, 6]).unwrap(),
            meta: Bytes::from_static(br#"{"format":"vParquet4"}"#),
            rows: 95,
            size: 123_456,
            crc: 0xdead_beef,
        }],
        covers: vec![SegmentInfo { n: 42, len: 4096, crc: 0x0102_0304, spans: 100 }],
        quarantined: vec![41],
        rows_in: 100,
        duplicates: 4,
        rejected: 1,
        relogged: 0,
        conflicts: 2,
        closed: true,
        adopted: true,
    };
    let encoded = slot.encode().unwrap();
    let golden = golden("slot-v1.bin", &encoded.bytes);
    assert_eq!(Slot::decode(&golden), Ok(slot));
    assert_eq!(encoded.bytes, golden, "the same content is written in another way now");
}

#[test]
fn record_version_1() {
    let window =
        CompactionWindow { hour: epoch().seconds() / 3600, tenant: "single-tenant".into() };
    let record = Record {
        outputs: vec![BlockEntry {
            tenant: window.tenant.clone(),
            id: mint_compacted(&window, 300, [1, 2, 3, 4, 5, 6]).unwrap(),
            meta: Bytes::from_static(br#"{"format":"vParquet4"}"#),
            rows: 96,
            size: 123_456,
            crc: 0xdead_beef,
        }],
        inputs: vec![Input {
            id: id::mint_block(&epoch(), 7, [6, 5, 4, 3, 2, 1]).unwrap(),
            rows: 100,
        }],
        duplicates: 4,
        conflicts: 2,
        ..Record::empty(Uid([7; 16]), &window, 300)
    };
    let encoded = record.encode().unwrap();
    let golden = golden("record-v1.bin", &encoded.bytes);
    assert_eq!(Record::decode(&golden), Ok(record));
    assert_eq!(encoded.bytes, golden, "the same content is written in another way now");
}

#[test]
fn record_version_1_of_what_expired() {
    let window =
        CompactionWindow { hour: epoch().seconds() / 3600, tenant: "single-tenant".into() };
    let blocks = [id::mint_block(&epoch(), 7, [6, 5, 4, 3, 2, 1]).unwrap()];
    let expiry = Expiry { retention: Some(14 * 86_400), bytes: 123_456 };
    let record = Record::expiring(Uid([7; 16]), &window, 301, blocks, expiry);
    let encoded = record.encode().unwrap();
    let golden = golden("record-v1-expired.bin", &encoded.bytes);
    assert_eq!(Record::decode(&golden), Ok(record));
    assert_eq!(encoded.bytes, golden, "the same content is written in another way now");
}
