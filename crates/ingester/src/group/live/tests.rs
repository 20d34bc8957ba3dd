mod mutants;

use super::*;
use crate::memory::{Admission, MemoryBudget, MemoryUsage};
use tributary_span::columns::{Builder, SpanFields, Text};
use tributary_span::{Columns, SpanId, TraceId};

async fn batch(memory: &MemoryBudget, tenant: &str, trace: u8) -> Batch {
    let mut b = Builder::new();
    let resource = b.end_resource(0, Text::EMPTY, Text::EMPTY);
    let scope = b.end_scope(Text::EMPTY, Text::EMPTY, 0, Text::EMPTY);
    b.end_span(SpanFields {
        trace: TraceId([trace; 16]),
        id: SpanId([1; 8]),
        resource,
        scope,
        ..SpanFields::default()
    });
    let permit = match memory.admit(&tenant.into(), 1024) {
        Admission::Granted(permit) => permit,
        Admission::Queued(queued) => queued.granted().await,
    };
    Batch { tenant: tenant.into(), columns: Arc::new(b.take()), permit: Some(permit) }
}

fn epoch(seconds: u32) -> EpochId {
    EpochId::new(seconds, [0; 12])
}

fn segment(n: u64) -> SegmentInfo {
    SegmentInfo { n, len: 1, crc: 0, spans: 1 }
}

const AT: FreezeAt = FreezeAt { age: Duration::from_secs(10), bytes: 1 << 20 };
const TRACE: TraceId = TraceId([1; 16]);

#[tokio::test]
async fn spans_are_found_until_their_blocks_are_visible() {
    let (memory, live, now) =
        (MemoryBudget::new(1 << 20), LiveSpans::new(epoch(1)), Instant::now());
    assert_eq!(live.epochs(), [epoch(1)], "named before it is in use");
    assert_eq!(live.reserve(epoch(2), now), Ok((epoch(1), 0)));
    assert_eq!(live.reserve(epoch(3), now), Ok((epoch(1), 1)));
    assert_eq!(live.epochs(), [epoch(2), epoch(1)]);
    let (a, b) = (batch(&memory, "a", 1).await, batch(&memory, "b", 1).await);
    let begins = live.durable(epoch(1), segment(1), vec![a], AT, now);
    assert_eq!(begins, Ok(true), "its time must be watched from now on");
    assert_eq!(live.reserve(epoch(3), now), Ok((epoch(1), 2)));
    assert_eq!(live.durable(epoch(1), segment(2), vec![b], AT, now), Ok(false));
    assert_eq!(live.find("a", &TRACE).len(), 1);
    assert_eq!(live.find("a", &TraceId([2; 16])).len(), 0);
    live.freeze(Some(AT), now);
    assert!(live.begin_commit().is_none(), "nothing is due");
    live.freeze(Some(AT), now + AT.age);
    let job = live.begin_commit().unwrap();
    assert_eq!((job.commit.slot, job.generation.spans), (0, 2));
    // A late segment belongs to the next generation.
    let late = batch(&memory, "a", 1).await;
    live.durable(epoch(1), segment(0), vec![late], AT, now).unwrap();
    assert_eq!(live.find("a", &TRACE).len(), 2);
    assert!(job.commit.generation.segments.keys().eq([&1, &2]));
    assert_eq!(live.find("a", &TRACE).len(), 2, "readable until the blocks are visible");
    assert_eq!(live.committed(&job), Ok(vec![1, 2]));
    live.deleted(epoch(1), &[1, 2]).unwrap();
    drop(job);
    assert_eq!(live.find("a", &TRACE).len(), 1);
    assert_eq!(memory.used(), 1024);
}

#[tokio::test]
async fn an_old_epoch_is_finished_and_forgotten() {
    let (memory, live, now) =
        (MemoryBudget::new(1 << 20), LiveSpans::new(epoch(1)), Instant::now());
    live.reserve(epoch(2), now).unwrap();
    let later = now + ROLL_AFTER;
    assert_eq!(live.reserve(epoch(3), later), Ok((epoch(2), 0)));
    let old = batch(&memory, "a", 1).await;
    assert_eq!(live.durable(epoch(1), segment(0), vec![old], AT, later), Ok(true));
    live.freeze(Some(AT), later);
    let job = live.begin_commit().unwrap();
    assert_eq!((job.epoch, job.commit.closes), (epoch(1), true));
    let deletable = live.committed(&job).unwrap();
    live.deleted(epoch(1), &deletable).unwrap();
    assert_eq!(live.epochs(), [epoch(3), epoch(2)]);
}

