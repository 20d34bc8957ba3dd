//! What one stream's reader, the journal and its replies share.

use super::ack_window::{AckWindow, OutOfOrder};
use crate::limits::Limit;
use crate::metrics::Metrics;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::Status;
use tributary_wire::v1::{Ack, Reason, Reject, reply::Kind};

/// Rejections that a sender need not have read before its next frame is.
const MAX_REJECTS: usize = 64;

/// One stream. Bounded by what it may have in flight: a frame has one entry until it is settled,
/// acknowledgements are made when they can be sent, not queued, and a stream whose sender does not
/// read its rejections is not read either.
#[derive(Debug)]
pub(crate) struct StreamState {
    inner: Mutex<Inner>,
    /// There may be something to tell.
    changed: Notify,
    /// There may be room for another frame.
    room_freed: Notify,
    /// Its sender reads no replies any more.
    left: CancellationToken,
    /// Bytes that it may have in flight, whatever a sender makes of its credit.
    max_in_flight: usize,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct Inner {
    window: AckWindow,
    ack: Option<u64>,
    rejects: VecDeque<Reject>,
    ended: bool,
    failed: Option<Status>,
    over: bool,
    /// Whether the last credit that its sender was told is none.
    without_credit: bool,
    /// Whether no frame is taken from it because of what its tenant has sent.
    held: bool,
}

impl StreamState {
    /// A new stream, which may have so many bytes in flight, counted as open until it is dropped.
    pub(crate) fn new(metrics: Arc<Metrics>, max_in_flight: usize) -> Self {
        metrics.streams.inc();
        let (changed, room_freed) = (Notify::new(), Notify::new());
        let (inner, left) = (Mutex::default(), CancellationToken::new());
        StreamState { inner, changed, room_freed, left, max_in_flight, metrics }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the stream may have another frame in flight. Whether it goes on: not when it has
    /// failed.
    pub(crate) async fn has_room(&self) -> bool {
        let mut waited = false;
        loop {
            let room_freed = self.room_freed.notified();
            {
                let inner = self.lock();
                if inner.over || inner.failed.is_some() {
                    return false;
                }
                if inner.window.bytes() < self.max_in_flight && inner.rejects.len() < MAX_REJECTS {
                    return true;
                }
            }
            if !std::mem::replace(&mut waited, true) {
                self.metrics.limited(Limit::Stream);
            }
            room_freed.await;
        }
    }

    /// A frame with a payload of so many bytes has come.
    ///
    /// # Errors
    /// When its number does not rise.
    pub(crate) fn arrived(&self, seq: u64, bytes: usize) -> Result<(), OutOfOrder> {
        self.lock().window.arrived(seq, bytes)
    }

    /// A frame in flight turned out to count as so many bytes, if that is more than its payload.
    pub(crate) fn weighs(&self, seq: u64, bytes: usize) {
        self.lock().window.weighs(seq, bytes);
    }

    /// A frame is in object storage.
    pub(crate) fn durable(&self, seq: u64) {
        let mut inner = self.lock();
        let ack = inner.window.settled(seq);
        if ack.is_some() {
            inner.ack = ack;
        }
        drop(inner);
        if ack.is_some() {
            self.changed.notify_one();
        }
        self.room_freed.notify_one();
    }

    /// A frame will not be stored.
    pub(crate) fn reject(&self, seq: u64, reason: Reason, message: String, permanent: bool) {
        let mut inner = self.lock();
        inner.rejects.push_back(Reject { seq, reason: reason.into(), message, permanent });
        // A frame that is to come again must not be acknowledged with those behind it.
        if permanent && let Some(ack) = inner.window.settled(seq) {
            inner.ack = Some(ack);
        }
        drop(inner);
        self.changed.notify_one();
        self.room_freed.notify_one();
    }

    /// The sender has closed its side: the stream ends once all its frames are settled.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_one();
    }

    /// The stream ends with this status; what was settled before is still told.
    pub(crate) fn fail(&self, status: Status) {
        self.lock().failed.get_or_insert(status);
        self.changed.notify_one();
        self.room_freed.notify_one();
    }

    /// Whether no frame is taken from it for now, because of what its tenant has sent.
    pub(crate) fn hold(&self, held: bool) {
        self.lock().held = held;
        self.changed.notify_one();
    }

    /// Whether that is so.
    pub(crate) fn is_held(&self) -> bool {
        self.lock().held
    }

    /// The sender is told this credit.
    pub(crate) fn credited(&self, credit: u64) {
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
    pub(crate) fn next_reply(&self, credit: u64) -> Option<Result<Kind, Status>> {
        let mut inner = self.lock();
        if inner.over {
            return None;
        }
        if let Some(reject) = inner.rejects.pop_front() {
            self.room_freed.notify_one();
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
    pub(crate) fn is_over(&self) -> bool {
        self.lock().over
    }

    /// Held by what tells the sender; dropped, the sender counts as gone.
    pub(crate) fn teller(&self) -> DropGuard {
        self.left.clone().drop_guard()
    }

    /// Waits until the sender is gone.
    pub(crate) async fn left(&self) {
        self.left.cancelled().await;
    }

    /// Waits until there may be something to tell.
    pub(crate) async fn changed(&self) {
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
mod tests;
