//! When the open segment is sealed: a decision, no I/O.

use std::time::Duration;
use tokio::time::Instant;

/// The limits of a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CutAt {
    /// Age of its first frame.
    pub age: Duration,
    /// Bytes.
    pub bytes: usize,
    /// Memory of its spans: they are to fit where a piece of an epoch is rebuilt.
    pub memory: usize,
}

/// The open segment as the decision sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct SegmentFill {
    /// Bytes so far.
    pub bytes: usize,
    /// Memory of its spans so far.
    pub memory: usize,
    /// When its first frame came; `None` while it is empty.
    pub since: Option<Instant>,
}

/// When the open segment is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// It is empty.
    Never,
    /// Now.
    Now,
    /// Then.
    At(Instant),
}

/// When the open segment is due. A journal that is closing waits for no more frames.
pub(super) fn next_cut(fill: &SegmentFill, at: CutAt, now: Instant, closing: bool) -> Cut {
    match fill.since {
        None => Cut::Never,
        Some(_) if closing || fill.bytes >= at.bytes || fill.memory >= at.memory => Cut::Now,
        Some(since) if now.saturating_duration_since(since) >= at.age => Cut::Now,
        Some(since) => Cut::At(since + at.age),
    }
}

impl Cut {
    /// Whether it is now.
    pub(super) fn is_now(self) -> bool {
        self == Cut::Now
    }

    /// Waits for the time, for ever if there is none.
    pub(super) async fn wait(self) {
        match self {
            Cut::Now => {}
            Cut::At(then) => tokio::time::sleep_until(then).await,
            Cut::Never => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_cut_by_age_size_or_the_end() {
        let now = Instant::now();
        let at = CutAt { age: Duration::from_millis(300), bytes: 1000, memory: 9000 };
        let ago = |ms| Some(now - Duration::from_millis(ms));
        let table = [
            (0, 0, None, true, Cut::Never),
            (10, 90, ago(0), false, Cut::At(now + Duration::from_millis(300))),
            (10, 90, ago(100), false, Cut::At(now + Duration::from_millis(200))),
            (10, 90, ago(300), false, Cut::Now),
            (1000, 8999, ago(0), false, Cut::Now),
            (999, 9000, ago(0), false, Cut::Now),
            (10, 90, ago(0), true, Cut::Now),
        ];
        for (bytes, memory, since, closing, expected) in table {
            let fill = SegmentFill { bytes, memory, since };
            assert_eq!(next_cut(&fill, at, now, closing), expected);
        }
    }
}
