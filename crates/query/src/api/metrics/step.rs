//! How far apart samples are.

use crate::api::{duration, limits};

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// About how many samples there are when the question does not say how many.
const SAMPLES: u64 = 240;

/// What steps are whole multiples of, the largest that fits.
const UNITS: [u64; 6] = [HOUR, 5 * MINUTE, MINUTE, 15 * SECOND, 5 * SECOND, SECOND];

/// The same for ranges of less than a minute.
const SHORT_UNIT: u64 = SECOND / 20;

/// The step of a range (both in nanoseconds) when the request names none.
pub(super) fn default_for(range: u64) -> u64 {
    let fine = range / SAMPLES;
    let unit = match UNITS.into_iter().find(|unit| *unit <= fine) {
        Some(unit) => unit,
        None if range < MINUTE => SHORT_UNIT,
        None => SECOND,
    };
    (fine / unit * unit).max(unit)
}

/// Refuses a step with which the range would have too many samples.
pub(super) fn check(step: u64, range: u64) -> Result<(), String> {
    if range.checked_div(step).is_some_and(|steps| steps <= limits::STEPS) {
        return Ok(());
    }
    Err(format!(
        "step of {} is too small, minimum step for given range is {}",
        duration::text(step),
        duration::text(range.div_ceil(limits::STEPS)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_all_ranges() {
        let millisecond = SECOND / 1_000;
        let table = [
            (600 * SECOND, 2 * SECOND),
            (50 * SECOND, 200 * millisecond),
            (30 * SECOND, 100 * millisecond),
            (SECOND, 50 * millisecond),
            (1, 50 * millisecond),
            (MINUTE, SECOND),
            (4 * MINUTE, SECOND),
            (30 * MINUTE, 5 * SECOND),
            (HOUR, 15 * SECOND),
            (3 * HOUR, 45 * SECOND),
            (6 * HOUR, MINUTE),
            (7 * HOUR, MINUTE),
            (24 * HOUR, 5 * MINUTE),
            (30 * 24 * HOUR, 3 * HOUR),
        ];
        for (range, expected) in table {
            assert_eq!(default_for(range), expected, "{range}");
            assert_eq!(check(expected, range), Ok(()), "{range}");
        }
    }

    #[test]
    fn too_many_samples_are_refused() {
        let range = 600 * SECOND;
        assert_eq!(check(60_000_000, range), Ok(()));
        let told = "step of 1ms is too small, minimum step for given range is 60ms";
        assert_eq!(check(1_000_000, range), Err(told.to_owned()));
        let told = "step of 0s is too small, minimum step for given range is 60ms";
        assert_eq!(check(0, range), Err(told.to_owned()));
        assert_eq!(check(1, 10_000), Ok(()));
        assert!(check(1, 20_000).is_err());
    }
}
