//! The way out: what forwarders ask of the buffer and tell it. A key that names no lane changes
//! nothing.

use super::lane::LaneStatus;
use super::outbox::Settled;
use super::{Buffer, LaneKey};
use tokio::time::Instant;
use tracing::{error, warn};
use tributary_span::columns::Builder;
use tributary_wire::v1::{Frame, reply};

/// What a reply asks of the forwarder whose stream it came on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterReply {
    /// Nothing.
    Continue,
    /// The ingester cannot take a frame now: to go elsewhere with it.
    FailOver,
}

impl Buffer {
    /// How a lane stands.
    pub(crate) fn status(&self, key: LaneKey) -> LaneStatus {
        let mut lanes = self.lock();
        let retired = key.group >= lanes.groups || lanes.closing;
        match lanes.lane(key) {
            Some((builder, lane)) => lane.status(retired, !builder.is_empty()),
            None => LaneStatus { retired: true, ..LaneStatus::default() },
        }
    }

    /// Ends the work of a lane's forwarder if there is none left and will be none. The lane's
    /// dictionaries end with its stream.
    pub(crate) fn retire(&self, key: LaneKey) -> bool {
        let mut lanes = self.lock();
        let retired = key.group >= lanes.groups || lanes.closing;
        let Some((builder, lane)) = lanes.lane(key) else { return true };
        let done = retired && builder.is_empty() && lane.outbox.is_empty();
        if done {
            lane.rest();
            *builder = Builder::new();
        }
        done
    }

    /// A stream was opened for the lane.
    pub(crate) fn attach(&self, key: LaneKey, credit: u64) {
        if let Some((_, lane)) = self.lock().lane(key) {
            lane.outbox.attach(credit, Instant::now());
            self.metrics.streams_opened.inc();
        }
    }

    /// The lane's stream is gone.
    pub(crate) fn detach(&self, key: LaneKey) {
        if let Some((_, lane)) = self.lock().lane(key) {
            lane.outbox.detach();
        }
    }

    /// The lane's next frame for its stream, if one may be sent now.
    pub(crate) fn send(&self, key: LaneKey) -> Option<Frame> {
        let mut lanes = self.lock();
        let (_, lane) = lanes.lane(key)?;
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
            self.metrics.frames_sent.inc();
            self.metrics.frames_resent.add(u64::from(again));
            return Some(frame);
        }
    }

    /// Applies a reply to the lane whose stream it came on.
    pub(crate) fn reply(&self, key: LaneKey, reply: &reply::Kind) -> AfterReply {
        let now = Instant::now();
        let mut guard = self.lock();
        let lanes = &mut *guard;
        let Some((_, lane)) = lanes.lane(key) else { return AfterReply::Continue };
        let (settled, after) = match reply {
            reply::Kind::Ack(ack) => {
                let settled = lane.outbox.acknowledge(ack.seq, ack.credit, now);
                self.metrics.acked.add(settled.spans);
                (settled, AfterReply::Continue)
            }
            reply::Kind::Reject(reject) => {
                let settled = lane.outbox.reject(reject.seq, reject.permanent, now);
                self.metrics.dropped_rejected.add(settled.spans);
                if reject.permanent {
                    let (seq, spans) = (reject.seq, settled.spans);
                    let reason = reject.reason().as_str_name();
                    let why = reject.message.as_str();
                    warn!(seq, spans, reason, why, "an ingester rejected spans for good");
                    (settled, AfterReply::Continue)
                } else {
                    (settled, AfterReply::FailOver)
                }
            }
            reply::Kind::Credit(credit) => {
                lane.outbox.set_credit(credit.bytes, now);
                (Settled::default(), AfterReply::Continue)
            }
            reply::Kind::Welcome(_) | reply::Kind::Drain(_) | reply::Kind::Members(_) => {
                (Settled::default(), AfterReply::Continue)
            }
        };
        if settled.frames > 0 {
            lane.release();
            self.budget.give(settled.bytes);
            lanes.rate.note(settled.bytes, now);
            self.eased.notify_waiters();
            if lanes.is_empty() {
                self.emptied.notify_waiters();
            }
        }
        after
    }
}
