//! When a credential is asked for again, and how long an answer is waited for: decisions, no I/O.

use std::time::Duration;

/// Pause after the first exchange that failed; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause while a credential lives.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The same when none does, so that all requests fail.
const LONGEST_WITHOUT: Duration = Duration::from_secs(5);
/// The shortest pause, however near the end is.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// The least of it, however near the end is.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);
/// How long a credential is used that came with its end behind it: some clock is wrong.
const ENDED_ON_ARRIVAL: Duration = Duration::from_secs(60);

/// What is left at the end for a request that is on its way, at most; else a twentieth of the life.
const LONGEST_FLIGHT: Duration = Duration::from_secs(5);

/// For how long a credential is used that ends after `left`: until its end, less the time that the
/// last request needs to arrive with it.
pub(super) fn used_for(left: Duration) -> Duration {
    if left.is_zero() { ENDED_ON_ARRIVAL } else { left - LONGEST_FLIGHT.min(left / 20) }
}

/// How long after a credential came, which is used for `life` from then on, the next one is asked for:
/// half of that, and up to a tenth more by chance, so that processes that began together do not ask
/// together.
///
/// Metadata servers give the same token until shortly before its end. Then this is half of what is
/// left, and half of that, until a new one comes.
pub(super) fn renew_after(life: Duration, random: u8) -> Duration {
    (life / 2 + life / 10 * u32::from(random) / 255).max(SHORTEST_PAUSE)
}

/// Pause after `failed` exchanges in a row (from 1) while `left` is left of the old credential, zero
/// if there is none. The upper half of it is random. The nearer the end, the shorter.
pub(super) fn pause(failed: u32, left: Duration, random: u8) -> Duration {
    let longest = if left.is_zero() { LONGEST_WITHOUT } else { LONGEST_PAUSE.min(left / 4) };
    let doubled = FIRST_PAUSE.saturating_mul(1 << failed.saturating_sub(1).min(10));
    let whole = doubled.min(longest).max(SHORTEST_PAUSE * 2);
    whole / 2 + whole / 2 * u32::from(random) / 255
}

/// How long the answer to an exchange is waited for while `left` is left of the old credential.
pub(super) fn patience(left: Duration) -> Duration {
    if left.is_zero() { PATIENCE } else { (left / 4).clamp(LEAST_PATIENCE, PATIENCE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn the_next_one_is_asked_for_at_half_of_the_life() {
        let table = [
            // An hour: STS, Azure, Google.
            (ms(3_600_000), 0, ms(1_800_000)),
            (ms(3_600_000), 255, ms(2_160_000)),
            // The same token again, with half of it left.
            (ms(1_800_000), 0, ms(900_000)),
            // So short that there is no sense in it: not in a circle, all the same.
            (ms(100), 0, ms(250)),
        ];
        for (life, random, after) in table {
            assert_eq!(renew_after(life, random), after, "{life:?} {random}");
        }
        assert_eq!(used_for(ms(0)), ms(60_000), "a clock is wrong");
        assert_eq!(used_for(ms(4000)), ms(3800));
        assert_eq!(used_for(ms(3_600_000)), ms(3_595_000));
    }

    #[test]
    fn pauses_grow_and_shrink_again_when_the_end_is_near() {
        let hour = ms(1_800_000);
        let table = [
            (1, hour, 255, ms(1000)),
            (1, hour, 0, ms(500)),
            (2, hour, 255, ms(2000)),
            (6, hour, 255, ms(32_000)),
            (7, hour, 255, ms(60_000)),
            (u32::MAX, hour, 255, ms(60_000)),
            (20, ms(40_000), 255, ms(10_000)),
            (20, ms(4000), 255, ms(1000)),
            (20, ms(1), 255, ms(500)),
            (20, ms(1), 0, ms(250)),
            // None lives.
            (1, ms(0), 255, ms(1000)),
            (20, ms(0), 255, ms(5000)),
        ];
        for (failed, left, random, expected) in table {
            assert_eq!(pause(failed, left, random), expected, "{failed} {left:?} {random}");
        }
    }

    #[test]
    fn an_answer_is_not_waited_for_until_the_end() {
        let table = [
            (ms(0), ms(10_000)),
            (ms(1_800_000), ms(10_000)),
            (ms(20_000), ms(5000)),
            (ms(100), ms(1000)),
        ];
        for (left, expected) in table {
            assert_eq!(patience(left), expected, "{left:?}");
        }
    }
}
