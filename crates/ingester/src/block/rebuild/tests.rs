use super::*;
use tributary_journal::segment::{Header, Sealed};
use tributary_journal::{NewFrame, SegmentBuilder, Uid};
use tributary_span::columns::{Builder, SpanFields};
use tributary_span::{SpanId, TraceId};
use tributary_store::Store;
use tributary_testkit::bucket::InMemory;
use tributary_wire::frame::Encoder;

fn epoch() -> EpochId {
    EpochId::new(0, [0; 12])
}

/// Definitions and payload of one span.
fn frame() -> (Vec<u8>, Vec<u8>) {
    let mut builder = Builder::new();
    let name = builder.text(b"name");
    let resource = builder.end_resource(0, name, name);
    let scope = builder.end_scope(name, name, 0, name);
    let (trace, id) = (TraceId([1; 16]), SpanId([2; 8]));
    builder.end_span(SpanFields { trace, id, resource, scope, name, ..SpanFields::default() });
    let mut encoder = Encoder::new();
    let frame = encoder.encode(&builder.take());
    let definitions = encoder.definitions(frame.dict, 0..frame.needs).unwrap();
    (definitions.to_vec(), frame.payload.to_vec())
}

/// A segment of these frames, each of a stream of its own: definitions and payload.
fn segment(frames: &[(Vec<u8>, Vec<u8>)]) -> Segment {
    Segment::parse(sealed(0, frames).bytes).unwrap()
}

/// The same as segment `n`, to be written.
fn sealed(n: u64, frames: &[(Vec<u8>, Vec<u8>)]) -> Sealed {
    let mut builder = SegmentBuilder::new();
    for (stream, (definitions, payload)) in (0..).zip(frames) {
        let frame = NewFrame {
            stream,
            tenant: "t",
            incarnation: Uid([1; 16]),
            seq: 1,
            dict: 0,
            spans: 1,
            defines: &[0],
            definitions,
            payload,
        };
        builder.push(&frame).unwrap();
    }
    let uid = Uid([0; 16]);
    let header = Header { epoch: epoch(), n, uid, written_ms: 0, instance: String::new() };
    builder.seal(&header)
}

#[test]
fn what_becomes_of_a_segment_is_decided_by_its_worst_frame() {
    let fine = frame();
    let newer = {
        let (definitions, mut payload) = frame();
        assert_eq!(payload[1..4], *b"\xa1v\x01");
        payload[3] = 2;
        (definitions, payload)
    };
    // Whatever the first byte of a blob may come to say.
    let newly_defined = (vec![9, 1, 2], fine.1.clone());
    let undefined = (Vec::new(), fine.1.clone());
    let malformed = (fine.0.clone(), b"no frame".to_vec());
    let version = |n| FrameError::Version(n);
    // What the frames are; spans that can be read and spans that cannot, or what is newer.
    let table = [
        (vec![&fine, &fine], Ok((2, 0))),
        (vec![&fine, &malformed], Ok((1, 1))),
        (vec![&malformed, &undefined], Ok((0, 2))),
        (vec![&fine, &newer], Err(version(2))),
        (vec![&malformed, &newer, &fine], Err(version(2))),
        (vec![&fine, &newly_defined], Err(version(9))),
        (vec![], Ok((0, 0))),
    ];
    assert!(!fine.0.is_empty(), "the frame needs definitions");
    for (frames, expected) in table {
        let segment = segment(&frames.into_iter().cloned().collect::<Vec<_>>());
        match (content(Ok(&segment)), expected) {
            (Content::Spans { batches, rejected, info }, Ok(expected)) => {
                let spans: usize = batches.iter().map(|batch| batch.columns.len()).sum();
                assert_eq!((spans as u64, rejected), expected);
                assert_eq!(info.spans, spans as u64 + rejected, "each span is accounted for");
            }
            (Content::Newer(unknown), Err(why)) => assert_eq!(unknown, Unknown::Frame(why)),
            (content, expected) => panic!("{content:?} instead of {expected:?}"),
        }
    }
    let error = SegmentError::UnknownVersion(2);
    assert!(matches!(content(Err(&error)), Content::Newer(Unknown::Segment(of)) if of == error));
    let error = SegmentError::Damaged("checksum");
    assert!(matches!(content(Err(&error)), Content::Damaged(of) if of == error));
}

#[tokio::test]
async fn as_many_segments_are_read_as_memory_is_there_for() {
    let journal = Journal::new(Store::from_parts(Arc::new(InMemory::new()), "").unwrap());
    for n in 0..4 {
        journal.put_segment(&epoch(), &sealed(n, &[frame(), frame()])).await.unwrap();
    }
    let rebuilder = Rebuilder { journal, metrics: Arc::default() };
    let read = async |most| rebuilder.read(&epoch(), 0..4, most).await.unwrap().unwrap();
    let all = read(usize::MAX).await;
    assert_eq!((all.generation.spans, &all.rest[..]), (8, &[][..]));
    let one = all.generation.bytes / 4;
    // One is read in any case.
    let table = [(0, 1), (one, 1), (2 * one - 1, 1), (2 * one, 2), (3 * one, 3), (4 * one, 4)];
    for (most, segments) in table {
        let some = read(most).await;
        assert!(some.generation.segments.keys().copied().eq(0..segments), "{most}");
        assert_eq!(some.rest, (segments..4).collect::<Vec<_>>(), "{most}");
    }
}
