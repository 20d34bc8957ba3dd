//! Every order in which the tasks around the journal can go on.
//!
//! The protocol's core is explored by its own model (`crates/journal/tests/model`). What is explored
//! here is what carries it out: the real tasks of an owner (which writes segments, writes blocks,
//! deletes, makes room, adopts what it has lost), of another process that adopts the owner's epoch
//! while the owner lives, and a query. All of them ask one bucket, and each request that another
//! task could notice waits ([`gate`]) until the search lets it go on ([`search`]): depth first through
//! all orders, each run from the start, none followed beyond a state that was seen. In each state
//! ([`world`]) every acknowledged span must be in an answer that takes no time, and, when all
//! processes die there, in exactly one block after another process has adopted what they left
//! ([`books`]); and the answer of the query that runs meanwhile must not lack what was acknowledged
//! before it came. Settings small enough are explored to the end, larger ones by lot.
//!
//! What a task does between two requests is one step here. Memory and the clock stand still in it, so
//! what another thread could see of its middle is not explored.
//!
//! `TRIBUTARY_MODEL=large` explores larger settings, and more by lot.
//!
//! # Faults that are put back
//!
//! | fault | caught here by | what `tributary journal --verify` sees of it | caught elsewhere |
//! |---|---|---|---|
//! | a slot is won in one step and shown in another, and what is evicted between them is named by its place | an answer without the span; the commit of its segments is refused | nothing: it never gets there | |
//! | what is evicted is named by its place | the same | nothing | |
//! | an epoch is of a retired hour | a refused commit: the slot is void | nothing: what void slots cover is live, and logged again | the table in `runtime/ids.rs` |
//! | segments are deleted before the metas are written | a span lost by a crash | I2: no reader sees the block, and no segment is left | the model: `DeleteBeforeMeta` |
//! | an acknowledgement before the segment is there | a span lost by a crash | nothing: what never was leaves no trace, but for a number that is missing below others, a notice | the model: `AckBeforeStored` |
//! | a query looks at blocks before memory | an answer without the span | nothing: the bucket is right | the simulation |
//! | an adopter covers a segment that it has not read | a refused commit: the slot's rows do not add up | nothing; I10, were it not refused | the model: `CoverByInterval` |
//! | an adopter commits rows of other segments than it covers | a span lost by a crash | nothing if there are as many rows: the segment is gone; I10 otherwise | |
//! | the loser of a slot goes on | a span in two blocks | I5: the slot does not name the block | the model: `AimAgain`, for another slot |

mod books;
mod gate;
mod idle;
mod mutant;
mod process;
mod reader;
mod search;
mod setting;
mod world;

use idle::Idle;
use mutant::Mutant;
use search::Search;
use setting::{Fault, Place, Setting};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::runtime::Builder;
use tributary_journal::audit::Rule;
use world::World;

/// An owner with two segments.
const ALONE: Setting = Setting {
    segments: 2,
    evictions: 0,
    adopter: false,
    reader: None,
    faults: 0,
    hour: false,
    floor: false,
    unread: false,
    mutant: None,
};

/// An owner with one segment, and an adopter.
const RIVALS: Setting = Setting { segments: 1, adopter: true, ..ALONE };

fn is_large() -> bool {
    std::env::var_os("TRIBUTARY_MODEL").is_some_and(|v| v == "large")
}

/// How far an exploration came.
#[derive(Debug)]
struct Explored {
    orders: usize,
    states: usize,
    /// How it ended, when not with the last order.
    fault: Option<Fault>,
}

/// Runs all orders, or so many by lot, until one goes wrong.
fn explore(setting: &Setting, by_lot: Option<usize>) -> Explored {
    let (mut search, mut books) = (Search::default(), HashSet::new());
    let mut orders = 0;
    let fault = loop {
        if by_lot.is_some() {
            search.by_lot(orders as u64);
        }
        orders += 1;
        if let Err(fault) = run(setting, &mut search, &mut books) {
            break Some(fault);
        }
        if by_lot == Some(orders) || !search.next() {
            break None;
        }
    };
    Explored { orders, states: search.states(), fault }
}

fn run(setting: &Setting, search: &mut Search, books: &mut HashSet<u64>) -> Result<(), Fault> {
    let idle = Arc::new(Idle::default());
    let told = idle.clone();
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .on_thread_park(move || told.parked())
        .build()
        .unwrap();
    runtime.block_on(World::run(setting, idle, search, books))
}

