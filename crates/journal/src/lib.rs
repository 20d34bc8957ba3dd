//! The journal: how an acknowledged span survives whatever is killed, with an object store as the
//! only shared state.
//!
//! In come frames as sidecars sent them; out come segments (what acknowledgements depend on),
//! commit slots (what makes blocks count and segments superfluous), and whatever is left to do of a
//! process that is gone. Decisions are state machines and plain functions without I/O, clock or
//! tasks; [`Journal`] carries them out on a store, one request or a few at a time. Nothing here knows
//! what is in a frame or in a block, or how either is served.
//!
//! | actor | is told what to do by |
//! |---|---|
//! | the owner of an epoch | [`WriterEpoch`]: numbers, generations, which commit is next |
//! | the owner or an adopter, committing | [`commit::CommitRun`]: data, slot, floor, metas, deletion, in this order |
//! | the adopter of an epoch | [`adopt::Adoption`], by the plan that [`recover`] makes |
//! | a process that asks whose turn it is | [`failure_detector::FailureDetector`]: suspicion by its own clock and health |
//! | the compactor of a window | [`compact::Compaction`]: records decide what is superseded, and what has expired |
//! | the same, in time | [`retention`]: which windows are over, and whether so much may go at once |
//! | the collector | [`collect`]: positive evidence alone; the floor; the breaker |
//!
//! The same state machines are what the model checker in `tests/model` explores.
//!
//! # How an ingester uses it
//!
//! At start: [`Store::probe`](tributary_store::Store::probe), [`Journal::open_cluster`], a process
//! [`Uid`], and a first heartbeat ([`Journal::beat`]) that names the epoch to come: an epoch is named
//! before it has a segment, so that no process takes it for an abandoned one, and queries find its
//! segments when it is. So each heartbeat names an epoch of this hour and one of the next. Nothing else
//! stands before the first frame: what others wrote is read beside it.
//!
//! An epoch is of the hour in which its first segment is written, or of the first one above the floor
//! if that is later, and the next one begins with the next hour: what all ingesters take at the same
//! time is filed under the same hour, and nothing is acknowledged into an hour that may be retired.
//!
//! A frame: decoded and validated before it is logged, since what cannot be decoded would come back
//! at every adoption. [`SegmentBuilder::missing`], export these definitions,
//! [`SegmentBuilder::push`]; on `Full`, seal first. Its spans are kept beside the open segment.
//!
//! A segment, 250–500 ms after its first frame or at 4–8 MiB, three or four on their way at once:
//! 1. [`WriterEpoch::reserve`] a number (on `Finished`: roll over to a new epoch),
//!    [`SegmentBuilder::seal`], [`Journal::put_segment`] in a task that is not cancelled with the
//!    stream.
//! 2. `Won`: [`WriterEpoch::durable`], then move the spans into the generation it answered, then
//!    acknowledge. Nothing else takes part in an acknowledgement (I1).
//! 3. An error: call again with the same `Sealed`, for as long as the process lives, and acknowledge
//!    nothing meanwhile. `Lost`: the epoch's id exists twice; the process ends, and begins again
//!    with a new one.
//!
//! A generation, by bytes, by age or at shutdown: [`WriterEpoch::freeze`],
//! [`WriterEpoch::begin_commit`], build the blocks and [`mint_block`](id::mint_block) their ids for
//! [`Commit::slot`], take the steps of a [`commit::CommitRun`]. Won: [`WriterEpoch::slot_won`],
//! [`WriterEpoch::metas_written`], in one step for whatever else looks at the generations; and, when
//! the store lets it, [`WriterEpoch::deleted`], which nothing waits for. Lost: [`WriterEpoch::slot_lost`]; a new
//! epoch begins, and this one is adopted like any other.
//!
//! At any time: what the [`FailureDetector`](failure_detector::FailureDetector) calls abandoned is
//! adopted, heartbeat by heartbeat; now and then one process, the collector, surveys all epochs
//! ([`Journal::survey`]) and collects.
//!
//! What cannot be read: a single reading is never believed ([`Journal::read_segment`]). A segment
//! that was damaged twice in the same way is set aside by a slot, and a copy of exactly these bytes is
//! kept first ([`Journal::quarantine`]); [`Journal::put_back`] undoes that, once the copy can be read.
//! A segment that a newer release wrote, or one with a frame that it wrote, stays live until such a
//! release adopts it, and so does one of which the store gives other bytes each time.
//!
//! At the end: [`WriterEpoch::close`], freeze, commit until [`WriterEpoch::is_drained`],
//! [`Journal::stop_beating`]. All of it is only for speed: a kill at any point loses nothing.
//!
//! # Example
//!
//! A segment as its writer seals it and as recovery reads it back.
//!
//! ```
//! use std::error::Error;
//! use tributary_journal::segment::Header;
//! use tributary_journal::{EpochId, NewFrame, Segment, SegmentBuilder, Uid};
//!
//! fn main() -> Result<(), Box<dyn Error>> {
//!     let mut builder = SegmentBuilder::new();
//!     builder.push(&NewFrame {
//!         stream: 0,
//!         tenant: "single-tenant",
//!         incarnation: Uid([7; 16]),
//!         seq: 1,
//!         dict: 0,
//!         spans: 2,
//!         defines: &[],
//!         definitions: b"",
//!         payload: b"a frame as it came",
//!     })?;
//!     // The last twelve bytes of an epoch's id and all of a uid come from the operating system.
//!     let epoch = EpochId::new(1_795_442_400, [1; 12]);
//!     let instance = "ingester-0".to_owned();
//!     let sealed = builder.seal(&Header { epoch, n: 0, uid: Uid([2; 16]), written_ms: 0, instance });
//!
//!     let segment = Segment::parse(sealed.bytes)?;
//!     assert_eq!((segment.header().epoch, segment.info().spans), (epoch, 2));
//!     let frames = segment.groups().iter().flat_map(|group| &group.frames);
//!     assert!(frames.map(|frame| &frame.payload).eq([&b"a frame as it came"[..]]));
//!     Ok(())
//! }
//! ```
//!
//! # Invariants
//!
//! * I1 An acknowledged frame lies in a segment that was completely stored before.
//! * I2 A segment is deleted only if a slot of its epoch names it and all blocks of that slot have
//!   had their metas.
//! * I3 A slot is created once and never changed, and so is a window's record. Both are removed only
//!   at or below the floor, where they count for nothing; the floor is raised only over hours without
//!   a segment, without a block whose meta is missing, without superseded blocks that are still there,
//!   and without data that no slot and no record names. A process that takes a slot or a record
//!   for evidence, or has just created one, lists the floor after that.
//! * I4 All data that a slot or a record names is complete before it is created, and was minted for it.
//! * I5 Data minted for a slot or a record that exists and does not name it is garbage for ever.
//! * I6 The builder of slot k has read slots 0 to k−1 and covers only segments that none of them
//!   names: each segment is covered at most once. With records and the blocks that they supersede it
//!   is the same.
//! * I7 An answer is made from visible blocks and uncovered segments (or the memory that holds
//!   them), deduplicated: never less than everything acknowledged, once recovery is through.
//! * I8 A visible block disappears only when a record supersedes it, and after the record's outputs
//!   have become visible: at each instant every span is in one that is, but for those that expired.
//! * I9 No rule that deletes or hides compares the clocks of two machines. That a window is over is told
//!   by the store's clock alone.
//! * I10 For each slot: spans in covered segments = rows in blocks + duplicates + rejected. Rejected are
//!   spans that cannot be decoded, of which a copy is kept, and those of a tenant whose blocks the
//!   store does not take, which were logged again in an epoch of their own before.
//! * I11 What a record names as expired stands in no block that comes later: it is in the chain that
//!   merges are in, so a merge that had read one of its blocks loses. It counts below the floor too, and
//!   stays until all that it names is gone.
//!
//! And above them all: a segment that exists and that no slot names is live data. Nothing is ever
//! deleted because no object refers to it.

pub mod adopt;
pub mod audit;
pub mod cluster;
pub mod collect;
pub mod commit;
pub mod compact;
pub mod epoch;
pub mod failure_detector;
mod framed;
mod grow;
pub mod heartbeat;
pub mod id;
mod io;
pub mod layout;
pub mod record;
pub mod recover;
pub mod retention;
pub mod segment;
pub mod slot;
pub mod window;

pub use epoch::{Commit, WriterEpoch};
pub use framed::Encoded;
pub use heartbeat::{Heartbeat, Heartbeats};
pub use id::{EpochId, Uid};
pub use io::{Journal, JournalError, Metaless, RecordListing, SegmentObject};
pub use record::Record;
pub use segment::{NewFrame, Sealed, Segment, SegmentBuilder, SegmentInfo};
pub use slot::{BlockEntry, Slot};
pub use window::CompactionWindow;
