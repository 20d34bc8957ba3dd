//! What reading the objects finds.

use super::*;
use crate::audit::content::{self, BlockRead, SegmentRead, SpansRead};
use crate::segment::{Header, NewFrame, Segment, SegmentBuilder, SegmentError};

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
        (
            Rule::Bytes,
            read(7, None, Some(Err(content::Undecoded::Malformed("no definition 3".into())))),
        ),
        (Rule::Bytes, read(7, None, Some(Err(content::Undecoded::Newer("version 2".into()))))),
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
