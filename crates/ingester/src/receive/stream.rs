//! What one stream's reader, the journal and its replies share.

use super::{OutOfOrder, Window};
use crate::metrics::Metrics;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tonic::Status;
use tributary_wire::v1::{Ack, Drain, Members, Reason, Reject, reply::Kind};

/// What every sender is told, now and whenever it changes.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// All ingesters; without this one when it leaves.
    pub members: Members,
    /// Set when this ingester leaves: until when it keeps streams, in milliseconds from then.
    pub drain_ms: Option<u32>,
}

impl Told {
    /// The reply that says so.
    pub fn reply(&self) -> Kind {
        match self.drain_ms {
            Some(deadline_ms) => {
                Kind::Drain(Drain { deadline_ms, members: Some(self.members.clone()) })
            }
            None => Kind::Members(self.members.clone()),
        }
    }
}

/// One stream. Bounded by the window: a frame has one entry until it is settled, and replies are
/// made when they can be sent, not queued.
#[derive(Debug)]
pub struct StreamState {
    inner: Mutex<Inner>,
    changed: Notify,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct Inner {
    window: Window,
    ack: Option<u64>,
    rejects: VecDeque<Reject>,
    ended: bool,
    failed: Option<Status>,
    over: bool,
}

impl StreamState {
    /// A new stream, counted as open until it is dropped.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        metrics.streams.inc();
        StreamState { inner: Mutex::default(), changed: Notify::new(), metrics }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A frame has come.
    ///
    /// # Errors
    /// When its number does not rise.
    pub fn arrived(&self, seq: u64) -> Result<(), OutOfOrder> {
        self.lock().window.arrived(seq)
    }

    /// A frame is in object storage.
    pub fn durable(&self, seq: u64) {
        let mut inner = self.lock();
        if let Some(ack) = inner.window.settled(seq) {
            inner.ack = Some(ack);
            drop(inner);
            self.changed.notify_one();
        }
    }

    /// A frame will not be stored.
    pub fn reject(&self, seq: u64, reason: Reason, message: String, permanent: bool) {
        let mut inner = self.lock();
        inner.rejects.push_back(Reject { seq, reason: reason.into(), message, permanent });
        // A frame that is to come again must not be acknowledged with those behind it.
        if permanent && let Some(ack) = inner.window.settled(seq) {
            inner.ack = Some(ack);
        }
        drop(inner);
        self.changed.notify_one();
    }

    /// The sender has closed its side: the stream ends once all its frames are settled.
    pub fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_one();
    }

    /// The stream ends with this status; what was settled before is still told.
    pub fn fail(&self, status: Status) {
        self.lock().failed.get_or_insert(status);
        self.changed.notify_one();
    }

    /// The next thing to tell the sender, if there is any.
    pub fn next_reply(&self, credit: u64) -> Option<Result<Kind, Status>> {
        let mut inner = self.lock();
        if inner.over {
            return None;
        }
        if let Some(reject) = inner.rejects.pop_front() {
            return Some(Ok(Kind::Reject(reject)));
        }
        if let Some(seq) = inner.ack.take() {
            return Some(Ok(Kind::Ack(Ack { seq, credit })));
        }
        if let Some(status) = inner.failed.take() {
            inner.over = true;
            return Some(Err(status));
        }
        if inner.ended && inner.window.waiting() == 0 {
            inner.over = true;
        }
        None
    }

    /// Whether nothing more will be told.
    pub fn is_over(&self) -> bool {
        self.lock().over
    }

    /// Waits until there may be something to tell.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Drop for StreamState {
    fn drop(&mut self) {
        self.metrics.streams.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(state: &StreamState) -> Vec<String> {
        std::iter::from_fn(|| state.next_reply(7)).map(|r| format!("{r:?}")).collect()
    }

    #[test]
    fn acks_are_cumulative_and_the_end_waits_for_them() {
        let state = StreamState::new(Arc::default());
        (1..=3).for_each(|seq| state.arrived(seq).unwrap());
        state.durable(2);
        state.end();
        assert!(kinds(&state).is_empty());
        assert!(!state.is_over());
        state.durable(1);
        state.durable(3);
        assert_eq!(kinds(&state), ["Ok(Ack(Ack { seq: 3, credit: 7 }))"]);
        assert!(state.is_over());
    }

    #[test]
    fn a_frame_to_come_again_is_never_acknowledged() {
        let state = StreamState::new(Arc::default());
        (1..=3).for_each(|seq| state.arrived(seq).unwrap());
        state.reject(1, Reason::Malformed, "bad".into(), true);
        state.reject(2, Reason::Undefined, "again".into(), false);
        state.durable(3);
        state.fail(Status::failed_precondition("out of step"));
        let told = kinds(&state);
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told[2].contains("Ack { seq: 1,"), "{told:?}");
        assert!(told[3].contains("out of step"), "{told:?}");
        assert!(state.is_over());
    }
}
