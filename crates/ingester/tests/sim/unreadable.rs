//! Segments that cannot be read: because the store gave wrong bytes once or each time, because a newer
//! release wrote them, because they are damaged where they lie.

use crate::alone::{ingester, quiet, send};
use crate::application::encode;
use crate::store::Bucket;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tributary_ingester::block::KnownBlocks;
use tributary_journal::segment::Header;
use tributary_journal::{EpochId, Journal, NewFrame, SegmentBuilder, Uid, layout};
use tributary_query::api::TimeRange;
use tributary_span::TraceId;
use tributary_span::columns::Builder;
use tributary_span::otlp::{Limits, decode};
use tributary_store::Store;
use tributary_wire::frame::Encoder;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// The clock of a simulation at its start, seconds since 1970.
const START: u32 = 1_795_442_400;

/// An epoch of an ingester that is gone, with segments 0 to 3. Segment `n` has a span of trace `n + 1`
/// and, behind it in a frame of its own, one of trace `n + 11`.
struct Abandoned {
    epoch: EpochId,
    journal: Journal,
    blocks: KnownBlocks,
}

impl Abandoned {
    async fn written(store: &Store) -> Abandoned {
        let blocks =
            KnownBlocks::new(store.clone(), 1 << 20, Duration::from_secs(10), Arc::default());
        let journal = Journal::new(store.clone());
        let abandoned = Abandoned { epoch: EpochId::new(START, [9; 12]), journal, blocks };
        for n in 0..4 {
            abandoned.put(n, segment(&abandoned.epoch, n, 1)).await;
        }
        abandoned
    }

    fn path(&self, n: u64) -> String {
        layout::segment(&self.epoch, n)
    }

    /// Puts other bytes in the place of a segment.
    async fn put(&self, n: u64, bytes: Bytes) {
        self.journal.store().put(&self.path(n), bytes).await.unwrap();
    }

    async fn segments(&self) -> Vec<u64> {
        self.journal.segments(&self.epoch).await.unwrap().into_keys().collect()
    }

    async fn copies(&self) -> usize {
        self.journal.store().list("journal/quar").await.unwrap().len()
    }

    /// Of segments 0 to 3, those of which all spans are in blocks.
    async fn in_blocks(&self) -> Vec<u64> {
        self.blocks.poll_once().await.unwrap();
        let mut found = Vec::new();
        for n in 0..4 {
            let mut spans = 0;
            for trace in [n + 1, n + 11] {
                let trace = TraceId([u8::try_from(trace).unwrap(); 16]);
                let answer = self.blocks.find("one", &trace, TimeRange::ALL, None).await;
                spans += answer.parts.iter().map(|part| part.len()).sum::<usize>();
            }
            found.extend((spans == 2).then_some(n));
        }
        found
    }
}

/// A segment whose second frame is of this version.
fn segment(epoch: &EpochId, n: u64, version: u8) -> Bytes {
    let mut segment = SegmentBuilder::new();
    let trace = u8::try_from(n + 1).unwrap();
    for (stream, trace, version) in [(1, trace, 1), (2, trace + 10, version)] {
        let mut builder = Builder::new();
        let request = encode(&[([trace; 16], [trace; 8])]);
        decode::append_all(&mut builder, &request, &Limits::default()).unwrap();
        let mut encoder = Encoder::new();
        let frame = encoder.encode(&builder.take());
        let defines: Vec<u32> = (0..frame.needs).collect();
        let definitions = encoder.definitions(frame.dict, 0..frame.needs).unwrap();
        // A map whose first field is the version.
        let mut payload = frame.payload.to_vec();
        assert_eq!(payload[1..4], *b"\xa1v\x01");
        payload[3] = version;
        let frame = NewFrame {
            stream,
            tenant: "one",
            incarnation: Uid([3; 16]),
            seq: 1,
            dict: frame.dict,
            spans: 1,
            defines: &defines,
            definitions: &definitions,
            payload: &payload,
        };
        segment.push(&frame).unwrap();
    }
    let uid = Uid([u8::try_from(n).unwrap(); 16]);
    let header = Header { epoch: *epoch, n, uid, written_ms: 0, instance: "gone".to_owned() };
    segment.seal(&header).bytes
}

