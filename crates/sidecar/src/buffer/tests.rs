use super::intake::LONGEST_PACE;
use super::*;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::time::Duration;
use tributary_receivers::{OfferError, Sink};
use tributary_span::otlp::Outcome;
use tributary_span::protobuf::put;
use tributary_span::tenant::SINGLE;
use tributary_wire::ring;
use tributary_wire::v1::{Ack, Credit, Reject, reply};

mod tenants;

/// A request with one span for each trace; trace and span ids are made of `first..first + spans`.
fn request(first: u64, spans: u64) -> Bytes {
    let mut out = Vec::new();
    put::message(&mut out, 1, |rs| {
        put::message(rs, 2, |ss| {
            for i in first..first + spans {
                put::message(ss, 2, |span| {
                    put::bytes(span, 1, &u128::from(i).to_be_bytes());
                    put::bytes(span, 2, &i.to_be_bytes());
                    put::bytes(span, 5, b"a name of some length, so that spans weigh something");
                });
            }
        });
    });
    out.into()
}

fn limits() -> BatchLimits {
    BatchLimits { age: Duration::from_millis(200), bytes: 1 << 20 }
}

fn buffer(bytes: usize) -> Buffer {
    Buffer::new(bytes, limits(), Rules::default(), Rng::new(1))
}

async fn offer(
    buffer: &Buffer,
    tenant: Option<&str>,
    request: Bytes,
) -> Result<Outcome, OfferError> {
    buffer.offer(tenant, request).await
}

fn key(tenant: usize, group: usize) -> LaneKey {
    LaneKey { tenant, group }
}

/// Sends all that may be sent; the numbers and the spans.
fn sent(buffer: &Buffer, key: LaneKey) -> Vec<(u64, u32)> {
    std::iter::from_fn(|| buffer.send(key)).map(|f| (f.seq, f.spans)).collect()
}

fn ack(seq: u64) -> reply::Kind {
    reply::Kind::Ack(Ack { seq, credit: 1 << 20 })
}

#[tokio::test]
async fn each_trace_goes_to_the_lane_of_its_group_and_lanes_ask_for_forwarders_once() {
    let buffer = buffer(1 << 20);
    buffer.set_groups(3);
    for first in [1, 101] {
        let outcome = offer(&buffer, None, request(first, 100)).await.unwrap();
        assert_eq!(outcome.accepted, 100);
    }
    let lanes = buffer.new_lanes().await;
    let groups: Vec<_> = lanes.iter().map(|lane| lane.key.group()).collect();
    assert_eq!(groups, [0, 1, 2]);
    assert!(lanes.iter().all(|lane| &*lane.tenant == SINGLE));
    buffer.close();
    let mut expected = [0; 3];
    (1..=200u128).for_each(|i| {
        expected[ring::group(&tributary_span::TraceId(i.to_be_bytes()), 3) as usize] += 1;
    });
    for (group, expected) in expected.into_iter().enumerate() {
        buffer.attach(key(0, group), 1 << 20);
        assert_eq!(sent(&buffer, key(0, group)), [(1, expected)]);
    }
}

#[tokio::test]
async fn every_byte_is_given_back_when_all_is_settled() {
    let buffer = buffer(1 << 20);
    buffer.set_groups(2);
    offer(&buffer, None, request(1, 50)).await.unwrap();
    let open = buffer.gauges();
    assert_eq!(open.open_spans, 50);
    assert!(open.buffer_bytes > 50 * 20, "{open:?}");
    buffer.close();
    let closed = buffer.gauges();
    assert_eq!((closed.open_spans, closed.unacked_spans, closed.unacked_frames), (0, 50, 2));
    for group in 0..2 {
        buffer.attach(key(0, group), 1 << 20);
        assert_eq!(sent(&buffer, key(0, group)).len(), 1);
    }
    buffer.reply(key(0, 0), &ack(1));
    let reject = Reject { seq: 1, permanent: true, ..Reject::default() };
    assert!(!buffer.status(key(0, 0)).busy);
    assert_eq!(buffer.reply(key(0, 1), &reply::Kind::Reject(reject)), AfterReply::Continue);
    assert_eq!(buffer.gauges().buffer_bytes, 0);
    let metrics = buffer.metrics();
    assert_eq!(metrics.acked.get() + metrics.dropped_rejected.get(), 50);
    buffer.empty().await;
}

