//! A model checker over the journal's own state machines: the owner of an epoch, adopters and the
//! collector, in every order, with writes that are lost, repeated or late and crashes at every step.
//!
//! Nothing here describes the protocol a second time: [`WriterEpoch`], [`CommitRun`], [`Adoption`]
//! and the decisions of `collect` say what happens next; the model only carries it out on a store
//! of sets, one step at a time, in all orders there are. Variants that are known to be wrong
//! ([`Mutant`]) must be caught.
//!
//! Bounds are small so that the whole space is seen; `TRIBUTARY_MODEL=large` sees more.
//!
//! [`WriterEpoch`]: tributary_journal::WriterEpoch
//! [`CommitRun`]: tributary_journal::commit::CommitRun
//! [`Adoption`]: tributary_journal::adopt::Adoption

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the answer"
)]

mod actors;
mod explore;
mod protocol;
mod windows;
mod world;

use explore::{check, is_caught, reaches};
use protocol::{Mutant, Protocol};

fn is_large() -> bool {
    std::env::var_os("TRIBUTARY_MODEL").is_some_and(|v| v == "large")
}

#[test]
fn an_owner_and_an_adopter_with_late_and_repeated_writes() {
    let segments = if is_large() { 3 } else { 2 };
    let states = check(Protocol { segments, landings: 2, ..Protocol::small() });
    show("one adopter, writes that land twice", states);
}

#[test]
fn an_owner_and_two_adopters() {
    let segments = if is_large() { 2 } else { 1 };
    let states = check(Protocol { segments, adopters: 2, ..Protocol::small() });
    show("two adopters", states);
}

#[test]
fn collection_and_retirement_while_zombies_are_about() {
    let segments = if is_large() { 2 } else { 1 };
    let states = check(Protocol { segments, collections: 2, landings: 2, ..Protocol::small() });
    show("collector, writes that land twice", states);
}

#[test]
fn the_model_gets_to_where_things_go_wrong() {
    let collecting = Protocol { segments: 1, collections: 2, landings: 2, ..Protocol::small() };
    assert!(reaches(&Protocol::small(), |s| s.owner_lost()), "the owner never loses a slot");
    assert!(reaches(&Protocol::small(), |s| s.slots() > 1), "there is never a second slot");
    assert!(reaches(&collecting, |s| s.collected > 0), "nothing is ever collected");
    assert!(reaches(&collecting, |s| s.floor && s.slots() > 0), "no slot comes too late");
    assert!(reaches(&collecting, |s| !s.relogged.is_empty()), "nothing is ever logged again");
}

#[test]
fn what_is_known_to_be_wrong_is_caught() {
    let small = Protocol::small();
    let collecting = Protocol { segments: 1, collections: 2, landings: 2, ..small.clone() };
    let table = [
        (Mutant::AckBeforeStored, small.clone()),
        (Mutant::CoverByInterval, small.clone()),
        (Mutant::CollectUnreferenced, Protocol { collections: 1, ..small.clone() }),
        (Mutant::AimAgain, small.clone()),
        (Mutant::BuildBlind, small.clone()),
        (Mutant::DeleteBeforeMeta, small),
        (Mutant::RetireWithoutFloor, collecting.clone()),
        (Mutant::TrustBelowFloor, collecting),
    ];
    for (mutant, protocol) in table {
        assert!(is_caught(Protocol { mutant, ..protocol }), "{mutant:?} goes unnoticed");
    }
}

#[expect(clippy::print_stderr, reason = "how much was seen is part of the result")]
fn show(what: &str, states: usize) {
    eprintln!("{what}: {states} states");
}
