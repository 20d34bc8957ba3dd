//! What is believed of an object's bytes: nothing of what one reading alone says is wrong with them.

#![expect(clippy::unwrap_used, reason = "code of a test fails it by panicking")]

use bytes::Bytes;
use std::sync::{Arc, Mutex};
use tributary_journal::segment::{Header, SegmentError};
use tributary_journal::slot::SlotError;
use tributary_journal::{
    CompactionWindow, EpochId, Journal, JournalError, NewFrame, Record, SegmentBuilder, Slot, Uid,
    layout,
};
use tributary_store::Store;
use tributary_testkit::bucket::{Fate, InMemory, Request, Script, Scripted};

/// A change to bytes on their way.
type Change = fn(&mut Vec<u8>);

const RIGHT: Change = |_| {};
const BIT: Change = |bytes| flip(bytes, 40);
const OTHER_BIT: Change = |bytes| flip(bytes, 41);
const SHORT: Change = |bytes| bytes.truncate(30);
/// Of segments, slots and records alike.
const NEWER: Change = |bytes| bytes.splice(8..10, [9, 0]).for_each(drop);

fn flip(bytes: &mut [u8], at: usize) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1;
    }
}

/// Changes what readings give, one after the other; those behind them are right.
#[derive(Debug, Clone, Default)]
struct Readings(Arc<Mutex<(Vec<Change>, usize)>>);

impl Script for Readings {
    async fn fate(&self, _: &Request) -> Fate {
        Fate::DONE
    }

    fn given(&self, _: &str, bytes: Bytes) -> Bytes {
        let mut readings = self.0.lock().unwrap();
        readings.1 += 1;
        let mut bytes = bytes.to_vec();
        if !readings.0.is_empty() {
            readings.0.remove(0)(&mut bytes);
        }
        bytes.into()
    }
}

fn epoch() -> EpochId {
    EpochId::new(1_795_442_400, [7; 12])
}

fn window() -> CompactionWindow {
    CompactionWindow { hour: 498_734, tenant: "t".into() }
}

/// A journal with a segment, a slot and a record, each number 3.
async fn journal() -> (Journal, Readings) {
    let readings = Readings::default();
    let bucket = Scripted::new(Arc::new(InMemory::new()), readings.clone());
    let journal = Journal::new(Store::from_parts(Arc::new(bucket), "").unwrap());
    let mut builder = SegmentBuilder::new();
    let frame = NewFrame {
        stream: 0,
        tenant: "t",
        incarnation: Uid([7; 16]),
        seq: 1,
        dict: 0,
        spans: 2,
        defines: &[],
        definitions: b"",
        payload: b"a frame as it came",
    };
    builder.push(&frame).unwrap();
    let uid = Uid([2; 16]);
    let header =
        Header { epoch: epoch(), n: 3, uid, written_ms: 0, instance: "ingester-0".to_owned() };
    journal.put_segment(&epoch(), &builder.seal(&header)).await.unwrap();
    let slot = Slot {
        uid,
        epoch: epoch(),
        k: 3,
        blocks: Vec::new(),
        covers: Vec::new(),
        quarantined: vec![1],
        rows_in: 0,
        duplicates: 0,
        rejected: 0,
        relogged: 0,
        conflicts: 0,
        closed: false,
        adopted: false,
    };
    journal.put_slot(&slot).await.unwrap();
    journal.put_record(&Record::empty(uid, &window(), 3)).await.unwrap();
    (journal, readings)
}

/// What is believed in the end.
#[derive(Debug, PartialEq)]
enum Believed {
    Whole,
    Damaged,
    Newer,
    Unsteady,
}

