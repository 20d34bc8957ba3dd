use super::*;
use crate::metrics::Metrics;
use crate::receive::PendingFrame;
use crate::receive::for_tests::intake;
use prost::Message;
use tributary_testkit::sample;

/// A sink that hands to a journal whose frames come out of `Receiver`.
fn sink(memory: usize) -> (DirectSink, Arc<Metrics>, mpsc::Receiver<PendingFrame>) {
    limited(memory, "")
}

/// The same, with these limits.
fn limited(
    memory: usize,
    limits: &str,
) -> (DirectSink, Arc<Metrics>, mpsc::Receiver<PendingFrame>) {
    let (intake, frames) = intake(memory, limits);
    let metrics = intake.metrics.clone();
    (DirectSink::new(Arc::new(intake)), metrics, frames)
}

fn request() -> Bytes {
    sample::plain(1).encode_to_vec().into()
}

/// The journal takes everything that comes.
async fn durable(mut frames: mpsc::Receiver<PendingFrame>) {
    while let Some(frame) = frames.recv().await {
        frame.stream.durable(frame.seq);
    }
}

#[tokio::test(start_paused = true)]
async fn tenants_that_rest_make_room_for_others() {
    let (sink, metrics, frames) = sink(64 << 20);
    let journal = tokio::spawn(durable(frames));
    for n in 0..3 * MAX_TENANTS {
        let taken = sink.offer(Some(&format!("tenant-{n}")), request()).await;
        assert_eq!(taken.unwrap().accepted, 1, "tenant {n}");
    }
    assert_eq!(sink.lanes.lock().unwrap().len(), MAX_TENANTS);
    assert_eq!(metrics.times_limited(Limit::Tenants), 0);
    journal.abort();
}

#[tokio::test(start_paused = true)]
async fn more_tenants_at_once_are_refused() {
    // Nothing becomes durable, so no sender is answered.
    let (sink, metrics, _frames) = sink(64 << 20);
    let busy: Vec<_> =
        (0..MAX_TENANTS).map(|n| sink.enter(&format!("tenant-{n}"), 100).unwrap()).collect();
    let refused = sink.offer(Some("one more"), request()).await;
    assert!(matches!(refused, Err(OfferError::Refused(_))), "{refused:?}");
    assert_eq!(metrics.times_limited(Limit::Tenants), 1);
    drop(busy);
    assert!(sink.enter("one more", 100).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_loud_tenant_leaves_room_for_requests_of_a_quiet_one() {
    let (sink, metrics, _frames) = sink(64 << 20);
    let mib = 1 << 20;
    // The room is a quarter of the memory.
    let mut under_way = Vec::new();
    let refused = loop {
        let Ok(room) = sink.admit(mib / 2) else { break None };
        match sink.enter("loud", mib / 2) {
            Ok(entered) => under_way.push((room, entered)),
            Err(refused) => break Some(refused),
        }
    };
    let refused = refused.expect("refused before the room is full");
    assert_eq!(refused.why, "the tenant has more requests under way than its share");
    assert_eq!(metrics.times_limited(Limit::RequestShare), 1);
    assert_eq!(metrics.times_limited(Limit::RequestRoom), 0);
    let room = sink.admit(mib).expect("room for the quiet one");
    let quiet = sink.enter("quiet", mib).expect("it is let in");
    // Beside it the loud one has its share, and no more.
    under_way.truncate(under_way.len() / 2);
    assert!(sink.enter("loud", mib / 2).is_ok());
    drop((room, quiet, under_way));
    assert_eq!(sink.lanes.lock().unwrap()["loud"].under_way.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_has_sent_too_much_is_told_when_to_come_again() {
    let limits = "tenants: {noisy: {spans_per_second: 1, burst: 1s}}";
    let (sink, metrics, frames) = limited(64 << 20, limits);
    let journal = tokio::spawn(durable(frames));
    let offer = async |tenant| sink.offer(Some(tenant), request()).await;
    assert!(offer("noisy").await.is_ok() && offer("noisy").await.is_ok());
    let OfferError::Limited(Refused { retry_after, .. }) = offer("noisy").await.unwrap_err() else {
        panic!("not refused because of the limit")
    };
    assert!(retry_after <= Duration::from_secs(1) + SOONEST, "{retry_after:?}");
    for _ in 0..5 {
        offer("modest").await.unwrap();
    }
    assert_eq!(metrics.tenant_limited.get("noisy", Limit::RequestSpans), 1);
    assert_eq!(metrics.tenant_limited.get("modest", Limit::RequestSpans), 0);
    tokio::time::advance(retry_after).await;
    assert!(offer("noisy").await.is_ok());
    journal.abort();
}
