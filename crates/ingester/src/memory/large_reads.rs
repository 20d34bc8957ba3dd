//! Look-ups that read much wait for each other.
//!
//! Most traces are a few hundred spans, and a look-up of one takes next to nothing. A trace of 400,000
//! spans is 20 MB in its blocks and some 80 while it is read. How much a look-up will read it only
//! knows as it reads: so it is counted, and who has read [`LARGE`] bytes needs a turn for all that
//! follows. It keeps the turn until what it found has room of its own.

use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tributary_block::{BlockError, Object, Source};

/// Bytes of a block's data that a look-up may read without a turn: some 80,000 spans.
const LARGE: u64 = 4 << 20;
/// Memory for each large look-up that may go on.
const BYTES_A_TURN: usize = 128 << 20;
/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);

/// The turns of large look-ups. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct LargeReads {
    turns: Arc<Semaphore>,
}

impl LargeReads {
    /// For an ingester with `memory` bytes.
    pub(crate) fn new(memory: usize) -> LargeReads {
        LargeReads { turns: Arc::new(Semaphore::new((memory / BYTES_A_TURN).clamp(1, 16))) }
    }

    /// Nothing is read yet.
    pub(crate) fn reading(&self) -> Reading {
        Reading { turns: self.turns.clone(), read: AtomicU64::new(0), turn: OnceCell::new() }
    }
}

/// What one look-up has read. Dropping it gives its turn back.
#[derive(Debug)]
pub struct Reading {
    turns: Arc<Semaphore>,
    read: AtomicU64,
    turn: OnceCell<OwnedSemaphorePermit>,
}

/// Why a block was not read.
#[derive(Debug, thiserror::Error)]
#[error("too many large traces are read at the moment: come again")]
struct Busy;

impl Reading {
    /// So many bytes are about to be read.
    ///
    /// # Errors
    /// When others had all turns for too long.
    async fn more(&self, bytes: u64) -> Result<(), BlockError> {
        let before = self.read.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) <= LARGE {
            return Ok(());
        }
        let turn = async || {
            let turn = tokio::time::timeout(PATIENCE, self.turns.clone().acquire_owned()).await;
            turn.ok().and_then(Result::ok).ok_or_else(|| BlockError::Source(Box::new(Busy)))
        };
        self.turn.get_or_try_init(turn).await.map(|_| ())
    }
}

/// A block that is read by a look-up, or by something that has its memory in another way.
pub(crate) struct Read<'r, S> {
    /// Where the bytes come from.
    pub source: S,
    /// The look-up.
    pub by: Option<&'r Reading>,
    /// A turn for each filter that may be read.
    pub filters: &'r Semaphore,
}

impl<S: Source> Source for Read<'_, S> {
    async fn range(&self, object: Object, range: Range<u64>) -> Result<Bytes, BlockError> {
        if let (Some(by), Object::Data) = (self.by, object) {
            by.more(range.end.saturating_sub(range.start)).await?;
        }
        self.source.range(object, range).await
    }

    async fn whole(&self, object: Object) -> Result<Bytes, BlockError> {
        // Filters are many, and small, and are read to be asked once.
        let _turn = self.filters.acquire().await;
        self.source.whole(object).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test(start_paused = true)]
    async fn one_large_look_up_goes_on_and_small_ones_are_never_held_up() {
        let reads = LargeReads::new(64 << 20);
        let (first, second, small) = (reads.reading(), reads.reading(), reads.reading());
        for _ in 0..3 {
            first.more(LARGE / 2).await.unwrap();
            small.more(1000).await.unwrap();
        }
        second.more(LARGE).await.unwrap();
        assert!(second.more(1).now_or_never().is_none(), "two large ones go on");
        drop(first);
        second.more(1).await.unwrap();
        small.more(LARGE - 3000).await.unwrap();
        // One that keeps its turn for ever is not waited for as long.
        let told = small.more(1).await.unwrap_err().to_string();
        assert!(told.contains("too many large traces"), "{told}");
        drop(second);
        small.more(u64::MAX).await.unwrap();
    }

    #[test]
    fn turns_grow_with_memory() {
        let mib = 1 << 20;
        for (memory, turns) in [(32, 1), (192, 1), (256, 2), (1024, 8), (1 << 20, 16)] {
            assert_eq!(LargeReads::new(memory * mib).turns.available_permits(), turns, "{memory}");
        }
    }
}
