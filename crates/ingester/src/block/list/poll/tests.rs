use super::*;
use object_store::memory::InMemory;
use std::time::Duration;
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