fn damaged(bytes: &Bytes) -> Bytes {
    let mut bytes = bytes.to_vec();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    bytes.into()
}

/// A single bad reading of every segment, slot and record: all is adopted, and nothing is set aside.
#[tokio::test(start_paused = true)]
async fn a_reading_that_was_wrong_is_taken_again() {
    let (bucket, store) = quiet();
    let abandoned = Abandoned::written(&store).await;
    bucket.garble("journal/log/", 1);
    let engine = ingester(&bucket, 1).await;
    sleep(10 * MINUTE).await;
    assert_eq!(abandoned.in_blocks().await, [0, 1, 2, 3]);
    assert!(abandoned.segments().await.is_empty());
    assert_eq!((abandoned.copies().await, engine.metrics.segments_quarantined.get()), (0, 0));
    assert_eq!(engine.metrics.segments_left.get(), 0);
    assert!((0..4).all(|n| bucket.readings(&abandoned.path(n)) == 2));
}

/// A store that gives other bytes each time proves nothing about what lies in it: the segment waits
/// until it is read as it is, and the others do not wait for it.
#[tokio::test(start_paused = true)]
async fn a_segment_of_which_no_two_readings_are_alike_stays() {
    let (bucket, store) = quiet();
    let abandoned = Abandoned::written(&store).await;
    bucket.garble(&abandoned.path(1), u32::MAX);
    let engine = ingester(&bucket, 1).await;
    sleep(HOUR).await;
    assert_eq!(abandoned.in_blocks().await, [0, 2, 3]);
    assert_eq!(abandoned.segments().await, [1]);
    assert_eq!(abandoned.copies().await, 0);
    assert!(engine.metrics.segments_left.get() > 1, "it is tried again");
    assert_eq!(engine.metrics.upkeep_failed.get(), 0);
    bucket.garble("", 0);
    sleep(10 * MINUTE).await;
    assert_eq!(abandoned.in_blocks().await, [0, 1, 2, 3]);
    assert!(abandoned.segments().await.is_empty());
}

/// A frame that a newer release wrote, in a segment whose layout is known: neither dropped nor set aside
/// but left to a newer release, while the other segments become blocks. It is not read at every sweep.
#[tokio::test(start_paused = true)]
async fn a_segment_with_a_newer_frame_stays_until_a_newer_release_adopts_it() {
    let (bucket, store) = quiet();
    let abandoned = Abandoned::written(&store).await;
    abandoned.put(2, segment(&abandoned.epoch, 2, 2)).await;
    let engine = ingester(&bucket, 1).await;
    for _ in 0..5 {
        sleep(HOUR).await;
        assert_eq!(abandoned.segments().await, [2]);
    }
    assert_eq!(abandoned.in_blocks().await, [0, 1, 3]);
    assert_eq!(abandoned.copies().await, 0);
    assert_eq!(engine.metrics.segments_quarantined.get(), 0);
    assert_eq!(engine.metrics.upkeep_failed.get(), 0);
    let readings = bucket.readings(&abandoned.path(2));
    assert!((1..=6).contains(&readings), "{readings} in five hours with a sweep each two minutes");
    let slots = abandoned.journal.slots(&abandoned.epoch).await.unwrap();
    assert!(slots.values().all(|slot| !slot.names(2) && slot.rejected == 0), "{slots:?}");
    // As if this were the release that knows the version.
    abandoned.put(2, segment(&abandoned.epoch, 2, 1)).await;
    sleep(HOUR + 10 * MINUTE).await;
    assert_eq!(abandoned.in_blocks().await, [0, 1, 2, 3]);
    assert!(abandoned.segments().await.is_empty());
}

