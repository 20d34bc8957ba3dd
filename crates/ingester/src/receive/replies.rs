//! What a stream's sender is told.

use super::age::{Age, Due};
use super::credit::credit_of;
use super::{Intake, StreamState};
use futures_util::{Stream, StreamExt, stream::unfold};
use std::pin::Pin;
use std::sync::Arc;
use tonic::Status;
use tributary_wire::v1::{self, Reply, reply::Kind};

pub(super) type Replies = Pin<Box<dyn Stream<Item = Result<Reply, Status>> + Send>>;

/// The replies of one stream: the welcome, then whatever happens, until all frames of an ended
/// stream are settled.
pub(super) fn replies(
    intake: Arc<Intake>,
    state: Arc<StreamState>,
    tenant: Arc<str>,
    number: u32,
) -> Replies {
    let mut announcements = intake.announcements.clone();
    let first = {
        let announcement = announcements.borrow_and_update();
        let credit = credit(&intake, &tenant);
        state.credited(credit);
        Kind::Welcome(v1::Welcome {
            version: tributary_wire::VERSION,
            credit,
            ingester: intake.name.clone(),
            members: Some(announcement.members.clone()),
        })
    };
    let first = futures_util::stream::iter([Ok(Reply { kind: Some(first) })]);
    // Dropped with the replies, whether all of them were told or not.
    let teller = state.teller();
    let age = Age::new(intake.max_stream_age, number);
    let all = (intake, state, tenant, announcements, teller, age);
    let rest = unfold(all, |all| async move {
        let (intake, state, tenant, mut announcements, teller, mut age) = all;
        loop {
            if let Some(kind) = state.next_reply(credit(&intake, &tenant)) {
                if let Ok(Kind::Ack(ack)) = &kind {
                    state.credited(ack.credit);
                }
                let reply = kind.map(|kind| Reply { kind: Some(kind) });
                return Some((reply, (intake, state, tenant, announcements, teller, age)));
            }
            if state.is_over() {
                return None;
            }
            tokio::select! {
                biased;
                () = intake.stop.cancelled() => {
                    state.fail(Status::unavailable("the ingester is leaving"));
                }
                () = state.changed() => {}
                changed = announcements.changed() => {
                    if changed.is_err() {
                        state.fail(Status::unavailable("the ingester is leaving"));
                    } else {
                        let kind = announcements.borrow_and_update().reply();
                        let reply = Ok(Reply { kind: Some(kind) });
                        return Some((reply, (intake, state, tenant, announcements, teller, age)));
                    }
                }
                due = age.due() => match due {
                    Due::Renew => {
                        intake.metrics.streams_aged.inc();
                        let kind = announcements.borrow().renewal(age.patience());
                        let reply = Ok(Reply { kind: Some(kind) });
                        return Some((reply, (intake, state, tenant, announcements, teller, age)));
                    }
                    Due::End => state.fail(Status::unavailable("the stream is to be opened anew")),
                },
            }
        }
    });
    Box::pin(first.chain(rest))
}

/// Payload bytes that a stream may have in flight.
fn credit(intake: &Intake, tenant: &str) -> u64 {
    if intake.disk.is_short() || intake.memory.is_over_share(tenant) {
        return 0;
    }
    credit_of(intake.memory.limit(), intake.memory.used(), intake.metrics.streams_open()) as u64
}
