//! Points in time, as they are asked for and as they are shown: in UTC, whatever the machine's clock
//! is set to.

use std::time::Duration;

const DAY: i64 = 86_400;
/// 9999-12-31T23:59:59Z.
const LAST: u64 = 253_402_300_799;

/// Time since 1970.
pub(crate) type Moment = Duration;

/// A time in Unix seconds, which may have a fraction, or in RFC 3339.
///
/// # Errors
/// What is wrong with the text.
pub(crate) fn parse(text: &str) -> Result<Moment, String> {
    let text = text.trim();
    let moment = unix(text).or_else(|| rfc3339(text));
    moment.filter(|moment| moment.as_secs() <= LAST).ok_or_else(|| {
        format!("`{text}` is no time such as `2026-11-29T12:00:00Z` or `1796040000` (Unix seconds)")
    })
}

fn unix(text: &str) -> Option<Moment> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    Duration::try_from_secs_f64(plain.then(|| text.parse().ok())??).ok()
}

/// `2026-11-29T12:01:00.5+01:00`. None for times before 1970.
fn rfc3339(text: &str) -> Option<Moment> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let (clock, ahead) = zone(time)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = fields(clock, ':', [2, 2, 2])?;
    let sane = (1..=12).contains(&month) && (1..=31).contains(&day);
    if !sane || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second - ahead;
    let fraction = unix(&format!("0.{fraction}")).filter(|_| !fraction.is_empty())?;
    Some(Duration::from_secs(u64::try_from(seconds).ok()?) + fraction)
}

/// The clock, and what it is ahead of UTC in seconds.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let (clock, offset) = time.split_at_checked(time.rfind(['+', '-'])?)?;
    let [hours, minutes] = fields(offset.trim_start_matches(['+', '-']), ':', [2, 2])?;
    let seconds = hours * 3600 + minutes * 60;
    let sane = hours < 24 && minutes < 60;
    sane.then_some((clock, if offset.starts_with('-') { -seconds } else { seconds }))
}

/// Numbers of just so many digits, with `separator` between them.
fn fields<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[i64; N]> {
    let mut numbers = [0; N];
    let mut parts = text.split(separator);
    for (number, width) in numbers.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == width)?;
        *number = part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(numbers)
}

/// Days from 1 January 1970 to a day of the Gregorian calendar, whose year is taken to begin in
/// March, so that the leap day is its last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// `2026-11-29 12:01:00`; what is below a second is cut.
pub(crate) fn utc(moment: Moment) -> String {
    let seconds = i64::try_from(moment.as_secs().min(LAST)).unwrap_or_default();
    let (year, month, day) = date(seconds / DAY);
    let second = seconds % DAY;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// The day of the calendar, so many days after 1 January 1970: [`days`] turned round.
fn date(number: i64) -> (i64, i64, i64) {
    /// Days of 400 years.
    const ERA: i64 = 146_097;
    let since = number + 719_468;
    let (era, of_era) = (since.div_euclid(ERA), since.rem_euclid(ERA));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    (era * 400 + year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_both_forms() {
        let table = [
            ("0", 0.0),
            ("1796040000", 1_796_040_000.0),
            (" 12.5\n", 12.5),
            ("1970-01-01T00:00:00Z", 0.0),
            ("2026-11-30T12:00:00Z", 1_796_040_000.0),
            ("2026-11-30 12:00:00z", 1_796_040_000.0),
            ("2026-11-30T13:30:00.25+01:30", 1_796_040_000.25),
            ("2026-11-30T04:00:00-08:00", 1_796_040_000.0),
            ("2024-02-29T00:00:00Z", 1_709_164_800.0),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text).unwrap().as_secs_f64(), expected, "{text}");
        }
        let wrong = [
            "",
            "now",
            "-1",
            "1e9",
            ".",
            "2026-11-29",
            "2026-11-29T12:00:00",
            "2026-13-01T00:00:00Z",
            "2026-1-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2026-11-29T12:00Z",
            "2026-11-29T12:00:00.Z",
            "99999999999999",
        ];
        for text in wrong {
            assert!(
                parse(text).unwrap_err().starts_with(&format!("`{text}` is no time")),
                "{text}"
            );
        }
    }

    #[test]
    fn every_day_reads_back() {
        for number in -800_000..800_000 {
            let (year, month, day) = date(number);
            assert_eq!(days(year, month, day), number);
        }
        let shown = [
            (0, "1970-01-01 00:00:00"),
            (1_709_164_799, "2024-02-28 23:59:59"),
            (1_709_164_800, "2024-02-29 00:00:00"),
            (u64::MAX, "9999-12-31 23:59:59"),
        ];
        for (seconds, expected) in shown {
            assert_eq!(utc(Duration::from_secs(seconds)), expected);
        }
    }
}
