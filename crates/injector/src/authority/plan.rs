//! What becomes of the authorities, and when: decisions, no I/O. Times are seconds since 1970.

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// How long an authority lives.
pub(super) const AUTHORITY_LIVES: u64 = 3650 * DAY;
/// How long a replica's certificate lives.
pub(super) const CERTIFICATE_LIVES: u64 = 7 * DAY;
/// How long an authority is in bundles before it signs.
const SIGNS_AFTER: u64 = HOUR;

/// What is to be done with the Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing.
    Keep,
    /// There is none: make it.
    First,
    /// Make the next one.
    Next,
    /// The next one signs from now on, and the one that signed is the old one.
    Promote,
    /// Nothing that the old one has signed lives any more.
    Forget,
}

/// By when each of the authorities was made.
pub(super) fn step(signs: Option<u64>, next: Option<u64>, has_old: bool, now: u64) -> Step {
    let Some(signs) = signs else { return Step::First };
    match next {
        Some(next) if now >= next + SIGNS_AFTER => Step::Promote,
        None if now >= signs + AUTHORITY_LIVES / 3 * 2 => Step::Next,
        _ if has_old && now >= signs + SIGNS_AFTER + CERTIFICATE_LIVES + DAY => Step::Forget,
        _ => Step::Keep,
    }
}

/// Whether a replica needs another certificate: it has none, another authority signs, or two thirds of
/// its life are over.
pub(super) fn wants_certificate(had: Option<(u64, u64)>, signs: u64, now: u64) -> bool {
    had.is_none_or(|(made, by)| by != signs || now >= made + CERTIFICATE_LIVES / 3 * 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_come_one_after_the_other() {
        const MADE: u64 = 1_800_000_000;
        const TURN: u64 = MADE + AUTHORITY_LIVES / 3 * 2;
        let table = [
            (None, None, false, MADE, Step::First),
            (Some(MADE), None, false, MADE, Step::Keep),
            (Some(MADE), None, false, TURN - 1, Step::Keep),
            (Some(MADE), None, false, TURN, Step::Next),
            (Some(MADE), Some(TURN), false, TURN, Step::Keep),
            (Some(MADE), Some(TURN), false, TURN + HOUR - 1, Step::Keep),
            (Some(MADE), Some(TURN), false, TURN + HOUR, Step::Promote),
            // It took years until a replica ran again.
            (Some(MADE), None, false, MADE + AUTHORITY_LIVES + 1, Step::Next),
            (Some(TURN), None, true, TURN + HOUR, Step::Keep),
            (Some(TURN), None, true, TURN + HOUR + 8 * DAY - 1, Step::Keep),
            (Some(TURN), None, true, TURN + HOUR + 8 * DAY, Step::Forget),
            (Some(TURN), None, false, TURN + HOUR + 8 * DAY, Step::Keep),
            // A clock that is behind.
            (Some(MADE), Some(TURN), true, 0, Step::Keep),
        ];
        for (signs, next, has_old, now, expected) in table {
            assert_eq!(step(signs, next, has_old, now), expected, "{signs:?} {next:?} {now}");
        }
    }

    #[test]
    fn certificates_are_renewed_at_two_thirds() {
        let made = 1_800_000_000;
        let turn = made + CERTIFICATE_LIVES / 3 * 2;
        let table = [
            (None, 7, made, true),
            (Some((made, 7)), 7, turn - 1, false),
            (Some((made, 7)), 7, turn, true),
            (Some((made, 7)), 8, made, true),
        ];
        for (had, signs, now, expected) in table {
            assert_eq!(wants_certificate(had, signs, now), expected, "{had:?} {signs} {now}");
        }
    }
}
