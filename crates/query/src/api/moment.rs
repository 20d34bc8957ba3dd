//! A point in time, in all the forms that the metrics routes take.

use super::duration;

/// Nanoseconds since 1970 of a time in Unix seconds (up to ten digits, or with a fraction), in
/// Unix nanoseconds (more digits), or in RFC 3339.
pub(super) fn parse(text: &str) -> Option<u64> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return of_number(text.parse().ok()?);
    }
    duration::seconds(text).or_else(|| rfc3339(text))
}

/// A number without a unit: of up to ten digits seconds, otherwise nanoseconds.
pub(super) fn of_number(number: u64) -> Option<u64> {
    if number < 10_000_000_000 { number.checked_mul(1_000_000_000) } else { Some(number) }
}

/// `2026-11-22T12:01:00.5+01:00`. None for times before 1970.
fn rfc3339(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', 't'])?;
    let (clock, offset) = zone(time)?;
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hour, minute, second] = fields(clock, ':', [2, 2, 2])?;
    let sane = (1..=12).contains(&month) && (1..=31).contains(&day);
    if !sane || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let clock = hour * 3_600 + minute * 60 + second;
    let seconds = days(year, month, day) * 86_400 + clock - offset;
    let fraction = duration::seconds(&format!("0.{fraction}")).filter(|_| !fraction.is_empty())?;
    u64::try_from(seconds).ok()?.checked_mul(1_000_000_000)?.checked_add(fraction)
}

/// The clock and what it is ahead of UTC, in seconds.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let (clock, offset) = time.split_at_checked(time.rfind(['+', '-'])?)?;
    let [hours, minutes] = fields(offset.trim_start_matches(['+', '-']), ':', [2, 2])?;
    let seconds = hours * 3_600 + minutes * 60;
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

#[cfg(test)]
mod tests;
