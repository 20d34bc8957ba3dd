//! What a forwarder does with a stream that is open: it hands frames on, applies replies, and
//! changes to another ingester before the old one is let go.

use super::{Forwarder, Opening, StreamEnd};
use crate::buffer::AfterReply;
use crate::forward::stream::{IngestStream, StreamError, addresses};
use std::future::pending;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tracing::info;
use tributary_wire::v1::reply;

/// Without a sign of life for so long the frames go elsewhere. Doubles with each time in a row,
/// up to [`LONGEST_PATIENCE`]: when storage itself is down, sending everything to every ingester
/// in turn helps none of them.
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST_PATIENCE: Duration = Duration::from_secs(80);
/// The same when the end has begun, and there is a deadline.
const LAST_PATIENCE: Duration = Duration::from_secs(3);
/// How long the old stream's frames may take to be settled before they are sent on the new one.
const HANDOVER: Duration = Duration::from_secs(5);

/// What an ingester said of the end of a stream.
#[derive(Default)]
struct Leave {
    /// When it closes it.
    by: Option<Instant>,
    /// It stays itself: the stream alone is to be opened anew.
    renew: bool,
}

impl Forwarder {
    /// Uses a stream for as long as it is the right one.
    pub(super) async fn serve(&mut self, stream: &mut IngestStream) -> StreamEnd {
        // The stream that is to take over: being opened, or open and waiting until what is in
        // flight on this one is settled, or until the time for that is over.
        let mut opening: Option<(String, Opening)> = None;
        let mut next: Option<(IngestStream, Instant)> = None;
        let mut try_again: Option<Instant> = None;
        let mut leave = Leave::default();
        loop {
            let lane = self.buffer.status(self.key);
            if let Some((open, deadline)) = next.take() {
                let waiting = lane.waiting_since.is_some() && Instant::now() < deadline;
                if !waiting {
                    return StreamEnd::HandOver(Box::new(open));
                }
                next = Some((open, deadline));
            }
            if lane.retired && !lane.busy && self.buffer.retire(self.key) {
                return StreamEnd::Done;
            }
            if leave.renew && !lane.busy && next.is_none() && opening.is_none() {
                return StreamEnd::Rest;
            }
            if next.is_none() && opening.is_none() && try_again.is_none() {
                let anew = || leave.renew.then(|| stream.address.clone());
                let place = self.better_place(&stream.address).or_else(anew);
                opening = place.map(|address| (address.clone(), self.opening(address)));
            }
            let patience = patience(self.silences, self.buffer.closed().is_cancelled());
            let silent_at = lane.waiting_since.map(|since| since + patience);
            tokio::select! {
                biased;
                reply = stream.replies.next() => match reply {
                    Ok(Some(reply)) => match self.apply(&stream.address, &reply, &mut leave) {
                        AfterReply::Continue => {}
                        AfterReply::FailOver => return StreamEnd::Busy,
                    },
                    Ok(None) => return StreamEnd::Broken(None),
                    Err(error) => return StreamEnd::Broken(Some(error)),
                },
                place = stream.frames.reserve(), if lane.may_send && next.is_none() => match place {
                    Ok(place) => if let Some(frame) = self.buffer.send(self.key) {
                        place.send(frame);
                    },
                    Err(_) => return StreamEnd::Broken(None),
                },
                (address, opened) = opened(&mut opening) => {
                    opening = None;
                    match opened {
                        Ok(open) => {
                            self.welcomed(&open);
                            let deadline = Instant::now() + HANDOVER;
                            next = Some((open, leave.by.map_or(deadline, |by| by.min(deadline))));
                        }
                        Err(error) => {
                            let longest = self.unreachable(&address, &error);
                            try_again = Some(Instant::now() + self.backoff.wait_up_to(longest));
                        }
                    }
                }
                // A new plan is looked at when the loop comes round.
                Ok(()) = self.plan.changed() => {}
                () = self.wake.notified() => {}
                () = at(try_again) => try_again = None,
                () = at(next.as_ref().map(|(_, deadline)| *deadline)) => {}
                () = at(silent_at) => return StreamEnd::Silent,
            }
        }
    }

    /// Where the lane should rather go than to `here`.
    fn better_place(&mut self, here: &str) -> Option<String> {
        let plan = self.plan.borrow_and_update();
        let target = plan.target(self.key.group(), self.fruitless)?;
        (target != here && !plan.is_away(target)).then(|| target.to_owned())
    }

    fn apply(&mut self, address: &str, reply: &reply::Kind, leave: &mut Leave) -> AfterReply {
        match reply {
            reply::Kind::Ack(_) => {
                (self.fruitless, self.silences) = (0, 0);
                self.backoff.reset();
            }
            reply::Kind::Drain(drain) => {
                let deadline = Duration::from_millis(u64::from(drain.deadline_ms));
                let by = Instant::now() + deadline;
                let lane = self.key.number();
                leave.by = Some(by);
                let told = addresses(drain.members.clone());
                // The wire's rule W14: one that is among them stays itself.
                leave.renew = told.iter().any(|member| member == address);
                if leave.renew {
                    info!(lane, address, "the stream is opened anew");
                    self.members.learn(|directory| directory.told(told));
                } else {
                    info!(lane, address, ?deadline, "the ingester is about to leave");
                    self.members.learn(|directory| {
                        directory.told(told);
                        // A little longer: its successor at the same address starts after it.
                        directory.leaving(address, by + Duration::from_secs(1));
                    });
                    self.members.request_lookup();
                }
            }
            reply::Kind::Members(members) => {
                let told = addresses(Some(members.clone()));
                self.members.learn(|directory| directory.told(told));
            }
            reply::Kind::Welcome(_) | reply::Kind::Reject(_) | reply::Kind::Credit(_) => {}
        }
        self.buffer.reply(self.key, reply)
    }
}

/// How long an ingester may be silent that owes a sign of life, when ingesters fell silent
/// `silences` times in a row before it.
fn patience(silences: u32, ending: bool) -> Duration {
    if ending {
        return LAST_PATIENCE;
    }
    PATIENCE.saturating_mul(2_u32.saturating_pow(silences)).min(LONGEST_PATIENCE)
}

/// The end of an opening, if there is one under way.
async fn opened(
    opening: &mut Option<(String, Opening)>,
) -> (String, Result<IngestStream, StreamError>) {
    match opening {
        Some((address, opening)) => {
            let opened = opening.as_mut().await;
            (std::mem::take(address), opened)
        }
        None => pending().await,
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_doubles_up_to_the_longest_and_ends_with_the_program() {
        let table = [(0, false, 10), (1, false, 20), (3, false, 80), (40, false, 80), (3, true, 3)];
        for (silences, ending, seconds) in table {
            assert_eq!(patience(silences, ending), Duration::from_secs(seconds), "{silences}");
        }
    }
}
