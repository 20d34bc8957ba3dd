//! Which frames of a stream may be acknowledged: decisions, no I/O.
//!
//! Acknowledgements are cumulative and segments become durable in any order, so a frame is
//! acknowledged once it and all frames before it are settled.

use std::collections::VecDeque;

/// Frames of one stream that are not acknowledged yet, in order of arrival.
#[derive(Debug, Default)]
pub struct Window {
    frames: VecDeque<(u64, bool)>,
    acked: u64,
}

/// A frame number that does not follow the ones before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("frame {got} after frame {last}: numbers must rise")]
pub struct OutOfOrder {
    /// The last number seen.
    pub last: u64,
    /// The number that came.
    pub got: u64,
}

impl Window {
    /// A frame has come.
    ///
    /// # Errors
    /// When its number is not above the ones before. Gaps are fine: a frame between may have been
    /// acknowledged by another ingester.
    pub fn arrived(&mut self, seq: u64) -> Result<(), OutOfOrder> {
        let last = self.frames.back().map_or(self.acked, |&(seq, _)| seq);
        if seq <= last {
            return Err(OutOfOrder { last, got: seq });
        }
        self.frames.push_back((seq, false));
        Ok(())
    }

    /// A frame is durable, or was rejected: settled either way. The new number to acknowledge up
    /// to, if it has risen.
    pub fn settled(&mut self, seq: u64) -> Option<u64> {
        if let Ok(at) = self.frames.binary_search_by_key(&seq, |&(seq, _)| seq)
            && let Some(frame) = self.frames.get_mut(at)
        {
            frame.1 = true;
        }
        let before = self.acked;
        while let Some(&(seq, true)) = self.frames.front() {
            self.acked = seq;
            self.frames.pop_front();
        }
        (self.acked > before).then_some(self.acked)
    }

    /// Frames that wait for their acknowledgement.
    pub fn waiting(&self) -> usize {
        self.frames.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_wait_for_the_gap() {
        let mut w = Window::default();
        for seq in [3, 4, 5, 9] {
            w.arrived(seq).unwrap();
        }
        assert_eq!(w.settled(4), None);
        assert_eq!(w.settled(3), Some(4));
        assert_eq!(w.settled(9), None);
        assert_eq!(w.settled(77), None);
        assert_eq!(w.settled(5), Some(9));
        assert_eq!(w.waiting(), 0);
        assert_eq!(w.arrived(9), Err(OutOfOrder { last: 9, got: 9 }));
        assert_eq!(w.arrived(10), Ok(()));
    }
}