/// In a retired hour no slot counts that could set a segment aside: the damaged one stays where it is,
/// and those behind it are logged again.
#[tokio::test(start_paused = true)]
async fn a_damaged_segment_of_a_retired_hour_stops_no_other() {
    let (bucket, store) = quiet();
    let abandoned = Abandoned::written(&store).await;
    abandoned.put(1, damaged(&segment(&abandoned.epoch, 1, 1))).await;
    abandoned.journal.raise_floor(&abandoned.epoch.hour()).await.unwrap();
    let engine = ingester(&bucket, 1).await;
    sleep(3 * HOUR).await;
    assert_eq!(abandoned.in_blocks().await, [0, 2, 3]);
    assert_eq!(abandoned.segments().await, [1]);
    assert_eq!(engine.metrics.upkeep_failed.get(), 0);
    let readings = bucket.readings(&abandoned.path(1));
    assert!((2..=8).contains(&readings), "{readings}");
    assert_eq!(u64::from(readings / 2), engine.metrics.segments_left.get());
    // A person restores it.
    abandoned.put(1, segment(&abandoned.epoch, 1, 1)).await;
    sleep(HOUR + 10 * MINUTE).await;
    assert_eq!(abandoned.in_blocks().await, [0, 1, 2, 3]);
}

/// Spans that left memory come back from their segments, of which one is damaged meanwhile: it is set
/// aside, which is to say that it stays, with a copy of it.
#[tokio::test(start_paused = true)]
async fn what_its_own_ingester_sets_aside_is_not_deleted() {
    let (bucket, store) = quiet();
    let engine = ingester(&bucket, 1).await;
    let segments = spilled(&bucket, &store, &engine).await;
    let (path, whole) = segments.first_key_value().unwrap();
    store.put(path, damaged(whole)).await.unwrap();
    bucket.set_blocks_down(false);
    sleep(10 * MINUTE).await;
    assert_eq!(engine.metrics.segments_quarantined.get(), 1);
    assert_eq!(left(&store).await, [path.as_str()], "it stays, and the others are in blocks");
    let copies = store.list("journal/quar").await.unwrap();
    assert_eq!(store.get(&copies[0].path).await.unwrap(), damaged(whole));
    assert_eq!(engine.metrics.slots_lost.get(), 0);
}

/// The same, when the store gives other bytes of it each time: the ingester gives the epoch up, so that
/// the other segments become blocks and this one stays live.
#[tokio::test(start_paused = true)]
async fn what_its_own_ingester_cannot_read_now_stays_live() {
    let (bucket, store) = quiet();
    let engine = ingester(&bucket, 1).await;
    let segments = spilled(&bucket, &store, &engine).await;
    let (path, _) = segments.first_key_value().unwrap();
    bucket.garble(path, u32::MAX);
    bucket.set_blocks_down(false);
    sleep(10 * MINUTE).await;
    assert_eq!(left(&store).await, [path.as_str()]);
    assert_eq!(engine.metrics.segments_quarantined.get(), 0);
    bucket.garble("", 0);
    sleep(10 * MINUTE).await;
    assert!(left(&store).await.is_empty(), "it is in a block now");
}

/// Sends spans while no block can be written, until their memory is needed. The segments behind the
/// first one, the oldest first: that one's block is being written, so that its spans stay.
async fn spilled(
    bucket: &Bucket,
    store: &Store,
    engine: &tributary_ingester::engine::Engine,
) -> BTreeMap<String, Bytes> {
    bucket.set_blocks_down(true);
    let end = Instant::now() + 10 * MINUTE;
    send(engine, 1, 1).await;
    // Its block is due after twenty seconds.
    sleep(MINUTE).await;
    for span in 2..=255 {
        if engine.metrics.generations_spilled.get() > 0 {
            break;
        }
        assert!(Instant::now() < end, "nothing leaves memory");
        send(engine, 1, span).await;
    }
    let mut segments = BTreeMap::new();
    for path in left(store).await.split_off(1) {
        let bytes = store.get(&path).await.unwrap();
        segments.insert(path, bytes);
    }
    assert!(segments.len() > 1);
    segments
}

/// Paths of all segments.
async fn left(store: &Store) -> Vec<String> {
    let listed = store.list("journal/log").await.unwrap();
    listed.into_iter().map(|object| object.path).filter(|path| path.ends_with(".seg")).collect()
}
