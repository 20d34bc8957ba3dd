//! A seeded simulation: several ingesters (their real engine, without sockets) and applications
//! over a bucket that fails in every way, while processes are killed, stand still, come back and
//! are replaced; and a ledger of what was acknowledged. Time is simulated, so hours take seconds,
//! and a seed decides everything: the same seed does the same, request by request.
//!
//! `TRIBUTARY_SIM_SEEDS=from..to` chooses other seeds than the sixty that always run.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the answer"
)]

mod alone;
mod application;
mod cluster;
mod collection;
mod deletions;
mod hours;
mod reader;
mod retention;
mod store;
mod unreadable;

use cluster::{Cluster, Outcome};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seeds of an ordinary run: each thing that must have happened has happened many times by then,
/// the rarest (two who want the same slot) eight times.
const SEEDS: Range<u64> = 0..60;

fn seeds() -> Range<u64> {
    let chosen = std::env::var("TRIBUTARY_SIM_SEEDS").ok();
    let range = chosen.as_deref().and_then(|text| {
        let (from, to) = text.split_once("..")?;
        Some(from.parse().ok()?..to.parse().ok()?)
    });
    range.unwrap_or(SEEDS)
}

/// One life of a cluster.
fn run(seed: u64) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(Cluster::live(seed))
}

#[test]
fn nothing_acknowledged_is_lost_whatever_the_seed() {
    // Each life has a thread to itself and shares nothing with the others.
    let (next, end) = (AtomicU64::new(seeds().start), seeds().end);
    let all = Mutex::new(Outcome::default());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let outcome = run(seed);
                    all.lock().unwrap().add(&outcome);
                }
            });
        }
    });
    let all = all.into_inner().unwrap();
    show(&all);
    // What never happened was not tested.
    assert!(all.kills > 0 && all.freezes > 0 && all.outages > 0, "{all:?}");
    assert!(all.adoptions > 0 && all.collected > 0, "{all:?}");
    assert!(all.merges > 0 && all.merges_lost > 0 && all.deleted > 0, "{all:?}");
    // Two must want the same slot: a few lives need not see that.
    assert!(all.lost_slots > 0 || all.seeds < 50, "{all:?}");
    assert!(all.evicted > 0 && all.rebuilt > 0 && all.kept > 0, "{all:?}");
    assert!(all.answers.whole > 0 && all.answers.partial > 0, "{all:?}");
}

#[test]
fn a_seed_decides_everything() {
    for seed in [1, 2, 3] {
        let (once, again) = (run(seed), run(seed));
        assert!(once.requests > 100, "{once:?}");
        assert_eq!((once.history, once.requests), (again.history, again.requests), "seed {seed}");
    }
    assert_ne!(run(1).history, run(2).history);
}

#[expect(clippy::print_stderr, reason = "how much was endured is the result")]
fn show(all: &Outcome) {
    eprintln!("{all:?}");
}
