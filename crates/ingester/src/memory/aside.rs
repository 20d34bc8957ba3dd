//! Memory for work that is no span: taken off the budget before it is used.
//!
//! The budget shrinks at once, so that nothing more is let in than fits beside the work; then the work
//! waits until what is in memory fits, too: spans become blocks, or are left to their segments. So memory
//! that is full delays the work, and never keeps it off.

use super::{MemoryBudget, UNIT};
use std::time::Duration;
use tokio::time::timeout;

/// When room is looked for again.
const AGAIN: Duration = Duration::from_millis(200);
/// How long room is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes that are no part of the budget. Dropping it puts them back.
#[derive(Debug)]
pub(crate) struct Aside {
    units: usize,
    memory: MemoryBudget,
}

impl Drop for Aside {
    fn drop(&mut self) {
        self.memory.lock().put_back(self.units);
        self.memory.serve();
    }
}

impl MemoryBudget {
    /// Sets `bytes` aside, half of the budget at most, and waits until the spans in memory fit into the
    /// rest. None when they did not in time.
    pub(crate) async fn set_aside(&self, bytes: usize) -> Option<Aside> {
        let units = bytes.div_ceil(UNIT).min(self.units / 2);
        self.lock().set_aside(units);
        let aside = Aside { units, memory: self.clone() };
        let fits = async {
            while !self.is_within_limit() {
                self.request_check();
                tokio::time::sleep(AGAIN).await;
            }
        };
        timeout(PATIENCE, fits).await.is_ok().then_some(aside)
    }

    fn is_within_limit(&self) -> bool {
        let usage = self.usage();
        usage.used <= usage.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Admission;
    use futures_util::FutureExt;
    use std::sync::Arc;

    #[tokio::test(start_paused = true)]
    async fn what_is_set_aside_is_let_in_by_none_until_it_is_back() {
        let (memory, t): (_, Arc<str>) = (MemoryBudget::new(100 * UNIT), "t".into());
        let Admission::Granted(held) = memory.admit(&t, 70 * UNIT) else { panic!("there is room") };
        let mut waits = Box::pin(memory.set_aside(40 * UNIT));
        assert!(waits.as_mut().now_or_never().is_none(), "the spans in memory come first");
        let usage = memory.usage();
        assert_eq!((usage.limit, usage.used, memory.used()), (60 * UNIT, 70 * UNIT, 110 * UNIT));
        let Admission::Queued(frame) = memory.admit(&t, UNIT) else { panic!("it was let in") };
        drop(held);
        let aside = waits.await.unwrap();
        // There is room for the frame now, but not for more than is left.
        let frame = frame.granted().now_or_never().unwrap();
        let Admission::Queued(large) = memory.admit(&t, 60 * UNIT) else { panic!("let in") };
        drop(aside);
        assert!(large.granted().now_or_never().is_some());
        drop(frame);
        assert_eq!(memory.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_no_room_in_time_leaves_the_budget_as_it_was() {
        let (memory, t): (_, Arc<str>) = (MemoryBudget::new(100 * UNIT), "t".into());
        let _held = memory.admit(&t, 70 * UNIT);
        assert!(memory.set_aside(usize::MAX).await.is_none());
        assert_eq!((memory.usage().limit, memory.used()), (100 * UNIT, 70 * UNIT));
        let all = memory.set_aside(30 * UNIT).await.unwrap();
        assert_eq!(memory.usage().limit, 70 * UNIT);
        drop(all);
    }
}
