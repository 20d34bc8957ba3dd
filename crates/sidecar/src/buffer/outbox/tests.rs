use super::*;
use std::time::Duration;

fn frame(bytes: usize, dict: u32, needs: u32) -> EncodedFrame {
    EncodedFrame { payload: vec![7; bytes].into(), dict, needs, spans: 10 }
}

/// An outbox with frames of 100 bytes and a stream with this credit.
fn outbox(frames: usize, credit: u64) -> Outbox {
    let mut outbox = Outbox::default();
    (0..frames).for_each(|_| {
        outbox.push(frame(100, 0, 0));
    });
    outbox.attach(credit, Instant::now());
    outbox
}

fn send_all(outbox: &mut Outbox) -> Vec<u64> {
    std::iter::from_fn(|| outbox.send(Instant::now())).map(|s| s.seq).collect()
}

fn held(outbox: &Outbox) -> Vec<u64> {
    outbox.held.iter().map(|h| h.seq).collect()
}

#[test]
fn the_window() {
    // Credit, and how many frames of 100 bytes go out before an answer comes.
    for (credit, expected) in
        [(0, 1), (50, 1), (100, 1), (199, 1), (200, 2), (350, 3), (1 << 40, 5)]
    {
        let mut outbox = outbox(5, credit);
        assert_eq!(send_all(&mut outbox).len(), expected, "credit {credit}");
        assert!(!outbox.may_send());
    }
}

#[test]
fn an_acknowledgement_frees_and_opens_the_window() {
    let mut outbox = outbox(5, 200);
    assert_eq!(send_all(&mut outbox), [1, 2]);
    let settled = outbox.acknowledge(1, 300, Instant::now());
    assert_eq!(settled, Settled { frames: 1, spans: 10, bytes: 100 + OVERHEAD });
    assert_eq!(send_all(&mut outbox), [3, 4]);
    assert_eq!(outbox.acknowledge(4, 300, Instant::now()).frames, 3);
    assert_eq!((held(&outbox), outbox.spans()), (vec![5], 10));
    assert_eq!(outbox.waiting_since(), None, "nothing in flight");
}

#[test]
fn an_acknowledgement_of_what_was_not_sent_frees_nothing() {
    let mut outbox = outbox(3, 100);
    assert_eq!(send_all(&mut outbox), [1]);
    assert_eq!(outbox.acknowledge(3, 100, Instant::now()).frames, 1);
    assert_eq!(held(&outbox), [2, 3]);
    outbox.detach();
    assert_eq!(outbox.acknowledge(3, 100, Instant::now()), Settled::default());
    assert_eq!(held(&outbox), [2, 3]);
}

#[test]
fn a_new_stream_sends_everything_held_again_in_order() {
    let mut outbox = outbox(4, 1000);
    assert_eq!(send_all(&mut outbox), [1, 2, 3, 4]);
    outbox.acknowledge(2, 1000, Instant::now());
    outbox.detach();
    assert!(!outbox.may_send());
    outbox.push(frame(100, 0, 0));
    outbox.attach(1000, Instant::now());
    let sent: Vec<_> = std::iter::from_fn(|| outbox.send(Instant::now())).collect();
    let numbers: Vec<_> = sent.iter().map(|s| (s.seq, s.again)).collect();
    assert_eq!(numbers, [(3, true), (4, true), (5, false)]);
}

#[test]
fn definitions_go_once_a_stream_and_before_the_frames_that_need_them() {
    let mut outbox = Outbox::default();
    for (dict, needs) in [(0, 3), (0, 3), (0, 5), (0, 2), (1, 0), (1, 4)] {
        outbox.push(frame(10, dict, needs));
    }
    for _ in 0..2 {
        outbox.attach(1000, Instant::now());
        let sent: Vec<_> = std::iter::from_fn(|| outbox.send(Instant::now())).collect();
        let ranges: Vec<_> = sent.into_iter().map(|s| (s.dict, s.definitions)).collect();
        assert_eq!(ranges, [(0, 0..3), (0, 3..3), (0, 3..5), (0, 5..5), (1, 0..0), (1, 0..4)]);
        outbox.detach();
    }
}

#[test]
fn a_rejection_for_good_drops_one_frame() {
    let mut outbox = outbox(3, 1000);
    assert_eq!(outbox.reject(1, true, Instant::now()), Settled::default(), "not sent yet");
    send_all(&mut outbox);
    assert_eq!(outbox.reject(2, true, Instant::now()).frames, 1);
    assert_eq!(outbox.reject(2, true, Instant::now()), Settled::default(), "it is gone");
    assert_eq!(outbox.reject(9, true, Instant::now()), Settled::default(), "never was");
    assert_eq!((held(&outbox), outbox.spans()), (vec![1, 3], 20));
    assert_eq!(outbox.acknowledge(3, 1000, Instant::now()).frames, 2);
    assert!(outbox.is_empty());
}

#[test]
fn a_postponed_frame_outlives_acknowledgements_and_goes_on_the_next_stream() {
    let mut outbox = outbox(3, 1000);
    send_all(&mut outbox);
    for _ in 0..2 {
        assert_eq!(outbox.reject(2, false, Instant::now()), Settled::default());
    }
    assert_eq!(outbox.acknowledge(3, 1000, Instant::now()).frames, 2);
    assert_eq!(held(&outbox), [2]);
    assert_eq!(outbox.waiting_since(), None, "a rejected frame is not in flight");
    outbox.push(frame(100, 0, 0));
    assert_eq!(send_all(&mut outbox), [4], "not again on this stream");
    outbox.detach();
    outbox.attach(1000, Instant::now());
    assert_eq!(send_all(&mut outbox), [2, 4]);
    assert_eq!(outbox.acknowledge(4, 1000, Instant::now()).frames, 2);
}

#[test]
fn the_peer_owes_a_sign_of_life_only_with_frames_in_flight() {
    let start = Instant::now();
    let at = |s| start + Duration::from_secs(s);
    let mut outbox = Outbox::default();
    outbox.attach(1000, start);
    assert_eq!(outbox.waiting_since(), None);
    (0..3).for_each(|_| {
        outbox.push(frame(100, 0, 0));
    });
    assert_eq!(outbox.waiting_since(), None);
    outbox.send(at(5));
    outbox.send(at(6));
    assert_eq!(outbox.waiting_since(), Some(at(5)), "since the first after a rest");
    outbox.acknowledge(1, 1000, at(7));
    assert_eq!(outbox.waiting_since(), Some(at(7)));
    outbox.set_credit(0, at(9));
    assert_eq!(outbox.waiting_since(), Some(at(9)));
    outbox.acknowledge(2, 1000, at(10));
    assert_eq!(outbox.waiting_since(), None);
    outbox.send(at(60));
    assert_eq!(outbox.waiting_since(), Some(at(60)));
}
