//! Which sequence number of a stream may be acknowledged.
//!
//! Segments are written several at a time and may become durable out of order, while an
//! acknowledgement means all frames up to its number. One of these stands beside each stream.
//!
//! A stream outlives epochs, and numbers of segments begin anew in each. Segments are therefore
//! named here by their ordinal: the count of segments that this process has sealed or begun.

use std::collections::VecDeque;

/// The frames of one stream that are logged and not yet acknowledged, by segment.
#[derive(Debug, Clone, Default)]
pub struct StreamAcks {
    waiting: VecDeque<Waiting>,
}

#[derive(Debug, Clone)]
struct Waiting {
    segment: u64,
    last_seq: u64,
    durable: bool,
}

impl StreamAcks {
    /// Nothing logged yet.
    pub fn new() -> Self {
        StreamAcks::default()
    }

    /// Frame `seq` went into the segment with this ordinal. Frames are logged in the order of their
    /// numbers, segments in the order of theirs.
    pub fn logged(&mut self, segment: u64, seq: u64) {
        match self.waiting.back_mut() {
            Some(last) if last.segment == segment => last.last_seq = seq,
            _ => self.waiting.push_back(Waiting { segment, last_seq: seq, durable: false }),
        }
    }

    /// The segment with this ordinal is durable. Answers the number up to which the stream is acknowledged by that,
    /// or `None` when it changes nothing, because an earlier segment is still on its way.
    pub fn durable(&mut self, segment: u64) -> Option<u64> {
        let waiting = self.waiting.iter_mut().find(|waiting| waiting.segment == segment)?;
        waiting.durable = true;
        let mut acked = None;
        while self.waiting.front().is_some_and(|first| first.durable) {
            acked = self.waiting.pop_front().map(|first| first.last_seq);
        }
        acked
    }

    /// Whether everything logged has been acknowledged.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ack_waits_for_all_before_it() {
        let mut acks = StreamAcks::new();
        for (segment, seq) in [(0, 1), (0, 2), (1, 3), (3, 4)] {
            acks.logged(segment, seq);
        }
        assert_eq!(acks.durable(2), None, "a segment without frames of this stream");
        assert_eq!(acks.durable(1), None);
        assert_eq!(acks.durable(0), Some(3));
        assert_eq!(acks.durable(0), None, "said already");
        assert!(!acks.is_empty());
        assert_eq!(acks.durable(3), Some(4));
        assert!(acks.is_empty());
    }
}
