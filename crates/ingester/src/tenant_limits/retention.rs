//! How long blocks are kept.

use super::Limits;
use std::ops::RangeInclusive;
use std::time::Duration;
use tributary_settings::value::duration_between;

/// How long blocks are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retention {
    /// No block goes because of its age.
    #[default]
    Forever,
    /// So long from the end of the hour in which their spans came.
    For(Duration),
}

/// What lifts it.
const NONE: &str = "none";
/// A window is an hour, so that less would say more than can be kept.
const RANGE: RangeInclusive<Duration> =
    Duration::from_secs(3600)..=Duration::from_secs(100 * 366 * 86_400);

impl Retention {
    /// Reads the setting, of all tenants or of one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Retention, String> {
        match text {
            NONE => Ok(Retention::Forever),
            text => duration_between(RANGE)(text).map(Retention::For),
        }
    }

    fn time(self) -> Option<Duration> {
        match self {
            Retention::Forever => None,
            Retention::For(time) => Some(time),
        }
    }
}

impl Limits {
    /// How long the blocks of a tenant are kept, if not for ever: as the file says, or, where it says
    /// nothing, as `otherwise`.
    pub(crate) fn retention_of(&self, tenant: &str, otherwise: Retention) -> Option<Duration> {
        self.of(tenant).retention.unwrap_or(otherwise).time()
    }

    /// Whether blocks of any tenant go because of their age.
    pub(crate) fn retains(&self, otherwise: Retention) -> bool {
        let said = self.tenants.values().map(|limits| limits.retention);
        let mut all = said.chain([self.defaults.retention]);
        all.any(|said| said.unwrap_or(otherwise).time().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_its_own_or_that_of_all() {
        let hours = |n: u64| Some(Duration::from_secs(n * 3600));
        let day = Retention::read("1d").unwrap();
        let table = [
            ("", Retention::Forever, None, None, false),
            ("", day, hours(24), hours(24), true),
            ("tenants: {a: {retention: 6h}}", Retention::Forever, hours(6), None, true),
            ("tenants: {a: {retention: none}}", day, None, hours(24), true),
            ("defaults: {retention: 2h}\ntenants: {a: {}}", day, hours(2), hours(2), true),
            (
                "defaults: {retention: none}\ntenants: {a: {retention: 3h}}",
                day,
                hours(3),
                None,
                true,
            ),
            ("defaults: {retention: none}", day, None, None, false),
        ];
        for (text, otherwise, a, b, any) in table {
            let limits = Limits::read(text).unwrap();
            let of = |tenant| limits.retention_of(tenant, otherwise);
            assert_eq!((of("a"), of("b"), limits.retains(otherwise)), (a, b, any), "{text}");
        }
        for wrong in ["59m", "0s", "never", "a day"] {
            assert!(Retention::read(wrong).is_err(), "{wrong}");
        }
    }
}