fn believed_of(result: Result<(), JournalError>) -> Believed {
    match result {
        Ok(()) => Believed::Whole,
        Err(JournalError::Segment { source: SegmentError::Damaged(_), .. }) => Believed::Damaged,
        Err(JournalError::Segment { source: SegmentError::UnknownVersion(9), .. }) => {
            Believed::Newer
        }
        Err(JournalError::Slot { source: SlotError::Damaged(_), .. }) => Believed::Damaged,
        Err(JournalError::Slot { source: SlotError::UnknownVersion(9), .. }) => Believed::Newer,
        Err(JournalError::Record { source, .. }) if source.to_string().contains("damaged") => {
            Believed::Damaged
        }
        Err(JournalError::Record { .. }) => Believed::Newer,
        Err(JournalError::Unsteady { .. }) => Believed::Unsteady,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn what_seems_damaged_is_read_twice() {
    use Believed::{Damaged, Newer, Unsteady, Whole};
    // What the readings give, what is believed, how many readings it took, and whether it was told
    // that two of them differ.
    let table: [(&str, &[Change], Believed, usize, u64); 8] = [
        ("right", &[RIGHT], Whole, 1, 0),
        ("wrong once", &[BIT], Whole, 2, 1),
        ("short once", &[SHORT, RIGHT], Whole, 2, 1),
        ("wrong twice alike", &[BIT, BIT], Damaged, 2, 0),
        ("wrong twice, not alike", &[BIT, OTHER_BIT], Unsteady, 2, 1),
        ("short, then wrong", &[SHORT, BIT], Unsteady, 2, 1),
        ("newer", &[NEWER], Newer, 1, 0),
        ("wrong, then newer", &[BIT, NEWER], Unsteady, 2, 1),
    ];
    for (name, given, believed, taken, misreads) in table {
        for what in ["segment", "slot", "record"] {
            let (journal, readings) = journal().await;
            *readings.0.lock().unwrap() = (given.to_vec(), 0);
            let read = match what {
                "segment" => journal.get_segment(&epoch(), 3).await.map(drop),
                "slot" => journal.get_slot(&epoch(), 3).await.map(drop),
                _ => journal.get_record(&window(), 3).await.map(drop),
            };
            let counted = journal.store().counters().snapshot().misreads;
            assert_eq!(believed_of(read), believed, "{what}: {name}");
            assert_eq!(
                (readings.0.lock().unwrap().1, counted),
                (taken, misreads),
                "{what}: {name}"
            );
        }
    }
}

/// The copy is of the bytes that were judged, whatever a further reading would give.
#[tokio::test]
async fn what_is_set_aside_is_what_was_judged() {
    let (journal, readings) = journal().await;
    *readings.0.lock().unwrap() = (vec![BIT, BIT, OTHER_BIT], 0);
    let object = journal.read_segment(&epoch(), 3).await.unwrap();
    object.segment.unwrap_err();
    journal.quarantine(&epoch(), 3, object.bytes.clone()).await.unwrap();
    readings.0.lock().unwrap().0.clear();
    let copy = journal.store().get(&layout::quarantine(&epoch(), 3)).await.unwrap();
    assert_eq!(copy, object.bytes);
    let original = journal.store().get(&layout::segment(&epoch(), 3)).await.unwrap();
    assert_ne!(copy, original);
}

/// A segment that is whole but lies under another's name is not what its name says, and never becomes it.
#[tokio::test]
async fn a_segment_under_another_name_is_damaged() {
    let (journal, _) = journal().await;
    let bytes = journal.store().get(&layout::segment(&epoch(), 3)).await.unwrap();
    journal.store().put(&layout::segment(&epoch(), 4), bytes).await.unwrap();
    let read = journal.get_segment(&epoch(), 4).await.map(drop);
    assert_eq!(believed_of(read), Believed::Damaged);
}

/// A copy that was set aside is put back into a new epoch, whatever name it was written under, and
/// only if it can be read.
#[tokio::test]
async fn a_copy_is_put_back() {
    let (journal, _) = journal().await;
    let whole = journal.store().get(&layout::segment(&epoch(), 3)).await.unwrap();
    let mut broken = whole.to_vec();
    flip(&mut broken, 40);
    journal.quarantine(&epoch(), 4, whole.clone()).await.unwrap();
    journal.quarantine(&epoch(), 5, broken.into()).await.unwrap();
    let to = EpochId::new(1_795_446_000, [8; 12]);
    let header =
        Header { epoch: to, n: 0, uid: Uid([5; 16]), written_ms: 1, instance: String::new() };
    let object = journal.read_copy(&epoch(), 5).await.unwrap();
    object.segment.unwrap_err();
    journal.put_back(&object.bytes, &header).await.unwrap_err();
    assert!(journal.segments(&to).await.unwrap().is_empty());
    let object = journal.read_copy(&epoch(), 4).await.unwrap();
    let before = object.segment.unwrap();
    journal.put_back(&object.bytes, &header).await.unwrap();
    let after = journal.get_segment(&to, 0).await.unwrap();
    assert_eq!(after.groups(), before.groups());
    assert_eq!((after.header().instance.as_str(), after.info().spans), ("ingester-0", 2));
    journal.delete_copy(&epoch(), 4).await.unwrap();
    let gone = journal.read_copy(&epoch(), 4).await.unwrap_err();
    assert!(matches!(gone, JournalError::Store(error) if error.is_not_found()));
    // Its number is taken: the same id twice is no success.
    journal.put_back(&whole, &Header { uid: Uid([6; 16]), ..header }).await.unwrap_err();
}
