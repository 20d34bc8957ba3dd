//! The way out: what carriers ask of the buffer and tell it. A key that names no lane changes
//! nothing.

use super::lane::Look;
use super::{Buffer, LaneKey};
use crate::outbox::Settled;
use tokio::time::Instant;
use tracing::{error, warn};
use tributary_span::columns::Builder;
use tributary_wire::v1::{Frame, reply::Kind};

/// What a reply means for the stream that it came on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing more.
    Settled,
    /// The ingester cannot take a frame now: go elsewhere with it.
    GoElsewhere,
}

impl Buffer {
    /// How a lane stands.
    pub fn look(&self, key: LaneKey) -> Look {
        let mut state = self.lock();
        let retired = key.group >= state.groups || state.closing;
        match state.lane(key) {
            Some((builder, lane)) => lane.look(retired, !builder.is_empty()),
            None => Look { retired: true, ..Look::default() },
        }
    }

    /// Ends the work of a lane's carrier if there is none left and will be none. The lane's
    /// dictionaries end with its stream.
    pub fn retire(&self, key: LaneKey) -> bool {
        let mut state = self.lock();
        let retired = key.group >= state.groups || state.closing;
        let Some((builder, lane)) = state.lane(key) else { return true };
        let done = retired && builder.is_empty() && lane.outbox.is_empty();
        if done {
            lane.rest();
            *builder = Builder::new();
        }
        done
    }

    /// A stream was opened for the lane.
    pub fn attach(&self, key: LaneKey, credit: u64) {
        if let Some((_, lane)) = self.lock().lane(key) {
            lane.outbox.attach(credit, Instant::now());
            self.metrics.streams_opened.add(1);
        }
    }

    /// The lane's stream is gone.
    pub fn detach(&self, key: LaneKey) {
        if let Some((_, lane)) = self.lock().lane(key) {
            lane.outbox.detach();
        }
    }

    /// The lane's next frame for its stream, if one may be sent now.
    pub fn send(&self, key: LaneKey) -> Option<Frame> {
        let mut state = self.lock();
        let (_, lane) = state.lane(key)?;
        loop {
            let sending = lane.outbox.send(Instant::now())?;
            let (seq, spans, again) = (sending.seq, sending.spans, sending.again);
            let Some(frame) = lane.frame(sending) else {
                error!(seq, spans, "definitions are missing, the frame is dropped");
                let settled = lane.outbox.give_up(seq, Instant::now());
                self.metrics.dropped_internal.add(settled.spans);
                self.budget.give(settled.bytes);
                continue;
            };
            let bytes = frame.payload.len() + frame.definitions.len();
            self.metrics.wire_bytes.add(bytes as u64);
            self.metrics.definition_bytes.add(frame.definitions.len() as u64);
            self.metrics.frames_sent.add(1);
            self.metrics.frames_resent.add(u64::from(again));
            return Some(frame);
        }
    }

    /// Applies a reply to the lane whose stream it came on.
    pub fn reply(&self, key: LaneKey, kind: &Kind) -> Meaning {
        let now = Instant::now();
        let mut guard = self.lock();
        let state = &mut *guard;
        let Some((_, lane)) = state.lane(key) else { return Meaning::Settled };
        let (settled, meaning) = match kind {
            Kind::Ack(ack) => {
                let settled = lane.outbox.acknowledge(ack.seq, ack.credit, now);
                self.metrics.acked.add(settled.spans);
                (settled, Meaning::Settled)
            }
            Kind::Reject(reject) => {
                let settled = lane.outbox.reject(reject.seq, reject.permanent, now);
                self.metrics.dropped_rejected.add(settled.spans);
                if reject.permanent {
                    let (seq, spans) = (reject.seq, settled.spans);
                    let reason = reject.reason().as_str_name();
                    let why = reject.message.as_str();
                    warn!(seq, spans, reason, why, "an ingester rejected spans for good");
                    (settled, Meaning::Settled)
                } else {
                    (settled, Meaning::GoElsewhere)
                }
            }
            Kind::Credit(credit) => {
                lane.outbox.set_credit(credit.bytes, now);
                (Settled::default(), Meaning::Settled)
            }
            Kind::Welcome(_) | Kind::Drain(_) | Kind::Members(_) => {
                (Settled::default(), Meaning::Settled)
            }
        };
        if settled.frames > 0 {
            lane.release();
            self.budget.give(settled.bytes);
            state.rate.note(settled.bytes, now);
            if state.is_empty() {
                self.emptied.notify_waiters();
            }
        }
        meaning
    }
}
