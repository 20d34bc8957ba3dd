//! The journal: how an acknowledged span survives whatever is killed, with an object store as the
//! only shared state.
//!
//! In come frames as sidecars sent them; out come segments (what acknowledgements depend on),
//! commit slots (what makes blocks count and segments superfluous), and for whoever comes after a
//! crash the plan of what is left to do. The decisions are plain functions and state machines
//! without I/O, clock or tasks ([`epoch`], [`recover`], [`acks`]); [`Journal`] carries them out on
//! a store. Nothing here knows what is in a frame or in a block, or how either is served.
//!
//! # How an ingester uses it
//!
//! At start:
//! 1. [`Store::probe`](tributary_store::Store::probe), then [`Journal::open_cluster`].
//! 2. Draw a process [`Uid`], open an epoch ([`EpochId::new`], [`WriterEpoch::new`]) and write the
//!    first heartbeat ([`Journal::beat`]).
//! 3. For each of [`Journal::epochs`] that no live process owns (being wrong about that costs work,
//!    never data): [`Journal::listing`], [`recover::blocks_to_look_at`], [`Journal::block_states`],
//!    [`recover::plan`]. Then, in this order: [`Journal::write_metas`] for `finish`;
//!    [`Journal::delete_segments`] for `deletable`, and for `deletable_after_finish`; replay
//!    `uncovered` in [`recover::pieces`]: read, build blocks minted for `next_slot` of *that*
//!    epoch, write them, [`Journal::put_slot`] with `adopted` set, metas, delete. When the slot is
//!    lost, forget the blocks and start again from the listing.
//!
//! A frame:
//! 1. Decode and validate it before it is logged; what cannot be decoded is rejected now, or it
//!    would come back at every recovery.
//! 2. [`SegmentBuilder::missing`], export these definitions, [`SegmentBuilder::push`],
//!    note which segment it is in. On `Full`, seal first.
//! 3. Keep the decoded spans beside the open segment.
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
//! A generation, by bytes, by age or at shutdown:
//! 1. [`WriterEpoch::freeze`], then [`WriterEpoch::begin_commit`] when no other commit is under way.
//! 2. Build the blocks; [`mint_block`](id::mint_block) their ids for [`Commit::slot`]; write data
//!    and blooms, all of it (I4).
//! 3. [`Journal::put_slot`]. `Won`: [`WriterEpoch::slot_won`]. `Lost`: [`WriterEpoch::slot_lost`],
//!    drop the generations, open a new epoch, recover this one as any other. An error: call again
//!    with the same slot.
//! 4. [`Journal::write_metas`], [`WriterEpoch::metas_written`].
//! 5. After a time of grace for readers, [`Journal::delete_segments`] of what that answered,
//!    [`WriterEpoch::deleted`].
//!
//! At the end: [`WriterEpoch::close`], freeze, commit until [`WriterEpoch::is_drained`],
//! [`Journal::stop_beating`]. All of it is only for speed: a kill at any point loses nothing.
//!
//! # Invariants
//!
//! * I1 An acknowledged frame lies in a segment that was completely stored before.
//! * I2 A segment is deleted only if a slot of its epoch names it and all blocks of that slot have
//!   had their metas.
//! * I3 A slot is created once and never changed. (It is never removed, until hours are retired.)
//! * I4 All data a slot names is complete before the slot is created, and was minted for it.
//! * I5 Data minted for a slot that exists and does not name it is garbage for ever.
//! * I6 The builder of slot k has read slots 0 to k−1 and covers only segments that none of them
//!   names: each segment is covered at most once.
//! * I7 An answer is made from visible blocks and uncovered segments (or the memory that holds
//!   them), deduplicated: never less than everything acknowledged, once recovery is through.
//! * I8 A visible block disappears only by compaction or retention.
//! * I9 No rule that deletes or hides compares the clocks of two machines.
//! * I10 For each slot: spans in covered segments = rows in blocks + duplicates + rejected.
//!
//! And above them all: a segment that exists and that no slot names is live data. Nothing is ever
//! deleted because nobody refers to it.

pub mod adopt;
pub mod cluster;
pub mod collect;
pub mod commit;
pub mod epoch;
pub mod id;
mod io;
pub mod layout;
pub mod live;
pub mod recover;
pub mod segment;
pub mod slot;
pub mod watch;

pub use epoch::{Commit, WriterEpoch};
pub use id::{EpochId, Uid};
pub use io::{Heartbeat, Journal, JournalError, Metaless};
pub use live::Live;
pub use segment::{NewFrame, Sealed, Segment, SegmentBuilder, SegmentInfo};
pub use slot::{BlockEntry, Slot};
