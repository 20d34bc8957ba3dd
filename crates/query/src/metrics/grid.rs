//! Steps of time.

/// When spans are counted: steps that are open on the left and closed on the right, each named by
/// its right end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Right end of the first step, ns since 1970.
    first: u64,
    step: u64,
    steps: usize,
}

impl Grid {
    /// Steps of `step` ns that cover `start` to `end`. The first ends at `start`, rounded down to a
    /// whole step, and so has spans before it; the last ends at `end`, rounded up.
    pub fn range(start: u64, end: u64, step: u64) -> Grid {
        let step = step.max(1);
        let first = start / step * step;
        let steps = end.saturating_sub(first).div_ceil(step).saturating_add(1);
        Grid { first, step, steps: usize::try_from(steps).unwrap_or(usize::MAX) }
    }

    /// One step from `start`, which is not in it, to `end`.
    pub fn instant(start: u64, end: u64) -> Grid {
        Grid { first: end, step: end.saturating_sub(start).max(1), steps: 1 }
    }

    /// The step that a time lies in.
    #[inline]
    pub(crate) fn step_of(&self, at: u64) -> Option<usize> {
        let since = at.checked_add(self.step)?.checked_sub(self.first + 1)?;
        let step = usize::try_from(since / self.step).ok()?;
        (step < self.steps).then_some(step)
    }

    /// The times that lie in a step.
    pub(crate) fn times_of(&self, step: usize) -> std::ops::Range<u64> {
        let end = self.first.saturating_add(self.step.saturating_mul(step as u64));
        end.saturating_add(1).saturating_sub(self.step)..end.saturating_add(1)
    }

    /// Number of steps.
    pub(crate) fn steps(&self) -> usize {
        self.steps
    }

    /// Length of a step in seconds.
    #[expect(clippy::cast_precision_loss, reason = "seconds of a step")]
    pub(crate) fn seconds(&self) -> f64 {
        self.step as f64 / 1e9
    }

    /// The name of a step: its end, ms since 1970.
    pub(crate) fn at(&self, step: usize) -> i64 {
        let end = self.first.saturating_add(self.step.saturating_mul(step as u64));
        i64::try_from(end / 1_000_000).unwrap_or(i64::MAX)
    }

    /// The time that is counted, ns since 1970, both ends included.
    pub fn times(&self) -> (u64, u64) {
        let start = (self.first + 1).saturating_sub(self.step);
        let more = self.step.saturating_mul(self.steps.saturating_sub(1) as u64);
        (start, self.first.saturating_add(more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_closed_on_the_right() {
        let grid = Grid::range(105, 131, 10);
        assert_eq!(grid.steps(), 5);
        let table = [
            (89, None),
            (90, None),
            (91, Some(0)),
            (100, Some(0)),
            (101, Some(1)),
            (140, Some(4)),
            (141, None),
        ];
        for (at, step) in table {
            assert_eq!(grid.step_of(at), step, "{at}");
            if let Some(step) = step {
                assert!(grid.times_of(step).contains(&at), "{at}");
            }
        }
        assert_eq!(grid.times_of(1), 101..111);
        assert_eq!(grid.times(), (91, 140));
        assert_eq!(Grid::range(100, 130, 10).steps(), 4);
    }

    #[test]
    fn an_instant_leaves_its_start_out() {
        let grid = Grid::instant(100, 200);
        let table = [(100, None), (101, Some(0)), (200, Some(0)), (201, None)];
        for (at, step) in table {
            assert_eq!(grid.step_of(at), step, "{at}");
        }
    }
}
