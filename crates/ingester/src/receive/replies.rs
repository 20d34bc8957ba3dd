//! What a stream's sender is told.

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
pub(super) fn replies(intake: Arc<Intake>, state: Arc<StreamState>, tenant: Arc<str>) -> Replies {
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
    let all = (intake, state, tenant, announcements, teller);
    let rest = unfold(all, |(intake, state, tenant, mut announcements, teller)| async move {
        loop {
            if let Some(kind) = state.next_reply(credit(&intake, &tenant)) {
                if let Ok(Kind::Ack(ack)) = &kind {
                    state.credited(ack.credit);
                }
                let reply = kind.map(|kind| Reply { kind: Some(kind) });
                return Some((reply, (intake, state, tenant, announcements, teller)));
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
                        return Some((reply, (intake, state, tenant, announcements, teller)));
                    }
                }
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