#[tokio::test]
async fn a_frame_that_is_rejected_for_now_stays() {
    let buffer = buffer(1 << 20);
    offer(&buffer, None, request(1, 5)).await.unwrap();
    buffer.close();
    buffer.attach(key(0, 0), 1 << 20);
    assert_eq!(sent(&buffer, key(0, 0)), [(1, 5)]);
    let held = buffer.gauges().buffer_bytes;
    let reject = Reject { seq: 1, permanent: false, ..Reject::default() };
    assert_eq!(buffer.reply(key(0, 0), &reply::Kind::Reject(reject)), AfterReply::FailOver);
    assert_eq!(buffer.gauges().buffer_bytes, held);
    buffer.detach(key(0, 0));
    buffer.attach(key(0, 0), 1 << 20);
    assert_eq!(sent(&buffer, key(0, 0)), [(1, 5)]);
    assert_eq!(buffer.metrics().frames_resent.get(), 1);
}

#[tokio::test]
async fn a_full_buffer_refuses_and_recovers() {
    let buffer = buffer(1 << 20);
    let held = buffer.admit(1 << 20).unwrap();
    let refused = buffer.admit(1).unwrap_err();
    assert!(refused.retry_after >= Duration::from_secs(1), "{refused:?}");
    assert!(refused.retry_after <= Duration::from_secs(30), "{refused:?}");
    drop(held);

    let mut next = 1;
    while buffer.admit(10_000).is_ok() {
        offer(&buffer, None, request(next, 100)).await.unwrap();
        next += 100;
    }
    assert!(next > 5_000, "{next}");
    assert_eq!(buffer.metrics().requests_refused.get(), 2);
    buffer.cut_due(Instant::now() + Duration::from_secs(1));
    buffer.attach(key(0, 0), 1 << 40);
    let frames = sent(&buffer, key(0, 0));
    buffer.reply(key(0, 0), &ack(frames.last().unwrap().0));
    assert_eq!(buffer.gauges().buffer_bytes, 0);
    assert!(buffer.admit(10_000).is_ok());
}

#[tokio::test]
async fn nothing_is_taken_after_the_end_has_begun() {
    let buffer = buffer(1 << 20);
    buffer.close();
    let refused = offer(&buffer, None, request(1, 7)).await.unwrap_err();
    assert!(matches!(refused, OfferError::Refused(_)), "{refused}");
    assert_eq!((buffer.metrics().refused.get(), buffer.metrics().accepted.get()), (7, 0));
}

#[tokio::test]
async fn a_broken_request_leaves_nothing_behind() {
    let buffer = buffer(1 << 20);
    let whole = request(1, 10);
    let broken = offer(&buffer, None, whole.slice(..whole.len() - 1)).await.unwrap_err();
    assert!(matches!(broken, OfferError::Malformed(_)), "{broken}");
    assert_eq!(buffer.gauges().buffer_bytes, 0);
    assert_eq!(buffer.metrics().accepted.get(), 0);
}

#[tokio::test]
async fn tenants_have_lanes_of_their_own() {
    let buffer = buffer(1 << 20);
    for tenant in [None, Some("a"), Some("b"), Some("a")] {
        offer(&buffer, tenant, request(1, 1)).await.unwrap();
    }
    let lanes = buffer.new_lanes().await;
    let names: Vec<_> = lanes.iter().map(|lane| &*lane.tenant).collect();
    assert_eq!(names, [SINGLE, "a", "b"]);
    let numbers: BTreeSet<_> = lanes.iter().map(|lane| lane.key.number()).collect();
    assert_eq!(numbers.len(), 3);
    for i in 3..lanes::MOST_TENANTS {
        offer(&buffer, Some(&format!("t{i}")), request(1, 1)).await.unwrap();
    }
    assert!(offer(&buffer, Some("one too many"), request(1, 3)).await.is_err());
    assert_eq!(buffer.metrics().refused.get(), 3);
    offer(&buffer, Some("a"), request(1, 1)).await.unwrap();
}

#[tokio::test]
async fn the_configured_tenant_holds_for_all_senders() {
    let rules = Rules { tenant: Some("ours".to_owned()), ..Rules::default() };
    let buffer = Buffer::new(1 << 20, limits(), rules, Rng::new(1));
    for tenant in [None, Some("theirs")] {
        offer(&buffer, tenant, request(1, 1)).await.unwrap();
    }
    let lanes = buffer.new_lanes().await;
    assert_eq!(lanes.iter().map(|lane| &*lane.tenant).collect::<Vec<_>>(), ["ours"]);
}

