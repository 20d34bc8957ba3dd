//! RFC 3339 times, such as those of `meta.json`.
//!
//! The calendar is Howard Hinnant's `days_from_civil` and its inverse, which hold for every
//! proleptic Gregorian date.

const DAY: u64 = 86_400;

/// The time in UTC. Fractions are written without trailing zeros, as Go does.
pub(crate) fn to_rfc3339(nanos: u64) -> String {
    let (seconds, fraction) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let (days, of_day) = (seconds / DAY, seconds % DAY);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if fraction > 0 {
        let digits = format!("{fraction:09}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    text.push('Z');
    text
}

/// The date in the Gregorian calendar, so many days after 1 January 1970: year, month from 1, day
/// from 1.
#[must_use]
pub fn date(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + u64::from(month <= 2), month, day)
}

/// The nanoseconds of a time with any zone offset. Times before 1970 (Go's zero time is the year
/// 1) give 0, times beyond 64 bits the largest number.
pub(crate) fn from_rfc3339(text: &str) -> Option<u64> {
    let (seconds, fraction) = parse(text)?;
    Some(
        u64::try_from(seconds)
            .map_or(0, |s| s.saturating_mul(1_000_000_000).saturating_add(fraction)),
    )
}

/// A time with any zone offset, between whose date and clock a blank may stand, too: seconds since
/// 1970, less than 0 for times before, and the nanoseconds beyond them; digits below are cut. None
/// for what is no such time.
#[must_use]
pub fn parse(text: &str) -> Option<(i64, u64)> {
    let mut rest = text.as_bytes();
    let year = number(&mut rest, 4)?;
    literal(&mut rest, b"-")?;
    let month = number(&mut rest, 2).filter(|m| (1..=12).contains(m))?;
    literal(&mut rest, b"-")?;
    let day = number(&mut rest, 2).filter(|d| (1..=31).contains(d))?;
    literal(&mut rest, b"Tt ")?;
    let hour = number(&mut rest, 2).filter(|h| *h < 24)?;
    literal(&mut rest, b":")?;
    let minute = number(&mut rest, 2).filter(|m| *m < 60)?;
    literal(&mut rest, b":")?;
    let second = number(&mut rest, 2).filter(|s| *s < 61)?;
    let mut fraction = 0;
    if literal(&mut rest, b".").is_some() {
        let mut scale = 100_000_000;
        let before = rest.len();
        while let Some(digit) = digit(&mut rest) {
            fraction += digit * scale;
            scale /= 10;
        }
        if rest.len() == before {
            return None;
        }
    }
    let offset = match literal(&mut rest, b"Zz+-")? {
        sign @ (b'+' | b'-') => {
            let hours = number(&mut rest, 2).filter(|h| *h < 24)?;
            literal(&mut rest, b":")?;
            let minutes = number(&mut rest, 2).filter(|m| *m < 60)?;
            let offset = (hours * 3_600 + minutes * 60).cast_signed();
            if sign == b'+' { offset } else { -offset }
        }
        _ => 0,
    };
    if !rest.is_empty() {
        return None;
    }
    let y = (if month <= 2 { year.checked_sub(1) } else { Some(year) }).unwrap_or_default();
    let (era, yoe) = (y / 400, y % 400);
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    let days = (era * 146_097 + doe).cast_signed() - 719_468;
    let seconds =
        days * DAY.cast_signed() + (hour * 3_600 + minute * 60 + second).cast_signed() - offset;
    Some((seconds, fraction))
}

fn digit(rest: &mut &[u8]) -> Option<u64> {
    let (&first, tail) = rest.split_first()?;
    let digit = first.is_ascii_digit().then(|| u64::from(first - b'0'))?;
    *rest = tail;
    Some(digit)
}

fn number(rest: &mut &[u8], digits: usize) -> Option<u64> {
    (0..digits).try_fold(0, |n, _| Some(n * 10 + digit(rest)?))
}

fn literal(rest: &mut &[u8], any_of: &[u8]) -> Option<u8> {
    let (&first, tail) = rest.split_first()?;
    any_of.contains(&first).then(|| *rest = tail)?;
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_times() {
        let table = [
            (0, "1970-01-01T00:00:00Z"),
            (1_795_344_110_000_000_000, "2026-11-22T10:41:50Z"),
            (951_782_400_123_000_000, "2000-02-29T00:00:00.123Z"),
            (u64::MAX, "2554-07-21T23:34:33.709551615Z"),
        ];
        for (nanos, text) in table {
            assert_eq!(to_rfc3339(nanos), text);
            assert_eq!(from_rfc3339(text), Some(nanos));
        }
        assert_eq!(from_rfc3339("2026-11-22T12:41:50+02:00"), Some(1_795_344_110_000_000_000));
        assert_eq!(from_rfc3339("0001-01-01T00:00:00Z"), Some(0));
        assert_eq!(from_rfc3339("9999-12-31T00:00:00Z"), Some(u64::MAX));
    }

    #[test]
    fn no_times() {
        for text in
            ["", "2026", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z"]
        {
            assert_eq!(from_rfc3339(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_time_comes_back(nanos in any::<u64>()) {
            prop_assert_eq!(from_rfc3339(&to_rfc3339(nanos)), Some(nanos));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = from_rfc3339(&text);
        }
    }
}
