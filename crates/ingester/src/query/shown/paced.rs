//! A body whose reader must take it: one that leaves a portion lie gives up what it holds.
//!
//! A body is polled when its reader takes bytes, and by nothing else. What it holds is therefore held
//! by a task of its own, which ends with the last portion, when the reader is gone, or when the reader
//! has taken nothing for too long.

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use std::io;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a portion waits for its reader.
const PATIENCE: Duration = Duration::from_secs(30);
/// Portions that are made and not taken, beside the one that is being made.
const AHEAD: usize = 1;

/// The same portions, for a reader that takes each within [`PATIENCE`]. For others the body ends with
/// an error, which breaks the connection off: what was sent is not taken for the whole.
pub(in crate::query) fn paced(
    portions: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let (taker, taken) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let mut portions = Box::pin(portions);
        while let Some(portion) = portions.next().await {
            if taker.send_timeout(Some(portion), PATIENCE).await.is_err() {
                return;
            }
        }
        // What the portions were made of is given back before the reader has the last one.
        drop(portions);
        drop(taker.send_timeout(None, PATIENCE).await);
    });
    stream::unfold(Some(taken), |taken| async {
        let mut taken = taken?;
        match taken.recv().await {
            Some(None) => None,
            Some(Some(portion)) => Some((portion, Some(taken))),
            None => {
                let late = format!("the reader took nothing for {} seconds", PATIENCE.as_secs());
                Some((Err(io::Error::new(io::ErrorKind::TimedOut, late)), None))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Ten portions, made of what `held` counts.
    fn portions(held: &Arc<()>) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let held = held.clone();
        stream::iter(0..10).map(move |n| {
            let _made_of = &held;
            Ok(Bytes::from(vec![n]))
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_its_time_has_everything() {
        let held = Arc::new(());
        let mut body = Box::pin(paced(portions(&held)));
        for n in 0..10 {
            tokio::time::sleep(PATIENCE / 2).await;
            assert_eq!(body.next().await.unwrap().unwrap(), [n][..]);
        }
        assert!(body.next().await.is_none());
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_stops_holds_nothing_and_is_told() {
        let held = Arc::new(());
        let mut body = Box::pin(paced(portions(&held)));
        assert_eq!(body.next().await.unwrap().unwrap(), [0][..]);
        tokio::time::sleep(PATIENCE * 2).await;
        assert_eq!(Arc::strong_count(&held), 1, "it is given back while the body is there");
        assert_eq!(body.next().await.unwrap().unwrap(), [1][..]);
        assert_eq!(body.next().await.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(body.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_goes_away_holds_nothing() {
        let held = Arc::new(());
        let mut body = Box::pin(paced(portions(&held)));
        assert_eq!(body.next().await.unwrap().unwrap(), [0][..]);
        drop(body);
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
