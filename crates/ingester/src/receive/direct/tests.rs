use super::*;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::receive::{FrameDedup, PendingFrame, Told};
use crate::runtime::Names;
use prost::Message;
use std::sync::atomic::AtomicU32;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tributary_testkit::sample;

/// What hands to a journal whose frames come out of `Receiver`.
fn local(memory: usize) -> (Local, Arc<Metrics>, mpsc::Receiver<PendingFrame>) {
    let metrics = Arc::<Metrics>::default();
    let (journal, frames) = mpsc::channel(1024);
    let receive = Receive {
        name: String::new(),
        names: Names::default(),
        memory: Memory::new(memory),
        known: Arc::new(FrameDedup::new(0, metrics.clone())),
        journal,
        told: watch::channel(Told::default()).1,
        tasks: TaskTracker::new(),
        stop_reading: CancellationToken::new(),
        stop: CancellationToken::new(),
        streams: AtomicU32::new(0),
        metrics: metrics.clone(),
    };
    (Local::new(Arc::new(receive)), metrics, frames)
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
    let (local, metrics, frames) = local(64 << 20);
    let journal = tokio::spawn(durable(frames));
    for n in 0..3 * MOST_TENANTS {
        let taken = local.offer(Some(&format!("tenant-{n}")), request()).await;
        assert_eq!(taken.unwrap().accepted, 1, "tenant {n}");
    }
    assert_eq!(local.doors.lock().unwrap().len(), MOST_TENANTS);
    assert_eq!(metrics.times_limited(Limit::Tenants), 0);
    journal.abort();
}

#[tokio::test(start_paused = true)]
async fn more_tenants_at_once_are_refused() {
    // Nothing becomes durable, so nobody is answered.
    let (local, metrics, _frames) = local(64 << 20);
    let busy: Vec<_> =
        (0..MOST_TENANTS).map(|n| local.enter(&format!("tenant-{n}"), 100).unwrap()).collect();
    let refused = local.offer(Some("one more"), request()).await;
    assert!(matches!(refused, Err(OfferError::Refused(_))), "{refused:?}");
    assert_eq!(metrics.times_limited(Limit::Tenants), 1);
    drop(busy);
    assert!(local.enter("one more", 100).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_loud_tenant_leaves_room_for_requests_of_a_quiet_one() {
    let (local, metrics, _frames) = local(64 << 20);
    let mib = 1 << 20;
    // The room is a quarter of the memory.
    let mut under_way = Vec::new();
    let refused = loop {
        let Ok(room) = local.admit(mib / 2) else { break None };
        match local.enter("loud", mib / 2) {
            Ok(entered) => under_way.push((room, entered)),
            Err(refused) => break Some(refused),
        }
    };
    let refused = refused.expect("refused before the room is full");
    assert_eq!(refused.why, "the tenant has more requests under way than its share");
    assert_eq!(metrics.times_limited(Limit::RequestShare), 1);
    assert_eq!(metrics.times_limited(Limit::RequestRoom), 0);
    let room = local.admit(mib).expect("room for the quiet one");
    let quiet = local.enter("quiet", mib).expect("it is let in");
    // Beside it the loud one has its share, and no more.
    under_way.truncate(under_way.len() / 2);
    assert!(local.enter("loud", mib / 2).is_ok());
    drop((room, quiet, under_way));
    assert_eq!(local.doors.lock().unwrap()["loud"].held.bytes(), 0);
}