#[tokio::test]
async fn what_was_in_memory_of_a_lost_epoch_is_found_until_it_is_adopted() {
    let (memory, live, now) =
        (MemoryBudget::new(1 << 20), LiveSpans::new(epoch(1)), Instant::now());
    live.reserve(epoch(2), now).unwrap();
    live.reserve(epoch(2), now).unwrap();
    let one = batch(&memory, "a", 1).await;
    live.durable(epoch(1), segment(0), vec![one], AT, now).unwrap();
    live.freeze(Some(AT), now + AT.age);
    let job = live.begin_commit().unwrap();
    assert_eq!(live.lost_epochs(), []);
    live.slot_lost(&job).unwrap();
    drop(job);
    assert_eq!(live.epochs(), [epoch(2), epoch(1)], "named until it is adopted");
    assert_eq!(live.find("a", &TRACE).len(), 1);
    let [(lost, generations)] = live.lost_epochs()[..] else { panic!("{:?}", live.lost_epochs()) };
    assert_eq!(lost, epoch(1));
    // A segment that was on its way comes while the epoch is being adopted.
    let late = batch(&memory, "a", 1).await;
    live.durable(epoch(1), segment(1), vec![late], AT, now).unwrap();
    live.forget_lost(lost, generations);
    assert_eq!(live.find("a", &TRACE).len(), 1, "it was not adopted yet");
    assert_eq!(live.lost_epochs(), [(epoch(1), 1)]);
    live.forget_lost(lost, 1);
    assert_eq!((live.lost_epochs(), memory.used()), (vec![], 0));
    assert_eq!(live.reserve(epoch(3), now), Ok((epoch(2), 0)));
}

#[tokio::test]
async fn generations_are_due_by_age_or_bytes() {
    let (memory, now) = (MemoryBudget::new(1 << 20), Instant::now());
    let mut g = Generation::default();
    let at = |secs, bytes| FreezeAt { age: Duration::from_secs(secs), bytes };
    assert!(!is_due(&g, at(0, 1), now));
    g.add(segment(0), vec![batch(&memory, "a", 1).await], now);
    assert!(is_due(&g, at(100, 10), now));
    assert!(!is_due(&g, at(100, 1 << 20), now));
    assert!(is_due(&g, at(100, 1 << 20), now + Duration::from_secs(100)));
}

#[tokio::test]
async fn small_frames_make_a_generation_due_before_they_fill_the_memory() {
    let (memory, now) = (MemoryBudget::new(100 << 10), Instant::now());
    let at = FreezeAt { age: Duration::from_secs(10), bytes: 25 << 10 };
    let mut generation = Generation::default();
    for n in 1..=25 {
        assert!(!is_due(&generation, at, now), "{n}");
        generation.add(segment(n.into()), vec![batch(&memory, "t", n).await], now);
    }
    assert!(is_due(&generation, at, now));
    assert_eq!((memory.used(), generation.bytes), (25 << 10, 25 << 10));
}

#[tokio::test]
async fn what_waits_leaves_memory_and_is_committed_in_parts() {
    let (memory, live, now) =
        (MemoryBudget::new(1 << 20), LiveSpans::new(epoch(1)), Instant::now());
    let add = async |n: u64, trace: u8| {
        assert_eq!(live.reserve(epoch(2), now), Ok((epoch(1), n)));
        let batch = batch(&memory, "a", trace).await;
        live.durable(epoch(1), segment(n), vec![batch], AT, now).unwrap();
    };
    let freeze = || live.freeze(Some(FreezeAt { bytes: 1, ..AT }), now);
    add(0, 1).await;
    let bytes = live.totals().bytes;
    // Three batches are more than half of the budget.
    let short = MemoryUsage { limit: 4 * bytes, used: 4 * bytes, wanted: 0 };
    freeze();
    assert!(live.make_room(short, 1).is_none(), "the first in line is written at once");
    add(1, 1).await;
    add(2, 1).await;
    // Nothing waits, but something grows, and is frozen.
    assert!(matches!(live.make_room(short, 1), Some(MadeRoom::Frozen)));
    assert!(matches!(live.make_room(short, 1), Some(MadeRoom::Evicted { parts: 2, .. })));
    assert!(live.make_room(short, 1).is_none(), "there is room now");
    assert_eq!((live.find("a", &TRACE).len(), memory.used()), (1, 1024));
    assert_eq!(live.evicted(), [(epoch(1), vec![(1, 1), (2, 1)])]);

    let first = live.begin_commit().unwrap();
    live.committed(&first).unwrap();
    drop(first);
    let second = live.begin_commit().unwrap();
    let rest = second.commit.generation.segments.keys().copied().collect::<Vec<_>>();
    assert_eq!((second.commit.slot, second.generation.evicted, rest), (1, true, vec![1]));
    assert_eq!(live.evicted(), [(epoch(1), vec![(1, 1), (2, 1)])], "until their block is visible");
    live.committed(&second).unwrap();
    assert_eq!(live.evicted(), [(epoch(1), vec![(2, 1)])]);

    // The third is lost, with what came meanwhile, which may leave memory as well.
    let third = live.begin_commit().unwrap();
    add(3, 1).await;
    add(4, 1).await;
    live.slot_lost(&third).unwrap();
    let [(lost, generations)] = live.lost_epochs()[..] else { panic!("{:?}", live.lost_epochs()) };
    let short = MemoryUsage { limit: 2 * bytes, used: 2 * bytes, wanted: 0 };
    assert!(matches!(live.make_room(short, 1), Some(MadeRoom::Evicted { .. })));
    assert!(live.find("a", &TRACE).is_empty());
    assert_eq!(live.evicted(), [(epoch(1), vec![(2, 1), (3, 1), (4, 1)])]);
    live.forget_lost(lost, generations);
    assert_eq!((live.evicted(), memory.used()), (vec![], 0));
}

