//! Tasks of the engine that a fault beneath them ends: it says which, and what it has taken becomes
//! durable all the same.

use crate::server::engine;
use prost::Message;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::timeout;
use tributary_ingester::receive::direct::DirectSink;
use tributary_receivers::Sink;
use tributary_store::Store;
use tributary_telemetry::ErrorChain;
use tributary_testkit::bucket::{Fate, InMemory, Operation, Request, Script, Scripted};
use tributary_testkit::wait::SOON;
use tributary_testkit::{sample, wait_for};

/// Over which requests.
type Over = fn(&Request) -> bool;

/// A bucket whose client panics over some requests, once the trap is set.
#[derive(Debug, Clone)]
struct Trap {
    is_set: Arc<AtomicBool>,
    over: Over,
}

impl Script for Trap {
    async fn fate(&self, request: &Request) -> Fate {
        let caught = self.is_set.load(Ordering::SeqCst) && (self.over)(request);
        assert!(!caught, "a fault over {}", request.path);
        Fate::DONE
    }
}

fn lists(request: &Request, folder: &str) -> bool {
    request.operation == Operation::List && request.path == folder
}

#[tokio::test(flavor = "multi_thread")]
async fn the_task_is_named_and_the_tail_of_the_journal_is_sealed() {
    let table: [(&str, Over); 3] = [
        ("exchanging heartbeats", |r| r.operation.is_put() && r.path.starts_with("journal/live/")),
        ("listing blocks", |r| lists(r, "blocks")),
        ("adopting and collecting", |r| lists(r, "journal/log")),
    ];
    let flags = "--heartbeat 100ms --blocks-poll 100ms --segment-age 1h --block-age 1h";
    let flags: Vec<_> = flags.split(' ').collect();
    for (doing, over) in table {
        let trap = Trap { is_set: Arc::default(), over };
        let behind = Scripted::new(Arc::new(InMemory::new()), trap.clone());
        let store = Store::from_parts(Arc::new(behind), "").unwrap();
        let mut engine = Box::pin(engine(store, &flags)).await;
        let sink = DirectSink::new(engine.intake.clone());
        let offered =
            tokio::spawn(
                async move { sink.offer(None, sample::plain(1).encode_to_vec().into()).await },
            );
        let metrics = engine.metrics.clone();
        wait_for("the span", SOON, async || match metrics.spans_received.get() {
            1 => Ok(()),
            n => Err(format!("{n} spans")),
        })
        .await
        .unwrap();

        trap.is_set.store(true, Ordering::SeqCst);
        let failed = timeout(SOON, engine.failure()).await.unwrap();
        let told = ErrorChain(&failed).to_string();
        assert!(told.starts_with(&format!("{doing}: a task panicked: a fault over ")), "{told}");
        engine.finish_segments().await.unwrap();
        let answer = timeout(SOON, offered).await.unwrap().unwrap();
        assert_eq!(answer.unwrap().accepted, 1);
        assert_eq!(metrics.segments.get(), 1);
    }
}
