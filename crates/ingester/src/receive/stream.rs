//! What one stream's reader, the journal and its replies share.

use super::{OutOfOrder, Window};
use crate::limits::Limit;
use crate::metrics::Metrics;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tonic::Status;
use tributary_wire::v1::{Ack, Drain, Members, Reason, Reject, reply::Kind};

/// Rejections that a sender need not have read before its next frame is.
const MOST_REJECTS: usize = 64;

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

/// One stream. Bounded by what it may have in flight: a frame has one entry until it is settled,
/// acknowledgements are made when they can be sent, not queued, and whoever does not read its
/// rejections is not read either.
#[derive(Debug)]
pub struct StreamState {
    inner: Mutex<Inner>,
    /// There may be something to tell.
    changed: Notify,
    /// There may be room for another frame.
    roomier: Notify,
    /// Bytes that it may have in flight, whatever a sender makes of its credit.
    most: usize,
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
    /// Whether the last credit that was told is none.
    without_credit: bool,
}

impl StreamState {
    /// A new stream, which may have `most` bytes in flight, counted as open until it is dropped.
    pub fn new(metrics: Arc<Metrics>, most: usize) -> Self {
        metrics.streams.inc();
        let (changed, roomier) = (Notify::new(), Notify::new());
        StreamState { inner: Mutex::default(), changed, roomier, most, metrics }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the stream may have another frame in flight. Whether it goes on: not when it has
    /// failed.
    pub async fn has_room(&self) -> bool {
        let mut waited = false;
        loop {
            let roomier = self.roomier.notified();
            {
                let inner = self.lock();
                if inner.over || inner.failed.is_some() {
                    return false;
                }
                if inner.window.bytes() < self.most && inner.rejects.len() < MOST_REJECTS {
                    return true;
                }
            }
            if !std::mem::replace(&mut waited, true) {
                self.metrics.limited(Limit::Stream);
            }
            roomier.await;
        }
    }

    /// A frame with a payload of so many bytes has come.
    ///
    /// # Errors
    /// When its number does not rise.
    pub fn arrived(&self, seq: u64, bytes: usize) -> Result<(), OutOfOrder> {
        self.lock().window.arrived(seq, bytes)
    }

    /// A frame in flight turned out to count as so many bytes, if that is more than its payload.
    pub fn weighs(&self, seq: u64, bytes: usize) {
        self.lock().window.weighs(seq, bytes);
    }

    /// A frame is in object storage.
    pub fn durable(&self, seq: u64) {
        let mut inner = self.lock();
        let ack = inner.window.settled(seq);
        if ack.is_some() {
            inner.ack = ack;
        }
        drop(inner);
        if ack.is_some() {
            self.changed.notify_one();
        }
        self.roomier.notify_one();
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
        self.roomier.notify_one();
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
        self.roomier.notify_one();
    }

    /// The sender is told this credit.
    pub fn credited(&self, credit: u64) {
        let none = credit == 0;
        let before = std::mem::replace(&mut self.lock().without_credit, none);
        match (before, none) {
            (false, true) => {
                self.metrics.streams_without_credit.inc();
                self.metrics.limited(Limit::Credit);
            }
            (true, false) => self.metrics.streams_without_credit.dec(),
            _ => {}
        }
    }

    /// The next thing to tell the sender, if there is any.
    pub fn next_reply(&self, credit: u64) -> Option<Result<Kind, Status>> {
        let mut inner = self.lock();
        if inner.over {
            return None;
        }
        if let Some(reject) = inner.rejects.pop_front() {
            self.roomier.notify_one();
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
        if self.lock().without_credit {
            self.metrics.streams_without_credit.dec();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn kinds(state: &StreamState) -> Vec<String> {
        std::iter::from_fn(|| state.next_reply(7)).map(|r| format!("{r:?}")).collect()
    }

    #[test]
    fn acks_are_cumulative_and_the_end_waits_for_them() {
        let state = StreamState::new(Arc::default(), 100);
        (1..=3).for_each(|seq| state.arrived(seq, 1).unwrap());
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
        let state = StreamState::new(Arc::default(), 100);
        (1..=3).for_each(|seq| state.arrived(seq, 1).unwrap());
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

    #[test]
    fn a_stream_has_so_much_in_flight_and_no_more() {
        let metrics = Arc::<Metrics>::default();
        let state = StreamState::new(metrics.clone(), 100);
        let half = 50;
        state.arrived(1, half).unwrap();
        assert_eq!(state.has_room().now_or_never(), Some(true));
        state.arrived(2, 1).unwrap();
        state.weighs(2, half);
        let mut next = Box::pin(state.has_room());
        assert_eq!((&mut next).now_or_never(), None);
        assert_eq!(metrics.times_limited(Limit::Stream), 1);
        // Out of order counts: it is not in flight any more.
        state.durable(2);
        assert_eq!((&mut next).now_or_never(), Some(true));
        // One that was given away to another stream reads no more.
        state.arrived(3, half).unwrap();
        let mut next = Box::pin(state.has_room());
        assert_eq!((&mut next).now_or_never(), None);
        state.fail(Status::aborted("elsewhere"));
        assert_eq!((&mut next).now_or_never(), Some(false));
    }

    #[test]
    fn whoever_does_not_read_rejections_is_not_read() {
        let state = StreamState::new(Arc::default(), 100);
        for seq in (1..).take(MOST_REJECTS) {
            assert_eq!(state.has_room().now_or_never(), Some(true));
            state.arrived(seq, 1).unwrap();
            state.reject(seq, Reason::Malformed, "bad".into(), true);
        }
        let mut next = Box::pin(state.has_room());
        assert_eq!((&mut next).now_or_never(), None);
        assert!(matches!(state.next_reply(0), Some(Ok(Kind::Reject(_)))));
        assert_eq!((&mut next).now_or_never(), Some(true));
    }

    #[test]
    fn streams_without_credit_are_counted_while_they_are() {
        let metrics = Arc::<Metrics>::default();
        let state = StreamState::new(metrics.clone(), 100);
        let counted =
            || (metrics.streams_without_credit.get(), metrics.times_limited(Limit::Credit));
        for (credit, expected) in [(5, (0, 0)), (0, (1, 1)), (0, (1, 1)), (9, (0, 1)), (0, (1, 2))]
        {
            state.credited(credit);
            assert_eq!(counted(), expected);
        }
        drop(state);
        assert_eq!(counted(), (0, 2));
    }
}
