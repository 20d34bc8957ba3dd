//! Single ingesters over a bucket that does what it is asked to, for stories in which one thing
//! happens.

use crate::application::encode;
use crate::cluster::{boot, config};
use crate::store::{Bucket, Line, Running};
use std::sync::Arc;
use tributary_ingester::engine::Engine;
use tributary_ingester::receive::direct::DirectSink;
use tributary_receivers::Sink;
use tributary_store::Store;
use tributary_testkit::Random;

/// A bucket without faults, and a journal on it.
pub(crate) fn quiet() -> (Arc<Bucket>, Store) {
    let bucket = Bucket::new(1);
    bucket.heal();
    let store = Line::new(bucket.clone(), 0, Running::new(), false).store();
    (bucket, store)
}

pub(crate) async fn ingester(bucket: &Arc<Bucket>, number: u32) -> Engine {
    let store = Line::new(bucket.clone(), number, Running::new(), false).store();
    let name = format!("ingester-{number}");
    boot(&config(), store, name, Random::new(u64::from(number))).await.unwrap()
}

/// Offers a span of tenant `one` and waits for its acknowledgement.
pub(crate) async fn send(engine: &Engine, trace: u8, span: u8) {
    send_to(engine, "one", trace, span).await;
}

/// Offers a span and waits for its acknowledgement.
pub(crate) async fn send_to(engine: &Engine, tenant: &str, trace: u8, span: u8) {
    let body = encode(&[([trace; 16], [span; 8])]);
    let outcome = DirectSink::new(engine.intake.clone()).offer(Some(tenant), body.into()).await;
    assert_eq!(outcome.unwrap().accepted, 1);
}
