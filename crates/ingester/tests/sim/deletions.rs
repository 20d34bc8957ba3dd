//! A store that takes writes and refuses deletions.

use crate::alone::{ingester, quiet, send};
use std::time::Duration;
use tokio::time::sleep;
use tributary_journal::Journal;

/// Blocks are written all the same; what they cover goes when the store lets it.
#[tokio::test(start_paused = true)]
async fn blocks_do_not_wait_for_deletions() {
    let (bucket, store) = quiet();
    let engine = ingester(&bucket, 1).await;
    let journal = Journal::new(store);
    let segments = async || {
        let survey = journal.survey().await.unwrap();
        survey.values().map(|held| held.segments.len()).sum::<usize>()
    };
    bucket.set_deletions_down(true);
    for span in 1..=5 {
        send(&engine, 1, span).await;
        // A block is due after twenty seconds.
        sleep(Duration::from_secs(60)).await;
        assert_eq!(engine.metrics.blocks.get(), u64::from(span));
    }
    assert_eq!(segments().await, 5, "none could be deleted");
    assert!(engine.metrics.deletions_failed.get() >= 5);
    bucket.set_deletions_down(false);
    // The longest pause is a minute.
    sleep(Duration::from_secs(70)).await;
    assert_eq!(segments().await, 0);
    assert_eq!(engine.live.totals().uncovered, 0);
}
