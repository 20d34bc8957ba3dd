//! The faults that are put back, and the tasks that have them: as the real ones, but for the one
//! step.

use crate::block::{CommitError, Flusher, Made, OnRefusal};
use crate::group::{CommitJob, Generation};
use crate::upkeep::Adopter;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tributary_journal::EpochId;
use tributary_journal::adopt::{Adoption, Done, Step};
use tributary_journal::commit::{self, Ended};
use tributary_store::Created;

/// A fault that is put back. The table in [`super`] says what catches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    /// The slot is won in one step, its generation leaves memory in a later one, and what is
    /// evicted is named by its place in the line.
    WonApart,
    /// The owner takes an epoch of an hour that has been retired.
    BornRetired,
    /// Segments are deleted before the metas of their blocks are written.
    DeletesFirst,
    /// The store says that a segment is there before it is.
    HastyAck,
    /// The query looks at blocks, and then at memory.
    BlocksFirst,
    /// The adopter covers a segment that it has not read.
    CoversUnread,
    /// The adopter covers one segment and commits the rows of another one.
    RowsOfOthers,
    /// Its slot is another process's, and it goes on as though it had won.
    LoserGoesOn,
    /// What is evicted is named by its place among the generations in memory.
    ByPlace,
}

/// [`Flusher::run`], with the fault.
pub(super) async fn flush(
    flusher: Flusher,
    mutant: Mutant,
    drain: CancellationToken,
) -> Result<(), CommitError> {
    loop {
        let draining = drain.is_cancelled();
        flusher.live.freeze((!draining).then_some(flusher.freeze_at), Instant::now());
        while let Some(job) = flusher.live.begin_commit() {
            commit(&flusher, &job, mutant).await?;
        }
        if draining {
            return Ok(());
        }
        tokio::select! {
            biased;
            () = drain.cancelled() => {}
            () = flusher.flush_due.notified() => {}
        }
    }
}

async fn commit(flusher: &Flusher, job: &CommitJob, mutant: Mutant) -> Result<(), CommitError> {
    job.check()?;
    let Some(made) = flusher.build(job).await? else { return flusher.lose(job) };
    let Made { built, mut slot, .. } = made;
    slot.closed = job.commit.closes;
    let journal = &flusher.committer.journal;
    if let Some((_, error)) = flusher.builder.store_data(&built.blocks).await.pop() {
        return Err(error.into());
    }
    if journal.put_slot(&slot).await? == Created::Lost {
        return flusher.lose(job);
    }
    if mutant == Mutant::WonApart {
        flusher.live.slot_won_alone(job)?;
    } else {
        let covered: Vec<u64> = slot.covers.iter().map(|segment| segment.n).collect();
        journal.delete_segments(&job.epoch, &covered).await?;
    }
    journal.write_metas(&slot.blocks).await?;
    flusher.blocks.written(built.metas());
    let deletable = match mutant {
        Mutant::WonApart => flusher.live.shown_alone(job)?,
        _ => flusher.live.committed(job)?,
    };
    flusher.deleter.delete(job.epoch, deletable);
    Ok(())
}

/// [`Adopter::adopt`], with the fault.
pub(super) async fn adopt(
    adopter: &Adopter,
    epoch: &EpochId,
    mutant: Mutant,
) -> Result<(), CommitError> {
    let journal = &adopter.journal;
    let mut adoption = Adoption::new(u64::MAX);
    let mut made = None;
    loop {
        let done = match adoption.step() {
            Step::ReadSlots => Done::Slots(journal.slots(epoch).await?),
            Step::ListSegments => Done::Segments(journal.segments(epoch).await?),
            Step::LookAtBlocks(blocks) => Done::Blocks(journal.block_states(&blocks).await?),
            Step::ListFloor => Done::Floor { covered: false },
            Step::WriteMetas(blocks) => {
                journal.write_metas(&blocks).await?;
                Done::Shown
            }
            Step::Delete(numbers) => {
                journal.delete_segments(epoch, &numbers).await?;
                Done::Deleted
            }
            Step::Build { k, segments } => {
                let read =
                    |numbers: &[u64]| adopter.rebuilder.read(epoch, numbers.to_vec(), usize::MAX);
                let all = read(&segments).await?;
                let some = read(segments.get(..1).unwrap_or_default()).await?;
                match (all, some) {
                    (Some(all), Some(some)) => {
                        let built = adopter.builder.build(*epoch, k, &some.generation).await?;
                        let mut slot = built.slot_of(*epoch, k, &some);
                        let all = all.generation.segments.into_values();
                        slot.covers = match mutant {
                            Mutant::RowsOfOthers => all.last().into_iter().collect(),
                            _ => all.collect(),
                        };
                        slot.adopted = true;
                        made = Some(built);
                        Done::Built { slot: Some(slot), rest: Vec::new() }
                    }
                    _ => Done::OutOfDate,
                }
            }
            Step::Commit(mut run) => {
                let Some(mut built) = made.take() else { return Ok(()) };
                let (none, on_refusal) = (Generation::default(), OnRefusal::RelogSome);
                let commit =
                    adopter.committer.until_visible(&mut run, &mut built, &none, on_refusal);
                let ended = commit.await?;
                if ended == Ended::Won {
                    adopter.blocks.written(built.metas());
                }
                if let commit::Step::Delete(numbers) = run.step() {
                    journal.delete_segments(epoch, &numbers).await?;
                }
                Done::Committed(ended)
            }
            Step::Relog(_) | Step::Ended(_) => return Ok(()),
        };
        adoption.done(done)?;
    }
}
