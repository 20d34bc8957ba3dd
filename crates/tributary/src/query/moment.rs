//! Points in time, as they are asked for and as they are shown: in UTC, whatever the machine's clock
//! is set to.

use std::time::Duration;
use tributary_block::time;

const DAY: u64 = 86_400;
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
    let (seconds, fraction) = time::parse(text)?;
    Some(Duration::from_secs(u64::try_from(seconds).ok()?) + Duration::from_nanos(fraction))
}

/// `2026-11-29 12:01:00`; what is below a second is cut.
pub(crate) fn utc(moment: Moment) -> String {
    let seconds = moment.as_secs().min(LAST);
    let (year, month, day) = time::date(seconds / DAY);
    let second = seconds % DAY;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
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
        for number in 0..800_000 {
            let day = Duration::from_secs(number * DAY);
            assert_eq!(parse(&format!("{}Z", utc(day))), Ok(day));
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
