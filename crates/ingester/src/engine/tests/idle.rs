//! When every task waits: for a request at the gate, for another task, or for the clock.

use futures_util::task::AtomicWaker;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

/// Told by the runtime when it has nothing to do, before it would let the clock go on.
#[derive(Debug, Default)]
pub(super) struct Idle {
    waker: AtomicWaker,
    asked: AtomicBool,
    is_idle: AtomicBool,
}

impl Idle {
    /// The runtime has nothing to do.
    pub(super) fn parked(&self) {
        if self.asked.swap(false, Ordering::SeqCst) {
            self.is_idle.store(true, Ordering::SeqCst);
            self.waker.wake();
        }
    }

    /// Waits until it has not.
    pub(super) async fn wait(&self) {
        poll_fn(|context| {
            if self.is_idle.swap(false, Ordering::SeqCst) {
                return Poll::Ready(());
            }
            self.waker.register(context.waker());
            self.asked.store(true, Ordering::SeqCst);
            Poll::Pending
        })
        .await;
    }
}
