use super::*;
use futures_util::FutureExt;

fn kinds(state: &StreamState) -> Vec<String> {
    std::iter::from_fn(|| state.next_reply(7)).map(|r| format!("{r:?}")).collect()
}

#[test]
fn acks_are_cumulative_and_the_end_waits_for_them() {
    let state = StreamState::new(Arc::default(), 100);
    (1..=3).for_each(|seq| state.arrived(seq, 1).unwrap());
    state.durable(2);
    state.end();
    assert!(kinds(&state).is_empty());
    assert!(!state.is_over());
    state.durable(1);
    state.durable(3);
    assert_eq!(kinds(&state), ["Ok(Ack(Ack { seq: 3, credit: 7 }))"]);
    assert!(state.is_over());
}

#[test]
fn a_frame_to_come_again_is_never_acknowledged() {
    let state = StreamState::new(Arc::default(), 100);
    (1..=3).for_each(|seq| state.arrived(seq, 1).unwrap());
    state.reject(1, Reason::Malformed, "bad".into(), true);
    state.reject(2, Reason::Undefined, "again".into(), false);
    state.durable(3);
    state.fail(Status::failed_precondition("out of step"));
    let told = kinds(&state);
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[2].contains("Ack { seq: 1,"), "{told:?}");
    assert!(told[3].contains("out of step"), "{told:?}");
    assert!(state.is_over());
}

#[test]
fn a_stream_has_so_much_in_flight_and_no_more() {
    let metrics = Arc::<Metrics>::default();
    let state = StreamState::new(metrics.clone(), 100);
    let half = 50;
    state.arrived(1, half).unwrap();
    assert_eq!(state.has_room().now_or_never(), Some(true));
    state.arrived(2, 1).unwrap();
    state.weighs(2, half);
    let mut next = Box::pin(state.has_room());
    assert_eq!((&mut next).now_or_never(), None);
    assert_eq!(metrics.times_limited(Limit::Stream), 1);
    // Out of order counts: it is not in flight any more.
    state.durable(2);
    assert_eq!((&mut next).now_or_never(), Some(true));
    // One that was given away to another stream reads no more.
    state.arrived(3, half).unwrap();
    let mut next = Box::pin(state.has_room());
    assert_eq!((&mut next).now_or_never(), None);
    state.fail(Status::aborted("elsewhere"));
    assert_eq!((&mut next).now_or_never(), Some(false));
}

#[test]
fn a_sender_that_does_not_read_rejections_is_not_read() {
    let state = StreamState::new(Arc::default(), 100);
    for seq in (1..).take(MAX_REJECTS) {
        assert_eq!(state.has_room().now_or_never(), Some(true));
        state.arrived(seq, 1).unwrap();
        state.reject(seq, Reason::Malformed, "bad".into(), true);
    }
    let mut next = Box::pin(state.has_room());
    assert_eq!((&mut next).now_or_never(), None);
    assert!(matches!(state.next_reply(0), Some(Ok(Kind::Reject(_)))));
    assert_eq!((&mut next).now_or_never(), Some(true));
}

#[test]
fn streams_without_credit_are_counted_while_they_are() {
    let metrics = Arc::<Metrics>::default();
    let state = StreamState::new(metrics.clone(), 100);
    let counted = || (metrics.streams_without_credit.get(), metrics.times_limited(Limit::Credit));
    for (credit, expected) in [(5, (0, 0)), (0, (1, 1)), (0, (1, 1)), (9, (0, 1)), (0, (1, 2))] {
        state.credited(credit);
        assert_eq!(counted(), expected);
    }
    drop(state);
    assert_eq!(counted(), (0, 2));
}
