//! Since when the store takes no segment, and so nothing is acknowledged: for `/ready` and a gauge.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A segment that is not written after so long counts as refused, whatever the store says.
pub(crate) const REFUSED_AFTER: Duration = Duration::from_secs(5);

/// Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusing(Arc<Mutex<Option<Instant>>>);

impl Refusing {
    /// A segment whose first attempt was at `begun` is not written yet.
    pub(crate) fn not_written(&self, begun: Instant) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *since = Some(since.map_or(begun, |since| since.min(begun)));
    }

    /// A segment was written.
    pub(crate) fn written(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// For how long no segment was written that should have been; `None` when all is well.
    pub(crate) fn lasts(&self, now: Instant) -> Option<Duration> {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.map(|since| now.saturating_duration_since(since))
    }

    /// What there is to remark.
    pub(crate) fn remark(&self, now: Instant) -> Option<String> {
        let seconds = self.lasts(now)?.as_secs();
        Some(format!(
            "the store has taken nothing for {seconds} s, so that no span is acknowledged (the log \
             says why); senders keep theirs"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lasts_from_the_first_refusal_to_the_next_write() {
        let (refusing, begun) = (Refusing::default(), Instant::now());
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert_eq!(refusing.remark(at(0)), None);
        refusing.not_written(at(3));
        refusing.not_written(at(1));
        refusing.clone().not_written(at(8));
        assert_eq!(refusing.lasts(at(10)), Some(Duration::from_secs(9)));
        assert!(refusing.remark(at(10)).is_some_and(|text| text.contains("for 9 s")));
        refusing.written();
        assert_eq!(refusing.lasts(at(11)), None);
    }
}
