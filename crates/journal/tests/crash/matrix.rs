//! Every write at which a run can stop, and every way to stop there.

use crate::fuse::{Fault, Fuse};
use crate::ledger::Ledger;
use crate::pod::Pod;
use std::sync::Arc;
use tributary_journal::Journal;
use tributary_store::Store;
use tributary_testkit::bucket::{InMemory, Scripted};

/// More writes than any run here makes.
const ENOUGH: usize = 200;

/// A bucket, and what was acknowledged into it.
struct World {
    bucket: Arc<InMemory>,
    ledger: Ledger,
    pods: u8,
}

impl World {
    fn new() -> Self {
        World { bucket: Arc::default(), ledger: Ledger::default(), pods: 0 }
    }

    /// A new process, whose writes go through a fuse.
    fn pod(&mut self, fault: Fault) -> (Pod, Fuse) {
        self.pods += 1;
        let fuse = Fuse::new(fault);
        let bucket = Scripted::new(Arc::clone(&self.bucket), fuse.clone());
        let store = Store::from_parts(Arc::new(bucket), "").unwrap();
        (Pod::new(self.pods, Journal::new(store), self.ledger.clone()), fuse)
    }

    /// A healthy process recovers everything; then the books must balance.
    async fn settle(&mut self, story: &str) {
        let (pod, _) = self.pod(Fault::None);
        pod.recover().await.unwrap();
        self.ledger.check(pod.journal(), story).await;
    }
}

/// How many writes an undisturbed run makes, so that the matrices below are known to be complete.
async fn writes_of_a_whole_run() -> usize {
    let mut world = World::new();
    let (pod, fuse) = world.pod(Fault::None);
    pod.write().await.unwrap();
    world.settle("nothing went wrong").await;
    assert!(world.ledger.acked() > 4);
    assert!(fuse.writes() > 20 && fuse.writes() < ENOUGH, "{}", fuse.writes());
    fuse.writes()
}

#[tokio::test(start_paused = true)]
async fn a_writer_killed_at_any_write() {
    for at in 0..writes_of_a_whole_run().await {
        for fault in [Fault::KillBefore(at), Fault::KillAfter(at)] {
            let mut world = World::new();
            let (pod, _) = world.pod(fault);
            pod.write().await.unwrap_err();
            world.settle(&format!("writer: {fault:?}")).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_recovery_killed_at_any_write_after_a_writer_killed_at_any() {
    let mut recoveries_killed = 0;
    for at in 0..writes_of_a_whole_run().await {
        for first in [Fault::KillBefore(at), Fault::KillAfter(at)] {
            for again in 0..ENOUGH {
                let second = if again % 2 == 0 {
                    Fault::KillBefore(again / 2)
                } else {
                    Fault::KillAfter(again / 2)
                };
                let mut world = World::new();
                let (pod, _) = world.pod(first);
                pod.write().await.unwrap_err();
                let (pod, _) = world.pod(second);
                let whole = pod.recover().await.is_ok();
                world.settle(&format!("writer: {first:?}, recovery: {second:?}")).await;
                if whole {
                    break;
                }
                recoveries_killed += 1;
            }
        }
    }
    assert!(recoveries_killed > 200, "{recoveries_killed}");
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_lost_or_wrong() {
    for at in 0..writes_of_a_whole_run().await {
        for fault in [Fault::ErrorBefore(at), Fault::ErrorAfter(at)] {
            let mut world = World::new();
            let (pod, _) = world.pod(fault);
            pod.write().await.unwrap();
            let acked = world.ledger.acked();
            world.settle(&format!("writer: {fault:?}")).await;
            assert_eq!(acked, writes_all().await, "{fault:?}: the writer went on");
        }
    }
}

async fn writes_all() -> usize {
    let mut world = World::new();
    let (pod, _) = world.pod(Fault::None);
    pod.write().await.unwrap();
    world.ledger.acked()
}

/// The owner stands still while it is taken for dead, wakes up and goes on.
#[tokio::test(start_paused = true)]
async fn a_zombie_that_wakes_at_any_write() {
    let mut lost = 0;
    for at in 0..writes_of_a_whole_run().await {
        let mut world = World::new();
        let (zombie, fuse) = world.pod(Fault::Pause(at));
        let writing = async {
            let lost_epochs = zombie.write().await.unwrap();
            fuse.finish();
            lost_epochs
        };
        let (adopter, _) = world.pod(Fault::None);
        let adopting = async {
            fuse.paused().await;
            adopter.recover().await.unwrap();
            fuse.resume();
        };
        lost += tokio::join!(writing, adopting).0;
        world.settle(&format!("zombie paused before write {at}")).await;
    }
    assert!(lost > 3, "the zombie lost a slot only {lost} times");
}

/// Two recoveries of the same epoch, one of which stands still at any of its writes.
#[tokio::test(start_paused = true)]
async fn two_adopters_at_once() {
    for at in (0..writes_of_a_whole_run().await).step_by(3) {
        for pause in 0..ENOUGH {
            let mut world = World::new();
            let (pod, _) = world.pod(Fault::KillAfter(at));
            pod.write().await.unwrap_err();
            let (slow, fuse) = world.pod(Fault::Pause(pause));
            let (quick, _) = world.pod(Fault::None);
            let first = async {
                slow.recover().await.unwrap();
                fuse.finish();
            };
            let second = async {
                fuse.paused().await;
                quick.recover().await.unwrap();
                fuse.resume();
            };
            tokio::join!(first, second);
            world.settle(&format!("writer killed after {at}, adopter paused before {pause}")).await;
            if fuse.writes() <= pause {
                break;
            }
        }
    }
}