#[tokio::test]
async fn lanes_beyond_the_groups_empty_themselves_and_can_come_back() {
    let buffer = buffer(1 << 20);
    buffer.set_groups(2);
    offer(&buffer, None, request(1, 100)).await.unwrap();
    assert_eq!(buffer.new_lanes().await.len(), 2);
    buffer.set_groups(1);
    buffer.attach(key(0, 1), 1 << 20);
    let frames = sent(&buffer, key(0, 1));
    assert_eq!(frames.len(), 1, "cut at once");
    assert!(!buffer.retire(key(0, 1)), "not while a frame is held");
    buffer.reply(key(0, 1), &ack(1));
    assert!(buffer.retire(key(0, 1)));
    assert!(!buffer.retire(key(0, 0)), "a lane that is needed does not retire");
    buffer.set_groups(2);
    offer(&buffer, None, request(1, 100)).await.unwrap();
    let again = buffer.new_lanes().await;
    assert_eq!(again.iter().map(|lane| lane.key).collect::<Vec<_>>(), [key(0, 1)]);
    buffer.close();
    buffer.attach(key(0, 1), 1 << 20);
    assert_eq!(sent(&buffer, key(0, 1))[0].0, 2, "numbers go on");
}

#[tokio::test]
async fn a_large_request_becomes_several_frames() {
    let limits = BatchLimits { bytes: 10_000, ..limits() };
    let buffer = Buffer::new(1 << 20, limits, Rules::default(), Rng::new(1));
    offer(&buffer, None, request(1, 1000)).await.unwrap();
    buffer.attach(key(0, 0), 1 << 20);
    let frames = sent(&buffer, key(0, 0));
    assert!(frames.len() > 5, "{frames:?}");
    assert_eq!(frames.iter().map(|(_, spans)| spans).sum::<u32>(), 1000);
}

#[tokio::test(start_paused = true)]
async fn open_columns_are_cut_by_age() {
    let buffer = Arc::new(buffer(1 << 20));
    let cutter = tokio::spawn({
        let buffer = Arc::clone(&buffer);
        async move { buffer.cut_by_age().await }
    });
    for round in 1..=3 {
        offer(&buffer, None, request(round, 1)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(199)).await;
        assert_eq!(buffer.gauges().open_spans, 1);
        offer(&buffer, None, request(100 + round, 1)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(buffer.gauges().open_spans, 0);
        assert_eq!(buffer.gauges().unacked_frames, round);
    }
    assert!(!cutter.is_finished());
}

#[tokio::test]
async fn a_credit_opens_the_window() {
    let limits = BatchLimits { bytes: 1024, ..limits() };
    let buffer = Buffer::new(1 << 20, limits, Rules::default(), Rng::new(1));
    offer(&buffer, None, request(1, 500)).await.unwrap();
    buffer.attach(key(0, 0), 0);
    assert_eq!(sent(&buffer, key(0, 0)).len(), 1, "one may always go");
    assert!(!buffer.status(key(0, 0)).may_send);
    buffer.reply(key(0, 0), &reply::Kind::Credit(Credit { bytes: 1 << 20 }));
    assert!(sent(&buffer, key(0, 0)).len() > 1);
}

#[tokio::test(start_paused = true)]
async fn senders_go_at_the_pace_of_ingesters_that_take_what_comes() {
    let buffer = buffer(256 << 10);
    let paced = async || {
        let begun = Instant::now();
        buffer.pace().await;
        begun.elapsed()
    };
    let frame = async |seq: u64| {
        offer(&buffer, None, request(seq, 1)).await.unwrap();
        buffer.cut_due(Instant::now() + Duration::from_secs(1));
        sent(&buffer, key(0, 0));
        buffer.reply(key(0, 0), &ack(seq));
    };
    offer(&buffer, None, request(1000, 1000)).await.unwrap();
    assert_eq!(paced().await, Duration::ZERO, "no ingester takes anything");
    buffer.attach(key(0, 0), 1 << 20);
    frame(1).await;
    assert_eq!(paced().await, Duration::ZERO, "it is nearly empty");
    offer(&buffer, None, request(2000, 1000)).await.unwrap();
    assert_eq!(paced().await, LONGEST_PACE, "what is open is more than a quarter");
    assert_eq!(paced().await, Duration::ZERO, "nothing was taken for a second");
    frame(2).await;
    offer(&buffer, None, request(3000, 1000)).await.unwrap();
    let cut = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        buffer.cut_due(Instant::now() + Duration::from_secs(1));
    };
    let (waited, ()) = tokio::join!(paced(), cut);
    assert_eq!(waited, Duration::from_millis(100), "it became a frame, which is small");
    offer(&buffer, None, request(4000, 1000)).await.unwrap();
    buffer.close();
    assert_eq!(paced().await, Duration::ZERO, "the end has begun");
}
