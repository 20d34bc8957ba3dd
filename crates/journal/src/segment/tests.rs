use super::*;
use crate::id::{EpochId, Uid};
use bytes::Bytes;
use proptest::prelude::*;

fn header() -> Header {
    Header {
        epoch: EpochId::new(1_795_442_400, [1; 12]),
        n: 7,
        uid: Uid([2; 16]),
        written_ms: 1_795_442_400_123,
        instance: "ingester-7f9c".into(),
    }
}

fn frame<'a>(stream: u32, seq: u64, defines: &'a [u32], definitions: &'a [u8]) -> NewFrame<'a> {
    NewFrame {
        stream,
        tenant: if stream == 1 { "single-tenant" } else { "b" },
        incarnation: Uid([u8::try_from(stream).unwrap(); 16]),
        seq,
        dict: 1,
        spans: 10,
        defines,
        definitions,
        payload: b"payload",
    }
}

fn small() -> Sealed {
    let mut builder = SegmentBuilder::new();
    builder.push(&frame(1, 1, &[0, 1], b"definitions 0, 1")).unwrap();
    builder.push(&frame(2, 5, &[], b"")).unwrap();
    builder.push(&frame(1, 2, &[2], b"definition 2")).unwrap();
    builder.push(&NewFrame { dict: 2, ..frame(1, 3, &[], b"") }).unwrap();
    builder.seal(&header())
}

#[test]
fn frames_come_back_by_stream_and_dictionary() {
    let sealed = small();
    let segment = Segment::parse(sealed.bytes.clone()).unwrap();
    assert_eq!(segment.header(), &header());
    assert_eq!(segment.info(), sealed.info);
    assert_eq!((sealed.info.spans, sealed.info.len), (40, sealed.bytes.len() as u64));
    assert!(sealed.bytes[sealed.identity].windows(16).any(|w| w == [2; 16]), "the uid is in it");
    let frame = |seq| Frame { seq, spans: 10, payload: Bytes::from_static(b"payload") };
    let group = |stream: u8, dict, definitions: &[&'static str], frames| Group {
        stream: stream.into(),
        tenant: if stream == 1 { "single-tenant" } else { "b" }.into(),
        incarnation: Uid([stream; 16]),
        dict,
        definitions: definitions.iter().map(|d| Bytes::from_static(d.as_bytes())).collect(),
        frames,
    };
    let expected = [
        group(1, 1, &["definitions 0, 1", "definition 2"], vec![frame(1), frame(2)]),
        group(2, 1, &[], vec![frame(5)]),
        group(1, 2, &[], vec![frame(3)]),
    ];
    assert_eq!(segment.groups(), expected);
}

#[test]
fn payloads_are_slices_of_the_segment() {
    let bytes = small().bytes;
    let segment = Segment::parse(bytes.clone()).unwrap();
    let payload = &segment.groups()[0].frames[0].payload;
    assert!(bytes.as_ptr_range().contains(&payload.as_ptr()));
}

#[test]
fn definitions_are_asked_for_once() {
    let mut builder = SegmentBuilder::new();
    assert_eq!(builder.missing(1, 1, &[0, 1, 4]), [0, 1, 4]);
    builder.push(&frame(1, 1, &[0, 1, 4], b"three")).unwrap();
    assert_eq!(builder.missing(1, 1, &[0, 1, 3, 4]), [3]);
    assert_eq!(builder.missing(1, 2, &[0, 1]), [0, 1], "another dictionary");
    assert_eq!(builder.missing(2, 1, &[0]), [0], "another stream");
}

#[test]
fn an_empty_segment_is_one() {
    let builder = SegmentBuilder::new();
    let segment = Segment::parse(builder.seal(&header()).bytes).unwrap();
    assert!(segment.groups().is_empty());
}

#[test]
fn a_full_segment_takes_no_more_and_keeps_what_it_has() {
    let payload = vec![7; 1 << 20];
    let mut builder = SegmentBuilder::new();
    let big = NewFrame { payload: &payload, ..frame(1, 1, &[], b"") };
    for _ in 0..15 {
        builder.push(&big).unwrap();
    }
    let before = builder.bytes();
    assert_eq!(builder.push(&big), Err(Full));
    let with_definitions = NewFrame { definitions: &payload, defines: &[1], ..big };
    assert_eq!(builder.push(&with_definitions), Err(Full));
    assert_eq!(builder.bytes(), before);
    assert_eq!(builder.missing(1, 1, &[1]), [1]);
    let sealed = builder.seal(&Header { instance: "ü".repeat(1000), ..header() });
    assert!(sealed.bytes.len() <= MAX_SEGMENT);
    let segment = Segment::parse(sealed.bytes).unwrap();
    assert_eq!(segment.header().instance.len(), 256);
    assert_eq!(segment.groups()[0].frames.len(), 15);
}

#[test]
fn a_missing_byte_is_an_error() {
    let whole = small().bytes;
    for len in 0..whole.len() {
        assert!(Segment::parse(whole.slice(..len)).is_err(), "cut to {len}");
    }
    for start in 1..whole.len() {
        assert!(Segment::parse(whole.slice(start..)).is_err(), "from {start}");
    }
    let longer = [&whole[..], b"\0"].concat();
    assert!(Segment::parse(longer.into()).is_err());
}

