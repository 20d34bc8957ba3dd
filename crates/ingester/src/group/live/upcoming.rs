//! The epochs that this process is going to write: one of this hour, one of the next.
//!
//! They stand in heartbeats before they are in use. So another process never takes their first
//! segments for abandoned ones, and queries find these segments when this process is killed before
//! its next heartbeat.

use tributary_journal::EpochId;

const HOUR: u32 = 3600;

/// Ids by hour, at most one of each.
#[derive(Debug)]
pub(super) struct Upcoming(Vec<EpochId>);

impl Upcoming {
    pub(super) fn new(first: EpochId) -> Self {
        Upcoming(vec![first])
    }

    /// Newest first.
    pub(super) fn ids(&self) -> impl Iterator<Item = EpochId> {
        self.0.iter().rev().copied()
    }

    /// Keeps the ids of the hour of `now`, in seconds since 1970, and of the one after it, and mints
    /// those that are missing. What is of another hour was never used.
    pub(super) fn prepare<E>(
        &mut self,
        now: u32,
        mut mint: impl FnMut(u32) -> Result<EpochId, E>,
    ) -> Result<(), E> {
        let next = (now / HOUR).saturating_add(1).saturating_mul(HOUR);
        let begins = [now, next];
        self.0.retain(|id| begins.iter().any(|begin| begin / HOUR == id.hours()));
        for begin in begins {
            if !self.0.iter().any(|id| id.hours() == begin / HOUR) {
                self.0.push(mint(begin)?);
            }
        }
        self.0.sort_unstable();
        Ok(())
    }

    /// The id of an epoch that begins now, in the hour of `spare`: one that is ready, and `spare`
    /// takes its place; or `spare` itself, when the process stood still or its heartbeats failed.
    pub(super) fn take(&mut self, spare: EpochId) -> EpochId {
        let ready = self.0.iter_mut().find(|id| id.hours() == spare.hours());
        ready.map_or(spare, |ready| std::mem::replace(ready, spare))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn id(seconds: u32, random: u8) -> EpochId {
        EpochId::new(seconds, [random; 12])
    }

    fn prepare(upcoming: &mut Upcoming, now: u32, random: u8) {
        let Ok(()) = upcoming.prepare(now, |at| Ok::<_, Infallible>(id(at, random)));
    }

    #[test]
    fn epochs_are_ready_before_their_hour_and_forgotten_after_it() {
        let mut upcoming = Upcoming::new(id(7300, 1));
        prepare(&mut upcoming, 7400, 2);
        assert!(upcoming.ids().eq([id(10_800, 2), id(7300, 1)]));
        prepare(&mut upcoming, 10_799, 3);
        assert!(upcoming.ids().eq([id(10_800, 2), id(7300, 1)]), "they stay as they are");
        prepare(&mut upcoming, 10_801, 4);
        assert!(upcoming.ids().eq([id(14_400, 4), id(10_800, 2)]));
        // Of a clock that was set back nothing is left.
        prepare(&mut upcoming, 100, 5);
        assert!(upcoming.ids().eq([id(3600, 5), id(100, 5)]));
    }

    #[test]
    fn what_begins_is_of_this_hour() {
        let mut upcoming = Upcoming::new(id(100, 1));
        prepare(&mut upcoming, 200, 2);
        assert_eq!(upcoming.take(id(300, 3)), id(100, 1), "it was ready");
        assert_eq!(upcoming.take(id(400, 4)), id(300, 3), "named since");
        assert_eq!(upcoming.take(id(3601, 5)), id(3600, 2));
        assert_eq!(upcoming.take(id(99_999, 6)), id(99_999, 6), "the process stood still");
    }

    #[test]
    fn the_last_hour_that_can_be_written_has_no_next() {
        let mut upcoming = Upcoming::new(id(u32::MAX, 1));
        prepare(&mut upcoming, u32::MAX, 2);
        assert_eq!(upcoming.take(id(u32::MAX, 3)), id(u32::MAX, 1));
    }
}
