//! A journal with an object in it that cannot be read.

use crate::alone::{ingester, quiet, send};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::sleep;
use tributary_journal::id::mint_block;
use tributary_journal::{EpochId, Journal, layout};
use tributary_store::Store;

const HOUR: Duration = Duration::from_secs(3600);

/// Data of a block that was minted for the first slot of an epoch, which does not name it.
async fn leave_garbage(store: &Store, epoch: &EpochId) -> String {
    let path = layout::block_object("one", &mint_block(epoch, 0, [9; 6]).unwrap(), "data.parquet");
    store.put(&path, Bytes::from_static(b"left by a crash")).await.unwrap();
    path
}

/// A slot that is damaged keeps its own hour as it is, and what was minted for it. Garbage of other
/// hours is collected all the same.
#[tokio::test(start_paused = true)]
async fn a_slot_that_cannot_be_read_stops_nothing_else() {
    let (bucket, store) = quiet();
    let engine = ingester(&bucket, 1).await;
    let journal = Journal::new(store.clone());
    for span in [1, 2] {
        send(&engine, 1, span).await;
        sleep(HOUR).await;
    }
    let epochs = journal.epochs().await.unwrap();
    let [damaged, healthy] = epochs[..] else { panic!("{epochs:?}") };
    let slot = layout::slot(&damaged, 0);
    store.put(&slot, Bytes::from_static(b"no slot")).await.unwrap();
    let kept = leave_garbage(&store, &damaged).await;
    let collected = leave_garbage(&store, &healthy).await;
    sleep(HOUR).await;
    assert!(store.head(&collected).await.unwrap_err().is_not_found());
    store.head(&kept).await.unwrap();
    assert!(engine.metrics.upkeep_failed.get() > 0, "it is told");
    // Nor is it ever retired, with what comes after it.
    sleep(40 * HOUR).await;
    assert_eq!(journal.floor().await.unwrap(), None);
    store.head(&slot).await.unwrap();
}