#[test]
fn a_changed_bit_is_an_error() {
    let whole = small().bytes;
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.to_vec();
            changed[at] ^= 1 << bit;
            assert!(Segment::parse(changed.into()).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn an_unknown_version_is_said_to_be_one() {
    let mut newer = small().bytes.to_vec();
    newer[8] = 2;
    let error = Segment::parse(newer.into()).unwrap_err();
    assert_eq!(error, SegmentError::UnknownVersion(2));
}

/// A segment with a valid checksum over whatever directory is given.
fn forged(directory: &[u8], pieces: &[u8]) -> Bytes {
    let mut out = SegmentBuilder::new().seal(&header()).bytes[..HEAD].to_vec();
    out.extend_from_slice(pieces);
    out.extend_from_slice(directory);
    let crc = crc32fast::hash(&out);
    let len = u32::try_from(directory.len()).unwrap();
    for n in [len, crc32fast::hash(directory), crc, 0] {
        out.extend_from_slice(&n.to_le_bytes());
    }
    out.extend_from_slice(&END_MAGIC);
    out.into()
}

#[test]
fn a_directory_that_lies_is_an_error() {
    let streams = vec![(1, "t".to_owned(), ByteArray::new([1; 16]))];
    let piece = |stream, len| (stream, 1, len, crc32fast::hash(b"abc"), Some((1, 1)));
    let table: [(Vec<PieceRow>, bool); 7] = [
        (vec![piece(0, 3)], true),
        (vec![piece(1, 3)], false),
        (vec![piece(u32::MAX, 3)], false),
        (vec![piece(0, 4)], false),
        (vec![piece(0, u32::MAX)], false),
        (vec![piece(0, 3), piece(0, 3)], false),
        (vec![], false),
    ];
    for (pieces, good) in table {
        let directory =
            Directory { instance: "i".into(), streams: streams.clone(), pieces: pieces.clone() };
        let directory = rmp_serde::to_vec_named(&directory).unwrap();
        assert_eq!(Segment::parse(forged(&directory, b"abc")).is_ok(), good, "{pieces:?}");
    }
    // An array that claims four billion rows.
    let huge = [b"\x81\xa6pieces\xdd".as_slice(), &[0xff; 4]].concat();
    assert!(Segment::parse(forged(&huge, b"")).is_err());
}

proptest! {
    #[test]
    fn whatever_goes_in_comes_out(
        frames in proptest::collection::vec(
            (0u32..4, 0u32..3, any::<u64>(), any::<u32>(),
             proptest::collection::vec(any::<u8>(), 0..50),
             proptest::collection::vec(any::<u8>(), 0..50)),
            0..40),
    ) {
        let mut builder = SegmentBuilder::new();
        for (stream, dict, seq, spans, definitions, payload) in &frames {
            let before = builder.bytes();
            builder.push(&NewFrame {
                dict: *dict, spans: *spans, definitions, payload, ..frame(*stream, *seq, &[], b"")
            }).unwrap();
            prop_assert!(builder.bytes() > before);
        }
        let bound = builder.bytes() + header().instance.len();
        let spans: u64 = frames.iter().map(|frame| u64::from(frame.3)).sum();
        let sealed = builder.seal(&header());
        prop_assert!(sealed.bytes.len() <= bound, "{} > {bound}", sealed.bytes.len());
        let segment = Segment::parse(sealed.bytes).unwrap();
        prop_assert_eq!(segment.info(), sealed.info);
        prop_assert_eq!(segment.info().spans, spans);
        for group in segment.groups() {
            let of_group = || frames.iter().filter(|f| (f.0, f.1) == (group.stream, group.dict));
            let definitions = of_group().map(|f| &f.4).filter(|d| !d.is_empty());
            prop_assert!(group.definitions.iter().eq(definitions));
            let expected = of_group()
                .map(|f| Frame { seq: f.2, spans: f.3, payload: Bytes::copy_from_slice(&f.5) });
            prop_assert!(group.frames.iter().cloned().eq(expected));
        }
        let count: usize = segment.groups().iter().map(|g| g.frames.len()).sum();
        prop_assert_eq!(count, frames.len());
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Segment::parse(bytes.into()).is_err());
    }

    #[test]
    fn no_directory_panics(
        directory in proptest::collection::vec(any::<u8>(), 0..200),
        pieces in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        if let Ok(segment) = Segment::parse(forged(&directory, &pieces)) {
            let frames = segment.groups().iter().flat_map(|group| &group.frames);
            prop_assert!(frames.map(|frame| frame.payload.len()).sum::<usize>() <= pieces.len());
        }
    }
}

#[test]
fn a_segment_can_be_given_another_name() {
    let mut builder = SegmentBuilder::new();
    let frame = NewFrame {
        stream: 1,
        tenant: "t",
        incarnation: Uid([3; 16]),
        seq: 9,
        dict: 0,
        spans: 2,
        defines: &[1],
        definitions: b"definitions",
        payload: b"payload",
    };
    builder.push(&frame).unwrap();
    let header = |random, n| Header {
        epoch: EpochId::new(7, [random; 12]),
        n,
        uid: Uid([random; 16]),
        written_ms: 5,
        instance: format!("writer {random}"),
    };
    let old = builder.seal(&header(1, 4));
    let new = Sealed::readdressed(&old.bytes, &header(2, 0)).unwrap();
    let (was, is) = (Segment::parse(old.bytes).unwrap(), Segment::parse(new.bytes).unwrap());
    assert_eq!(is.groups(), was.groups());
    assert_eq!(is.header(), &Header { instance: "writer 1".into(), ..header(2, 0) });
    assert_eq!(is.info(), new.info);
    assert_eq!(new.info.spans, 2);
    assert!(Sealed::readdressed(&Bytes::from_static(b"nothing"), &header(2, 0)).is_err());
}
