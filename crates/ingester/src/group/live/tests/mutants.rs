//! The ways in which a slot came to name segments whose spans are in no block, put back one by one
//! and together: the commit that is about to lose spans must be refused, or none may be.

use super::*;
use std::collections::BTreeMap;

/// What is put back.
#[derive(Debug, Clone, Copy)]
struct Mutant {
    /// The slot is won in one step, and its generation leaves memory in a later one.
    apart: bool,
    /// A generation that is evicted is named to the core by its place in the line, not by its
    /// segments.
    by_place: bool,
}

#[derive(Debug, Clone, Copy)]
enum Moment {
    Begin,
    Won,
    Shown,
    Evict,
}

/// Every order of seven of these over four generations that wait, and how many of them end in a
/// commit that is refused.
#[tokio::test]
async fn the_loss_comes_back_when_both_are_put_back_and_is_refused() {
    let memory = MemoryBudget::new(1 << 20);
    let shared = batch(&memory, "a", 1).await.columns;
    for (apart, by_place) in [(false, false), (true, false), (false, true), (true, true)] {
        let mutant = Mutant { apart, by_place };
        let refused = orders(7).filter(|order| !explore(mutant, order, &shared)).count();
        assert_eq!(refused > 0, apart && by_place, "{mutant:?}: {refused} orders are refused");
    }
}

fn orders(depth: u32) -> impl Iterator<Item = Vec<Moment>> {
    use Moment::{Begin, Evict, Shown, Won};
    const ALL: [Moment; 4] = [Begin, Won, Shown, Evict];
    (0..ALL.len().pow(depth))
        .map(move |n| (0..depth).map(|at| ALL[n / ALL.len().pow(at) % ALL.len()]).collect())
}

/// One order, and then everything is committed. Whether every commit has the spans of its segments.
fn explore(mutant: Mutant, order: &[Moment], columns: &Arc<Columns>) -> bool {
    let (live, now) = (LiveSpans::new(epoch(1)), Instant::now());
    // Of different sizes, or one in the place of another would not be noticed.
    for segments in [1, 2, 1, 3] {
        for _ in 0..segments {
            let (at, n) = live.reserve(epoch(2), now).unwrap();
            let batch = Batch { tenant: "a".into(), columns: columns.clone(), permit: None };
            live.durable(at, segment(n), vec![batch], AT, now).unwrap();
        }
        live.freeze(Some(FreezeAt { bytes: 1, ..AT }), now);
    }
    let (mut job, mut won) = (None::<CommitJob>, None::<CommitJob>);
    for step in order {
        match step {
            Moment::Begin if job.is_none() && won.is_none() => {
                job = live.begin_commit();
                if job.as_ref().is_some_and(|job| job.check().is_err()) {
                    return false;
                }
            }
            Moment::Won => {
                if let Some(job) = job.take() {
                    if mutant.apart {
                        live.with(job.epoch, |w| w.core.slot_won(job.commit.slot)).unwrap();
                    } else {
                        live.committed(&job).unwrap();
                    }
                    won = Some(job);
                }
            }
            Moment::Shown => {
                if let Some(job) = won.take().filter(|_| mutant.apart) {
                    shown(&live, &job);
                }
            }
            Moment::Evict => evict_last(&live, mutant.by_place),
            Moment::Begin => {}
        }
    }
    if let Some(job) = job {
        live.committed(&job).unwrap();
    }
    if let Some(job) = won.filter(|_| mutant.apart) {
        shown(&live, &job);
    }
    while let Some(job) = live.begin_commit() {
        if job.check().is_err() {
            return false;
        }
        live.committed(&job).unwrap();
    }
    true
}

fn shown(live: &LiveSpans, job: &CommitJob) {
    let step = live.with(job.epoch, |writer| {
        writer.core.metas_written(job.commit.slot)?;
        writer.frozen.retain(|generation| !Arc::ptr_eq(generation, &job.generation));
        Ok(())
    });
    step.unwrap();
}

/// The last generation in memory leaves it, apart from the first in line.
fn evict_last(live: &LiveSpans, by_place: bool) {
    let mut inner = live.lock();
    let Some(writer) = inner.writers.last_mut() else { return };
    let Some(at) = writer.frozen.iter().rposition(|g| !g.evicted).filter(|at| *at > 0) else {
        return;
    };
    let segments = match by_place {
        true => {
            let committing = usize::from(writer.core.is_committing());
            waiting(&writer.core).into_iter().nth(at - committing).unwrap_or_default()
        }
        false => writer.frozen[at].segments.clone(),
    };
    let parts = writer.core.split(&segments, 1);
    if !parts.is_empty() {
        writer.frozen.remove(at);
    }
    for part in parts.into_iter().rev() {
        writer.frozen.insert(at, Arc::new(Generation::evicted(part.segments, None)));
    }
}

/// The generations that wait in the core, in their order.
fn waiting(core: &WriterEpoch) -> Vec<BTreeMap<u64, SegmentInfo>> {
    let (mut core, mut found) = (core.clone(), Vec::new());
    // One that is under way is not among them.
    (0..16).find(|slot| core.slot_won(*slot).is_ok());
    while let Some(commit) = core.begin_commit() {
        core.slot_won(commit.slot).unwrap();
        found.push(commit.generation.segments);
    }
    found
}
