//! Times.

use super::number;
use std::ops::RangeInclusive;
use std::time::Duration;

const SECOND: u128 = 1_000_000_000;

/// Units with their nanoseconds.
const UNITS: [(&str, u128); 5] = [
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3600 * SECOND),
    ("d", 86_400 * SECOND),
];

/// A time: numbers with `ms`, `s`, `m`, `h` or `d` behind them.
///
/// # Errors
/// What is wrong with the text.
pub fn duration(text: &str) -> Result<Duration, String> {
    let mut nanos = Some(0_u128);
    let mut rest = text;
    loop {
        let (digits, behind) = number::split(rest);
        if !number::is_number(digits) {
            return Err(format!("`{text}` is no time such as `250ms`, `10s` or `1h30m`"));
        }
        let end = behind.find(|c: char| !c.is_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            let near = nearest(unit).map(|near| format!("; did you mean `{near}`?"));
            let near = near.unwrap_or_default();
            return Err(format!("`{text}` needs a unit of time: ms, s, m, h or d{near}"));
        };
        let part = number::scaled(digits, *factor);
        nanos = nanos.zip(part).and_then(|(sum, part)| sum.checked_add(part));
        rest = behind.trim_start();
        if rest.is_empty() {
            break;
        }
    }
    nanos.and_then(from_nanos).ok_or_else(|| format!("`{text}` is too long"))
}

/// The unit that another word or spelling stands for, by how it begins.
fn nearest(unit: &str) -> Option<&'static str> {
    let unit = unit.to_lowercase();
    let begins = ["ms", "mil", "s", "m", "h", "d"].into_iter().find(|b| unit.starts_with(b))?;
    Some(if begins == "mil" { "ms" } else { begins })
}

fn from_nanos(nanos: u128) -> Option<Duration> {
    let below = u32::try_from(nanos % SECOND).ok()?;
    Some(Duration::new(u64::try_from(nanos / SECOND).ok()?, below))
}

/// A time within limits.
///
/// # Errors
/// What is wrong with the text, or what the limits are.
pub fn duration_between(
    limits: RangeInclusive<Duration>,
) -> impl Fn(&str) -> Result<Duration, String> {
    move |text| match duration(text)? {
        time if limits.contains(&time) => Ok(time),
        _ => Err(format!(
            "`{text}` is not between {} and {}",
            duration_text(*limits.start()),
            duration_text(*limits.end())
        )),
    }
}

/// As a person writes it: in the largest unit of which it is a whole number.
pub fn duration_text(time: Duration) -> String {
    let nanos = time.as_nanos();
    match UNITS.iter().rev().find(|(_, unit)| nanos.is_multiple_of(*unit)) {
        _ if nanos == 0 => "0s".to_owned(),
        Some((name, unit)) => format!("{}{name}", nanos / unit),
        None => format!("{time:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let table = [
            ("200ms", Some(200)),
            ("10s", Some(10_000)),
            ("1.5s", Some(1500)),
            ("1.5 s", Some(1500)),
            ("2m", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("1h30m", Some(5_400_000)),
            ("1h 30m", Some(5_400_000)),
            ("7d", Some(604_800_000)),
            ("0s", Some(0)),
            ("", None),
            ("10", None),
            ("0", None),
            ("s", None),
            ("soon", None),
            ("-1s", None),
            ("1y", None),
            ("1e9h", None),
            ("1h30", None),
            ("..s", None),
            ("18446744073709551615m", None),
        ];
        for (text, expected) in table {
            assert_eq!(duration(text).ok(), expected.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn a_wrong_unit_has_a_right_one_near_it() {
        let table = [
            ("10", "`10` needs a unit of time: ms, s, m, h or d"),
            ("10S", "`10S` needs a unit of time: ms, s, m, h or d; did you mean `s`?"),
            ("10min", "`10min` needs a unit of time: ms, s, m, h or d; did you mean `m`?"),
            ("10us", "`10us` needs a unit of time: ms, s, m, h or d"),
        ];
        for (text, expected) in table {
            assert_eq!(duration(text).unwrap_err(), expected);
        }
    }

    #[test]
    fn limits() {
        let read = duration_between(Duration::from_millis(100)..=Duration::from_secs(7 * 86_400));
        assert_eq!(read("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(read("8d"), Err("`8d` is not between 100ms and 7d".to_owned()));
        let read = duration_between(Duration::ZERO..=Duration::from_secs(60));
        assert_eq!(read("61s"), Err("`61s` is not between 0s and 1m".to_owned()));
    }
}
