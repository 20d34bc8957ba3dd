//! The table of tenants: a place is free again when nothing of its tenant is held.

use super::*;
use lanes::MOST_TENANTS;

/// One span for a tenant, in the open columns.
async fn one_span(buffer: &Buffer, tenant: &str) -> Result<Outcome, OfferError> {
    offer(buffer, Some(tenant), request(1, 1)).await
}

/// Acknowledges what the lane holds; the numbers of its frames.
fn settle(buffer: &Buffer, lane: LaneKey) -> Vec<u64> {
    buffer.cut_due(Instant::now() + limits().age);
    buffer.attach(lane, 1 << 20);
    let sent: Vec<u64> = sent(buffer, lane).into_iter().map(|(seq, _)| seq).collect();
    buffer.reply(lane, &ack(sent[sent.len() - 1]));
    sent
}

fn refused(result: Result<Outcome, OfferError>) -> &'static str {
    match result {
        Err(OfferError::Refused(refused)) => {
            assert_eq!(refused.retry_after, Duration::from_secs(1));
            refused.why
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn tenants_that_come_in_sequence_are_all_served_by_lanes_of_their_own() {
    let buffer = buffer(1 << 20);
    let mut numbers = BTreeSet::new();
    for n in 0..20 {
        let name = format!("team-{n}");
        one_span(&buffer, &name).await.unwrap();
        let lane = buffer.new_lanes().await.pop().unwrap();
        assert_eq!(*lane.tenant, *name);
        // A frame's name is never given twice, not to another tenant's frame either.
        assert!(numbers.insert(lane.key.number()), "lane {} again", lane.key.number());
        assert_eq!(settle(&buffer, lane.key), [1]);
        assert!(buffer.gauges().tenants <= MOST_TENANTS as u64);
    }
    let metrics = buffer.metrics();
    assert_eq!((metrics.acked.get(), metrics.tenants_forgotten.get()), (20, 4));
    assert_eq!((buffer.gauges().buffer_bytes, metrics.requests_refused.get()), (0, 0));
    // One that was forgotten may come back, as a new one.
    one_span(&buffer, "team-0").await.unwrap();
    let lane = buffer.new_lanes().await.pop().unwrap();
    assert!(numbers.insert(lane.key.number()));
}

#[tokio::test(start_paused = true)]
async fn a_seventeenth_at_once_is_refused_until_another_is_idle() {
    let buffer = buffer(1 << 20);
    for n in 0..MOST_TENANTS {
        one_span(&buffer, &format!("team-{n}")).await.unwrap();
    }
    let lanes = buffer.new_lanes().await;
    let why = refused(one_span(&buffer, "late").await);
    assert!(why.starts_with("more tenants at a time than a sidecar serves"), "{why}");
    assert_eq!((buffer.metrics().refused.get(), buffer.metrics().requests_refused.get()), (1, 1));

    // Cut and sent is not stored.
    let third = &lanes[3];
    buffer.cut_due(Instant::now() + limits().age);
    buffer.attach(third.key, 1 << 20);
    assert_eq!(sent(&buffer, third.key), [(1, 1)]);
    refused(one_span(&buffer, "late").await);
    buffer.reply(third.key, &ack(1));
    one_span(&buffer, "late").await.unwrap();
    assert_eq!(buffer.metrics().tenants_forgotten.get(), 1);

    // Its forwarder is woken, and finds that it is no more needed.
    third.wake.notified().await;
    let status = buffer.status(third.key);
    assert!(status.retired && !status.busy, "{status:?}");
    assert!(buffer.retire(third.key));
    // The one that was forgotten is the one that has to wait now.
    refused(one_span(&buffer, "team-3").await);
}

#[tokio::test(start_paused = true)]
async fn of_idle_tenants_the_longest_unused_goes_first() {
    let buffer = buffer(1 << 20);
    let mut lanes = Vec::new();
    for n in 0..MOST_TENANTS {
        one_span(&buffer, &format!("team-{n}")).await.unwrap();
        lanes.extend(buffer.new_lanes().await);
        settle(&buffer, lanes[n].key);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    // The first is used again, so that the second is the oldest.
    one_span(&buffer, "team-0").await.unwrap();
    settle(&buffer, lanes[0].key);
    one_span(&buffer, "late").await.unwrap();
    let is_known = |n: usize| !buffer.status(lanes[n].key).retired;
    assert_eq!((is_known(0), is_known(1), is_known(2)), (true, false, true));
}
