//! Frames of one lane from the moment they are encoded until they are settled.
//!
//! Plain data: it decides what may be sent now, and what a reply means; it sends nothing itself.
//!
//! Invariants
//! 1. Frames stand in the order of their numbers, which rise by 1 from 1 (the wire's rule W4).
//! 2. A frame leaves only by an acknowledgement or a rejection for good, by nothing else.
//! 3. On one stream each frame is sent once, in order; a new stream begins with the first frame
//!    held (W7) and with no definitions (W13).
//! 4. Payload bytes in flight stay within the credit, but for a frame that is in flight alone
//!    (W8, W9).

use bytes::Bytes;
use std::collections::VecDeque;
use std::ops::Range;
use tokio::time::Instant;
use tributary_wire::frame::EncodedFrame;

/// What a held frame costs beside its payload: its entry, and the allocation around it.
const OVERHEAD: usize = 128;

/// Frames that wait for their acknowledgement.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    held: VecDeque<Held>,
    /// Number of the last frame put in.
    last: u64,
    spans: u64,
    stream: Option<OnStream>,
}

#[derive(Debug)]
struct Held {
    seq: u64,
    frame: EncodedFrame,
    /// Sent on some stream before.
    sent: bool,
    /// Rejected on the stream at hand, but not for good.
    postponed: bool,
}

/// How far the stream at hand has got.
#[derive(Debug)]
struct OnStream {
    /// How many of `held`, from the front, were sent on it.
    sent: usize,
    credit: u64,
    /// Payload bytes sent and not settled.
    in_flight: u64,
    /// Dictionary of the last frame sent, and how many of its definitions the stream carried.
    dict: u32,
    defined: u32,
    /// When the peer last showed that it is at work, or was given the first work after a rest.
    progress: Instant,
}

/// A frame on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sending {
    /// Its number.
    pub(crate) seq: u64,
    /// The dictionary that it refers to.
    pub(crate) dict: u32,
    /// Definitions that have to go before it.
    pub(crate) definitions: Range<u32>,
    /// The encoded spans.
    pub(crate) payload: Bytes,
    /// How many.
    pub(crate) spans: u32,
    /// Whether it was sent on an earlier stream.
    pub(crate) again: bool,
}

/// Frames that left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Settled {
    /// How many.
    pub(crate) frames: u64,
    /// Their spans.
    pub(crate) spans: u64,
    /// The bytes that they held.
    pub(crate) bytes: usize,
}

impl Settled {
    fn add(&mut self, frame: &EncodedFrame) {
        self.frames += 1;
        self.spans += u64::from(frame.spans);
        self.bytes += cost(frame);
    }
}

fn cost(frame: &EncodedFrame) -> usize {
    frame.payload.len() + OVERHEAD
}

impl Outbox {
    /// Frames held.
    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether none is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Spans held.
    pub(crate) fn spans(&self) -> u64 {
        self.spans
    }

    /// Whether a stream is attached.
    pub(crate) fn is_attached(&self) -> bool {
        self.stream.is_some()
    }

    /// Takes a new frame; the bytes that it holds from now on.
    pub(crate) fn push(&mut self, frame: EncodedFrame) -> usize {
        self.last += 1;
        self.spans += u64::from(frame.spans);
        let bytes = cost(&frame);
        self.held.push_back(Held { seq: self.last, frame, sent: false, postponed: false });
        bytes
    }

    /// A stream was opened with this credit. All frames held are to be sent on it.
    pub(crate) fn attach(&mut self, credit: u64, now: Instant) {
        self.held.iter_mut().for_each(|held| held.postponed = false);
        self.stream =
            Some(OnStream { sent: 0, credit, in_flight: 0, dict: 0, defined: 0, progress: now });
    }

    /// The stream is gone.
    pub(crate) fn detach(&mut self) {
        self.stream = None;
    }