/// Nothing goes wrong in any order of these settings.
fn all_orders(settings: &[(&str, Setting)]) {
    for (what, setting) in settings {
        let Explored { orders, states, fault } = explore(setting, None);
        assert!(fault.is_none(), "{what}: {fault:#?}");
        println!("{what}: {orders} orders, which are all, {states} states");
    }
}

#[test]
fn an_owner_alone() {
    all_orders(&[
        ("an owner, short of memory", Setting { segments: 3, evictions: 2, ..ALONE }),
        ("an owner while the hour changes", Setting { hour: true, evictions: 1, ..ALONE }),
        ("an owner whose writes are late or not answered", Setting { faults: 1, ..ALONE }),
        ("an owner in a retired hour", Setting { floor: true, ..ALONE }),
    ]);
}

#[test]
fn an_owner_and_a_query() {
    let asked = Setting { evictions: 1, reader: Some(Place::Owner), ..ALONE };
    all_orders(&[("a query of the owner", asked)]);
    if is_large() {
        all_orders(&[("a query of the owner, three segments", Setting { segments: 3, ..asked })]);
    }
}

#[test]
fn an_owner_and_an_adopter() {
    all_orders(&[("an adopter", Setting { evictions: 1, ..RIVALS })]);
    if is_large() {
        all_orders(&[(
            "an adopter, two segments",
            Setting { segments: 2, evictions: 1, ..RIVALS },
        )]);
    }
}

/// It has asked the adopter before that had the spans, and asks the owner when the adopter's block has
/// them and they have left the owner's memory: the owner must tell of the block.
#[test]
fn a_query_that_an_owner_and_an_adopter_answer() {
    let asked = |place| Setting { reader: Some(place), ..RIVALS };
    all_orders(&[("a query that both answer", asked(Place::Third))]);
    if is_large() {
        all_orders(&[
            ("the same, short of memory", Setting { evictions: 1, ..asked(Place::Third) }),
            ("a query of the owner", asked(Place::Owner)),
            ("a query of the adopter", asked(Place::Adopter)),
            ("a query of a process that suspects the owner", asked(Place::Suspicious)),
        ]);
    }
}

#[test]
fn everything_by_lot() {
    let most = if is_large() { 5_000 } else { 40 };
    for place in [Place::Owner, Place::Adopter, Place::Third, Place::Suspicious] {
        let setting = Setting {
            segments: 3,
            evictions: 2,
            adopter: true,
            reader: Some(place),
            faults: 1,
            hour: true,
            ..ALONE
        };
        let Explored { orders, states, fault } = explore(&setting, Some(most));
        assert!(fault.is_none(), "{place:?}: {fault:#?}");
        println!("everything, {place:?}: {orders} orders by lot, {states} states");
    }
}

#[test]
fn what_is_known_to_be_wrong_is_caught() {
    let short = Setting { segments: 3, evictions: 2, ..ALONE };
    let asked = Setting { segments: 1, reader: Some(Place::Owner), ..ALONE };
    let two = Setting { segments: 2, ..RIVALS };
    let lacks = "a complete answer lacks";
    let unread = Setting { unread: true, ..short };
    let not_theirs = "the spans are not those of the commit's segments";
    let table: [(Mutant, Setting, &str, &[Rule]); 11] = [
        (Mutant::WonApart, short, lacks, &[]),
        (Mutant::WonApart, unread, not_theirs, &[]),
        (Mutant::ByPlace, short, lacks, &[]),
        (Mutant::ByPlace, unread, not_theirs, &[]),
        (Mutant::BornRetired, ALONE, "the owner's slot is void", &[]),
        (Mutant::DeletesFirst, ALONE, "after a crash: lost [1]", &[Rule::I2]),
        (Mutant::HastyAck, ALONE, "after a crash: lost [1, 2]", &[]),
        (Mutant::BlocksFirst, asked, lacks, &[]),
        (Mutant::CoversUnread, two, "its segments have Some(2) spans", &[]),
        (Mutant::RowsOfOthers, two, "after a crash: lost [2]", &[]),
        (Mutant::LoserGoesOn, RIVALS, "in two blocks [1]", &[Rule::I5]),
    ];
    for (mutant, setting, expected, rules) in table {
        let explored = explore(&Setting { mutant: Some(mutant), ..setting }, None);
        let Some(Fault { what, schedule, findings }) = explored.fault else {
            panic!("{mutant:?} goes unnoticed in {} orders", explored.orders)
        };
        println!("{mutant:?}, in {} orders: {what}: {schedule:?}", explored.orders);
        assert!(what.contains(expected), "{mutant:?}: {what}");
        assert_eq!(findings.iter().map(|f| f.rule).collect::<Vec<_>>(), rules, "{mutant:?}");
    }
}