/// What may happen to spans in memory, in any order.
#[derive(Debug, Clone, Copy)]
enum Happens {
    /// A segment becomes durable.
    Segment,
    /// The active generation is frozen.
    Freeze,
    /// A commit begins.
    Begin,
    /// The slot is won and its blocks are visible.
    Committed,
    /// Memory is short.
    Short,
    /// An epoch begins after the one before.
    Roll,
}

/// Every order of six of these: a commit has exactly the spans of the segments that its slot names,
/// and in the end each segment is in one slot, and no span was in memory without being found.
#[tokio::test]
async fn in_whatever_order_a_slot_names_the_segments_of_its_spans() {
    use Happens::{Begin, Committed, Freeze, Roll, Segment, Short};
    const ALL: [Happens; 6] = [Segment, Freeze, Begin, Committed, Short, Roll];
    const DEPTH: u32 = 6;
    let memory = MemoryBudget::new(1 << 20);
    let shared = batch(&memory, "a", 1).await.columns;
    for order in 0..ALL.len().pow(DEPTH) {
        let order = (0..DEPTH).map(|at| ALL[order / ALL.len().pow(at) % ALL.len()]);
        // Three generations wait from the start, or nothing interesting happens so soon.
        let start = [Segment, Freeze, Segment, Freeze, Segment, Segment, Freeze];
        let order: Vec<_> = start.into_iter().chain(order).collect();
        explore(&order, &shared);
    }
}

/// One order, and then everything is committed.
fn explore(order: &[Happens], columns: &Arc<Columns>) {
    let (live, mut now) = (LiveSpans::new(epoch(1)), Instant::now());
    let (mut next, mut jobs) = (2, Vec::<CommitJob>::new());
    let (mut durable, mut covered) = (Vec::new(), Vec::new());
    let finish = |job: CommitJob, covered: &mut Vec<(EpochId, u64)>| {
        job.check().unwrap_or_else(|error| panic!("{order:?}: {error}: {job:?}"));
        let deletable = live.committed(&job).unwrap();
        covered.extend(deletable.into_iter().map(|n| (job.epoch, n)));
    };
    for step in order {
        match step {
            Happens::Segment => {
                let (at, n) = live.reserve(epoch(next), now).unwrap();
                let batch = Batch { tenant: "a".into(), columns: columns.clone(), permit: None };
                live.durable(at, segment(n), vec![batch], AT, now).unwrap();
                durable.push((at, n));
            }
            Happens::Freeze => live.freeze(Some(FreezeAt { bytes: 1, ..AT }), now),
            Happens::Begin => jobs.extend(live.begin_commit()),
            Happens::Committed if jobs.is_empty() => {}
            Happens::Committed => finish(jobs.remove(0), &mut covered),
            Happens::Short => {
                let short = MemoryUsage { limit: 1, used: 1, wanted: 0 };
                live.make_room(short, 1);
            }
            Happens::Roll => {
                now += ROLL_AFTER;
                next += 1;
            }
        }
        let in_memory = live.find("a", &TRACE).len();
        let left = live.evicted().iter().map(|(_, segments)| segments.len()).sum::<usize>();
        let missing = durable.len() - covered.len() - in_memory.min(durable.len() - covered.len());
        assert_eq!(missing, left, "{order:?} at {step:?}: spans are nowhere");
    }
    jobs.drain(..).for_each(|job| finish(job, &mut covered));
    live.freeze(None, now);
    while let Some(job) = live.begin_commit() {
        finish(job, &mut covered);
    }
    durable.sort();
    covered.sort();
    assert_eq!(durable, covered, "{order:?}");
}