    /// Whether [`Outbox::send`] would send a frame.
    pub(crate) fn may_send(&self) -> bool {
        let Some(stream) = &self.stream else { return false };
        let Some(next) = self.held.get(stream.sent) else { return false };
        let bytes = next.frame.payload.len() as u64;
        stream.in_flight == 0 || stream.in_flight.saturating_add(bytes) <= stream.credit
    }

    /// The next frame to send, which counts as sent from here on.
    pub(crate) fn send(&mut self, now: Instant) -> Option<Sending> {
        if !self.may_send() {
            return None;
        }
        let stream = self.stream.as_mut()?;
        let held = self.held.get_mut(stream.sent)?;
        if stream.in_flight == 0 {
            stream.progress = now;
        }
        if stream.dict != held.frame.dict {
            (stream.dict, stream.defined) = (held.frame.dict, 0);
        }
        let definitions = stream.defined..held.frame.needs.max(stream.defined);
        stream.defined = definitions.end;
        stream.in_flight += held.frame.payload.len() as u64;
        stream.sent += 1;
        Some(Sending {
            seq: held.seq,
            dict: held.frame.dict,
            definitions,
            payload: held.frame.payload.clone(),
            spans: held.frame.spans,
            again: std::mem::replace(&mut held.sent, true),
        })
    }

    /// All frames up to `seq` are durable, and there is a new credit. What was not sent on this
    /// stream, or was rejected on it, stays.
    pub(crate) fn acknowledge(&mut self, seq: u64, credit: u64, now: Instant) -> Settled {
        let mut settled = Settled::default();
        let Some(stream) = self.stream.as_mut() else { return settled };
        (stream.credit, stream.progress) = (credit, now);
        let mut kept = 0;
        while kept < stream.sent {
            match self.held.get(kept) {
                Some(held) if held.seq > seq => break,
                Some(held) if !held.postponed => {
                    if let Some(held) = self.held.remove(kept) {
                        stream.in_flight -= held.frame.payload.len() as u64;
                        stream.sent -= 1;
                        settled.add(&held.frame);
                    }
                }
                _ => kept += 1,
            }
        }
        self.spans -= settled.spans;
        settled
    }

    /// The credit changed.
    pub(crate) fn set_credit(&mut self, credit: u64, now: Instant) {
        if let Some(stream) = self.stream.as_mut() {
            (stream.credit, stream.progress) = (credit, now);
        }
    }

    /// Frame `seq` was rejected. For good: it leaves. Else it stays, to be sent on another stream.
    pub(crate) fn reject(&mut self, seq: u64, for_good: bool, now: Instant) -> Settled {
        let mut settled = Settled::default();
        let Some(stream) = self.stream.as_mut() else { return settled };
        stream.progress = now;
        let at = self.held.iter().take(stream.sent).position(|held| held.seq == seq);
        let Some(held) = at.and_then(|at| self.held.get_mut(at)) else { return settled };
        if !std::mem::replace(&mut held.postponed, true) {
            stream.in_flight -= held.frame.payload.len() as u64;
        }
        if for_good && let Some(held) = at.and_then(|at| self.held.remove(at)) {
            stream.sent -= 1;
            settled.add(&held.frame);
            self.spans -= settled.spans;
        }
        settled
    }

    /// Gives frame `seq` up: it cannot be sent. It must have been handed out by [`Outbox::send`].
    pub(crate) fn give_up(&mut self, seq: u64, now: Instant) -> Settled {
        self.reject(seq, true, now)
    }

    /// Since when the peer owes a sign of life; `None` while it owes nothing.
    pub(crate) fn waiting_since(&self) -> Option<Instant> {
        self.stream.as_ref().filter(|s| s.in_flight > 0).map(|s| s.progress)
    }

    /// The earliest dictionary that a held frame needs.
    pub(crate) fn oldest_dict(&self) -> Option<u32> {
        self.held.front().map(|held| held.frame.dict)
    }
}

#[cfg(test)]
mod tests;
