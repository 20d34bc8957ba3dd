use super::*;
use object_store::memory::InMemory;
use std::time::Duration;
use tributary_block::BlockMeta;
use tributary_store::Store;

#[tokio::test(start_paused = true)]
async fn blocks_are_looked_up_when_the_list_is_too_old() {
    let store = Store::from_parts(Arc::new(InMemory::new()), "").unwrap();
    let poll = Duration::from_secs(10);
    let blocks = KnownBlocks::new(store.clone(), 1 << 20, poll, Arc::default());
    let lists = || store.counters().snapshot().lists;
    blocks.poll_once().await.unwrap();
    assert_eq!(lists(), 2, "what was merged, and no tenant has any");
    blocks.look_up_since("a", blocks.fresh_since(), KnownBlocks::patience()).await.unwrap();
    assert_eq!(lists(), 2, "the list is young enough");
    tokio::time::advance(Duration::from_secs(1)).await;
    let now = Instant::now();
    let look = || blocks.look_up_since("a", now, KnownBlocks::patience());
    let both = tokio::join!(look(), look());
    both.0.unwrap();
    both.1.unwrap();
    assert_eq!(lists(), 3, "one look-up serves both");
    blocks.look_up_since("b", now, KnownBlocks::patience()).await.unwrap();
    assert_eq!(lists(), 4, "but another tenant's is another one");
    tokio::time::advance(poll * 2 + Duration::from_millis(1)).await;
    blocks.look_up_since("a", blocks.fresh_since(), KnownBlocks::patience()).await.unwrap();
    assert_eq!(lists(), 5, "its own look-ups have stopped");
}

#[test]
fn ingesters_poll_at_paces_of_their_own() {
    let paces = [0, 51, 255].map(|chance| own_period(Duration::from_secs(10), chance).as_millis());
    assert_eq!(paces, [10_000, 9_800, 9_000]);
}

/// The poll and the tasks that write blocks meet in the list at any time. Each went on with one lock
/// held and the other one's wanted, once, and the ingester stood still.
#[test]
fn writing_and_polling_never_wait_for_each_other() {
    let store = Store::from_parts(Arc::new(InMemory::new()), "").unwrap();
    let poll = Duration::from_secs(10);
    let blocks = Arc::new(KnownBlocks::new(store, 1 << 20, poll, Arc::default()));
    let (done, through) = std::sync::mpsc::channel();
    let run = |work: fn(&KnownBlocks)| {
        let (blocks, done) = (blocks.clone(), done.clone());
        std::thread::spawn(move || {
            (0..5_000).for_each(|_| work(&blocks));
            done.send(()).unwrap();
        });
    };
    run(|blocks| drop(blocks.forget_replaced("a")));
    run(|blocks| drop(blocks.recent_of("a")));
    run(|blocks| blocks.written([BlockMeta { tenant_id: "a".to_owned(), ..Default::default() }]));
    for left in (1..=3).rev() {
        let end = through.recv_timeout(Duration::from_secs(60));
        assert!(end.is_ok(), "{left} of three stand still");
    }
}
