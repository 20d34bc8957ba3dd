use super::*;
use bytes::Bytes;
use object_store::memory::InMemory;
use std::time::Duration;
use tributary_journal::segment::{Header, NewFrame};
use tributary_journal::{SegmentBuilder, Uid, layout};
use tributary_span::SpanId;
use tributary_span::columns::{Builder, SpanFields, Text};
use tributary_store::Store;
use tributary_wire::frame::Encoder;

fn epoch(n: u8) -> EpochId {
    EpochId::new(1_795_442_400, [n; 12])
}

fn trace(n: u8) -> TraceId {
    TraceId([n; 16])
}

/// Columns with one span of each of these traces.
fn columns(traces: &[u8]) -> Columns {
    let mut b = Builder::new();
    let resource = b.end_resource(0, Text::EMPTY, Text::EMPTY);
    let scope = b.end_scope(Text::EMPTY, Text::EMPTY, 0, Text::EMPTY);
    for &n in traces {
        let (trace, id) = (trace(n), SpanId([n; 8]));
        b.end_span(SpanFields { trace, id, resource, scope, ..SpanFields::default() });
    }
    b.take()
}

/// Puts segment `n` of an epoch with a frame of one span for each trace; its name.
async fn put(journal: &Journal, epoch: EpochId, n: u64, tenant: &str, traces: &[u8]) -> (u64, u64) {
    let mut encoder = Encoder::new();
    let frame = encoder.encode(&columns(traces));
    let definitions = encoder.definitions(frame.dict, 0..frame.needs).unwrap_or_default();
    let defines: Vec<u32> = (0..frame.needs).collect();
    let mut builder = SegmentBuilder::default();
    let new = NewFrame {
        stream: 1,
        tenant,
        incarnation: Uid([1; 16]),
        seq: 1,
        dict: frame.dict,
        spans: frame.spans,
        defines: &defines,
        definitions: &definitions,
        payload: &frame.payload,
    };
    builder.push(&new).unwrap();
    let header = Header { epoch, n, uid: Uid([2; 16]), written_ms: 0, instance: String::new() };
    let sealed = builder.seal(&header);
    journal.put_segment(&epoch, &sealed).await.unwrap();
    (n, sealed.info.len)
}

fn reader() -> (Journal, SegmentReader) {
    let journal = Journal::new(Store::from_parts(Arc::new(InMemory::new()), "").unwrap());
    let segments = SegmentReader::new(journal.clone(), 8 << 20, true, Arc::default());
    (journal, segments)
}

fn ids(found: &FoundInSegments) -> Vec<SpanId> {
    found.parts.iter().flat_map(|part| part.spans.id.iter().copied()).collect()
}

#[tokio::test]
async fn a_segment_is_read_once_and_then_for_traces_in_it() {
    let (journal, segments) = reader();
    let mut all = Vec::new();
    for (n, tenant, traces) in [(0, "a", &[1, 2][..]), (1, "b", &[1]), (2, "a", &[2, 3])] {
        all.push(put(&journal, epoch(1), n, tenant, traces).await);
    }
    let all = [(epoch(1), all)];
    let table = [
        // tenant, trace, its spans, segments read until then
        ("a", 1, 1, 3),
        ("a", 2, 2, 5),
        ("a", 9, 0, 5),
        ("b", 2, 0, 5),
        ("b", 1, 1, 6),
    ];
    for (tenant, n, spans, read) in table {
        let found = segments.find(&all, tenant, &trace(n)).await;
        assert_eq!(ids(&found), vec![SpanId([n; 8]); spans], "{tenant} {n}");
        assert_eq!((found.missing.len(), found.gone), (0, false));
        assert_eq!(segments.metrics.segments_queried.get(), read, "{tenant} {n}");
    }
}

#[tokio::test]
async fn what_is_not_read_is_told() {
    let (journal, segments) = reader();
    let mut all = Vec::new();
    for n in 0..3 {
        all.push(put(&journal, epoch(1), n, "a", &[1]).await);
    }
    journal.delete_segments(&epoch(1), &[0]).await.unwrap();
    let damaged = Bytes::from_static(b"not a segment");
    journal.store().put(&layout::segment(&epoch(1), 1), damaged).await.unwrap();
    let found = segments.find(&[(epoch(1), all)], "a", &trace(1)).await;
    assert_eq!(ids(&found).len(), 1);
    assert!(found.gone, "a block has what was in it");
    assert_eq!(found.missing.len(), 1, "{:?}", found.missing);
    assert!(found.missing[0].starts_with("segment 1 of epoch"), "{:?}", found.missing);
}

#[tokio::test]
async fn one_listing_serves_all_who_came_before_it() {
    let (journal, segments) = reader();
    let name = put(&journal, epoch(1), 4, "a", &[1]).await;
    let epochs = BTreeSet::from([epoch(1), epoch(2)]);
    let lists = || journal.store().counters().snapshot().lists;
    let before = Instant::now();
    let both = tokio::join!(segments.list(&epochs, before), segments.list(&epochs, before));
    assert_eq!(both.0, both.1);
    assert_eq!(both.0, (vec![(epoch(1), vec![name]), (epoch(2), vec![])], vec![]));
    assert_eq!(lists(), 2, "one for each epoch");
    let later = Instant::now() + Duration::from_nanos(1);
    segments.list(&epochs, later).await;
    assert_eq!(lists(), 4, "a query that comes after may have seen more");
}

#[test]
fn reading_takes_room_by_size() {
    // Of 64 MiB.
    let all = (64 << 20) / UNIT;
    let mib = (1 << 20) / UNIT;
    let table = [(1000, 8 * mib), (1 << 20, 17 * mib), (4 << 20, 20 * mib), (1 << 40, all)];
    for (len, expected) in table {
        assert_eq!(units(len, all), expected, "{len}");
    }
}
