//! A point in time, in all the forms that the metrics routes take.

use super::duration;
use tributary_block::time;

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

/// `2026-11-22T12:01:00.5+01:00`. None for times before 1970, and where a blank stands in place of
/// the `T`: the standard leaves that to applications, and Tempo's does not take it.
fn rfc3339(text: &str) -> Option<u64> {
    let (seconds, fraction) = time::parse(text).filter(|_| !text.contains(' '))?;
    u64::try_from(seconds).ok()?.checked_mul(1_000_000_000)?.checked_add(fraction)
}

#[cfg(test)]
mod tests;
