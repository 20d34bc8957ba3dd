//! What a stream's sender is told.

use super::source::EXPANSION;
use super::{Receive, StreamState};
use futures_util::{Stream, StreamExt, stream::unfold};
use std::pin::Pin;
use std::sync::Arc;
use tonic::Status;
use tributary_wire::v1::{self, Reply, reply::Kind};

pub(super) type Replies = Pin<Box<dyn Stream<Item = Result<Reply, Status>> + Send>>;

/// The replies of one stream: the welcome, then whatever happens, until all frames of an ended
/// stream are settled.
pub(super) fn replies(shared: Arc<Receive>, state: Arc<StreamState>, tenant: Arc<str>) -> Replies {
    let mut told = shared.told.clone();
    let first = {
        let told = told.borrow_and_update();
        let credit = credit(&shared, &tenant);
        state.credited(credit);
        Kind::Welcome(v1::Welcome {
            version: tributary_wire::VERSION,
            credit,
            ingester: shared.name.clone(),
            members: Some(told.members.clone()),
        })
    };
    let first = futures_util::stream::iter([Ok(Reply { kind: Some(first) })]);
    let all = (shared, state, tenant, told);
    let rest = unfold(all, |(shared, state, tenant, mut told)| async move {
        loop {
            if let Some(kind) = state.next_reply(credit(&shared, &tenant)) {
                if let Ok(Kind::Ack(ack)) = &kind {
                    state.credited(ack.credit);
                }
                let reply = kind.map(|kind| Reply { kind: Some(kind) });
                return Some((reply, (shared, state, tenant, told)));
            }
            if state.is_over() {
                return None;
            }
            tokio::select! {
                biased;
                () = shared.stop.cancelled() => {
                    state.fail(Status::unavailable("the ingester is leaving"));
                }
                () = state.changed() => {}
                changed = told.changed() => {
                    if changed.is_err() {
                        state.fail(Status::unavailable("the ingester is leaving"));
                    } else {
                        let kind = told.borrow_and_update().reply();
                        let reply = Ok(Reply { kind: Some(kind) });
                        return Some((reply, (shared, state, tenant, told)));
                    }
                }
            }
        }
    });
    Box::pin(first.chain(rest))
}

/// Payload bytes that a stream may have in flight.
fn credit(shared: &Receive, tenant: &str) -> u64 {
    if shared.memory.is_over_share(tenant) {
        return 0;
    }
    credit_of(shared.memory.limit(), shared.memory.used(), shared.metrics.streams_open()) as u64
}

/// The most credit that any stream is given.
const MOST: usize = 4 << 20;

/// The share of one stream in half of the budget, in payload bytes, as long as there is room.
/// Nobody gets more than [`MOST`], and nothing when the budget is nearly used up; a stream with
/// nothing in flight may send one frame all the same.
fn credit_of(limit: usize, used: usize, streams: usize) -> usize {
    if used > limit / 10 * 9 {
        return 0;
    }
    (limit / 2 / EXPANSION / streams.max(1)).clamp(16 << 10, MOST)
}

/// What a stream may have in flight, whatever its sender makes of its credit: the credit of a stream
/// that is alone. A frame counts as its payload, or as its columns by [`EXPANSION`] if they
/// grew by more than that, so that a stream holds half of the budget at most.
pub(super) fn most_in_flight(limit: usize) -> usize {
    credit_of(limit, 0, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_is_a_share_of_what_there_is() {
        let mib = 1 << 20;
        let table = [
            ((256 * mib, 0, 1), 4 * mib),
            ((256 * mib, 0, 8), mib),
            ((256 * mib, 0, 100_000), 16 << 10),
            ((256 * mib, 250 * mib, 1), 0),
        ];
        for ((limit, used, streams), expected) in table {
            assert_eq!(credit_of(limit, used, streams), expected);
        }
        assert_eq!([most_in_flight(64 * mib), most_in_flight(1024 * mib)], [2 * mib, 4 * mib]);
    }
}
