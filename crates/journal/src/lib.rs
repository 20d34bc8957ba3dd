//! The journal: how an acknowledged span survives whatever is killed, with an object store as the
//! only shared state.
//!
//! In come frames as sidecars sent them; out come segments (what acknowledgements depend on),
//! commit slots (what makes blocks count and segments superfluous), and whatever is left to do of a
//! process that is gone. Decisions are state machines and plain functions without I/O, clock or
//! tasks; [`Journal`] carries them out on a store, one request or a few at a time. Nothing here knows
//! what is in a frame or in a block, or how either is served.
//!
//! | who | is told what to do by |
//! |---|---|
//! | the owner of an epoch | [`WriterEpoch`]: numbers, generations, which commit is next |
//! | whoever commits | [`commit::CommitRun`]: data, slot, floor, metas, deletion, in this order |
//! | whoever adopts an epoch | [`adopt::Adoption`], on top of [`recover::plan`] |
//! | who wonders whose turn it is | [`failure_detector::FailureDetector`]: suspicion by one's own clock and health |
//! | who compacts a window | [`compact::Compaction`]: records decide what is superseded |
//! | who collects | [`collect`]: positive evidence alone; the floor; the breaker |
//!
//! The same state machines are what the model checker in `tests/model` explores.
//!
//! # How an ingester uses it
//!
//! At start: [`Store::probe`](tributary_store::Store::probe), [`Journal::open_cluster`], a process
//! [`Uid`], and a first heartbeat ([`Journal::beat`]) that names the epoch to come: an epoch is named
//! before it has a segment, so that nobody takes it for an abandoned one.
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
//! 3. An error: call again with the same `Sealed`, or [`WriterEpoch::burned`] and end the streams
//!    without acknowledging. `Lost`: the epoch's id exists twice; open a new epoch and put the
//!    frames into it.
//!
//! A generation, by bytes, by age or at shutdown: [`WriterEpoch::freeze`],
//! [`WriterEpoch::begin_commit`], build the blocks and [`mint_block`](id::mint_block) their ids for
//! [`Commit::slot`], take the steps of a [`commit::CommitRun`]. Won: [`WriterEpoch::slot_won`],
//! [`WriterEpoch::metas_written`], [`WriterEpoch::deleted`]. Lost: [`WriterEpoch::slot_lost`]; a new
//! epoch begins, and this one is adopted like any other.
//!
//! At any time: what [`failure_detector::FailureDetector`] calls abandoned is adopted, heartbeat by heartbeat; now and
//! then somebody surveys all epochs ([`Journal::survey`]) and collects.
//!
//! At the end: [`WriterEpoch::close`], freeze, commit until [`WriterEpoch::is_drained`],
//! [`Journal::stop_beating`]. All of it is only for speed: a kill at any point loses nothing.
//!
//! # Invariants
//!
//! * I1 An acknowledged frame lies in a segment that was completely stored before.
//! * I2 A segment is deleted only if a slot of its epoch names it and all blocks of that slot have
//!   had their metas.
//! * I3 A slot is created once and never changed, and so is a window's record. Both are removed only
//!   at or below the floor, where they count for nothing; the floor is raised only over hours without
//!   a segment, without a block whose meta is missing, without superseded blocks that are still there,
//!   and without data that no slot and no record names. Who takes a slot or a record for evidence, or
//!   has just created one, lists the floor after that.
//! * I4 All data that a slot or a record names is complete before it is created, and was minted for it.
//! * I5 Data minted for a slot or a record that exists and does not name it is garbage for ever.
//! * I6 The builder of slot k has read slots 0 to k−1 and covers only segments that none of them
//!   names: each segment is covered at most once. With records and the blocks that they supersede it
//!   is the same.
//! * I7 An answer is made from visible blocks and uncovered segments (or the memory that holds
//!   them), deduplicated: never less than everything acknowledged, once recovery is through.
//! * I8 A visible block disappears only when a record supersedes it, and after the record's outputs
//!   have become visible: at each instant every span is in one that is.
//! * I9 No rule that deletes or hides compares the clocks of two machines.
//! * I10 For each slot: spans in covered segments = rows in blocks + duplicates + rejected.
//!
//! And above them all: a segment that exists and that no slot names is live data. Nothing is ever
//! deleted because nobody refers to it.

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
pub mod segment;
pub mod slot;
pub mod window;

pub use epoch::{Commit, WriterEpoch};
pub use framed::Encoded;
pub use heartbeat::Heartbeat;
pub use id::{EpochId, Uid};
pub use io::{Journal, JournalError, Metaless, RecordListing};
pub use record::Record;
pub use segment::{NewFrame, Sealed, Segment, SegmentBuilder, SegmentInfo};
pub use slot::{BlockEntry, Slot};
pub use window::CompactionWindow;
