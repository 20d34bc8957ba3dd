//! Which frames of a stream may be acknowledged: decisions, no I/O.
//!
//! Acknowledgements are cumulative and segments become durable in any order, so a frame is
//! acknowledged once it and all frames before it are settled.

use std::collections::VecDeque;

/// Frames of one stream that are not acknowledged yet, in order of arrival.
#[derive(Debug, Default)]
pub(super) struct AckWindow {
    frames: VecDeque<InFlight>,
    bytes: usize,
    acked: u64,
}

#[derive(Debug)]
struct InFlight {
    seq: u64,
    bytes: usize,
    settled: bool,
}

/// A frame number that does not follow the ones before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("frame {got} after frame {last}: numbers must rise")]
pub(crate) struct OutOfOrder {
    /// The last number seen.
    pub last: u64,
    /// The number that came.
    pub got: u64,
}

impl AckWindow {
    /// A frame with a payload of so many bytes has come.
    ///
    /// # Errors
    /// When its number is not above the ones before. Gaps are fine: a frame between may have been
    /// acknowledged by another ingester.
    pub(super) fn arrived(&mut self, seq: u64, bytes: usize) -> Result<(), OutOfOrder> {
        let last = self.frames.back().map_or(self.acked, |frame| frame.seq);
        if seq <= last {
            return Err(OutOfOrder { last, got: seq });
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.frames.push_back(InFlight { seq, bytes, settled: false });
        Ok(())
    }

    /// A frame in flight turned out to count as so many bytes, if that is more than its payload.
    pub(super) fn weighs(&mut self, seq: u64, bytes: usize) {
        if let Ok(at) = self.frames.binary_search_by_key(&seq, |frame| frame.seq)
            && let Some(frame) = self.frames.get_mut(at).filter(|frame| !frame.settled)
        {
            let more = bytes.saturating_sub(frame.bytes);
            frame.bytes += more;
            self.bytes = self.bytes.saturating_add(more);
        }
    }

    /// A frame is durable, or was rejected: settled either way. The new number to acknowledge up
    /// to, if it has risen.
    pub(super) fn settled(&mut self, seq: u64) -> Option<u64> {
        if let Ok(at) = self.frames.binary_search_by_key(&seq, |frame| frame.seq)
            && let Some(frame) = self.frames.get_mut(at)
        {
            frame.settled = true;
            self.bytes = self.bytes.saturating_sub(std::mem::take(&mut frame.bytes));
        }
        let before = self.acked;
        while let Some(frame) = self.frames.pop_front_if(|frame| frame.settled) {
            self.acked = frame.seq;
        }
        (self.acked > before).then_some(self.acked)
    }

    /// Frames that wait for their acknowledgement.
    pub(super) fn waiting(&self) -> usize {
        self.frames.len()
    }

    /// Bytes of frames that are not settled.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_wait_for_the_gap() {
        let mut window = AckWindow::default();
        for seq in [3, 4, 5, 9] {
            window.arrived(seq, 10).unwrap();
        }
        assert_eq!((window.settled(4), window.bytes()), (None, 30));
        assert_eq!((window.settled(4), window.bytes()), (None, 30));
        for (seq, bytes, all) in [(3, 5, 30), (3, 50, 70), (4, 50, 70), (77, 50, 70)] {
            window.weighs(seq, bytes);
            assert_eq!(window.bytes(), all, "{seq}");
        }
        assert_eq!((window.settled(3), window.bytes()), (Some(4), 20));
        assert_eq!((window.settled(9), window.bytes()), (None, 10));
        assert_eq!((window.settled(77), window.bytes()), (None, 10));
        assert_eq!((window.settled(5), window.bytes()), (Some(9), 0));
        assert_eq!(window.waiting(), 0);
        assert_eq!(window.arrived(9, 1), Err(OutOfOrder { last: 9, got: 9 }));
        assert_eq!(window.arrived(10, 1), Ok(()));
    }
}
