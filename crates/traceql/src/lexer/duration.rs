//! Durations: Prometheus' form (`1d2h`) and Go's (`1.5s`, `1h30m`).

use super::{MAX_MAGNITUDE, is_word};

const SECOND: u64 = 1_000_000_000;

/// A unit in nanoseconds, where it stands in a duration of Prometheus, and whether Go has it.
fn unit(name: &str) -> Option<(u64, Option<u8>, bool)> {
    Some(match name {
        "y" => (365 * 86_400 * SECOND, Some(1), false),
        "w" => (7 * 86_400 * SECOND, Some(2), false),
        "d" => (86_400 * SECOND, Some(3), false),
        "h" => (3_600 * SECOND, Some(4), true),
        "m" => (60 * SECOND, Some(5), true),
        "s" => (SECOND, Some(6), true),
        "ms" => (1_000_000, Some(7), true),
        // The second is Latin-1's micro, the third the Greek letter.
        "us" | "µs" | "μs" => (1_000, None, true),
        "ns" => (1, None, true),
        _ => return None,
    })
}

/// The duration at the start of a text in nanoseconds, and its bytes; none if it is a mere number.
pub(super) fn scan(text: &str) -> Result<Option<(u64, usize)>, String> {
    let mut rest = text;
    let mut total = 0_u128;
    // Prometheus wants whole numbers and each unit once, the large ones first. Go wants neither.
    let (mut prometheus, mut go, mut last) = (true, true, 0);
    while let Some((number, after)) = split_number(rest) {
        let end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (name, behind) = after.split_at_checked(end).unwrap_or_default();
        let Some((nanos, place, of_go)) = unit(name) else {
            return if rest.len() == text.len() { Ok(None) } else { Err(invalid(text)) };
        };
        prometheus &= !number.contains('.') && place.is_some_and(|place| place > last);
        go &= of_go;
        last = place.unwrap_or(u8::MAX);
        total = value(number, nanos).and_then(|v| total.checked_add(v)).unwrap_or(u128::MAX);
        rest = behind;
    }
    if !(prometheus || go) || rest.starts_with(is_word) {
        return Err(invalid(text));
    }
    match u64::try_from(total) {
        Ok(nanos) if nanos <= MAX_MAGNITUDE => Ok(Some((nanos, text.len() - rest.len()))),
        _ => Err("the duration is out of range".into()),
    }
}

/// The whole number or fraction at the start of a text, and what is behind.
fn split_number(text: &str) -> Option<(&str, &str)> {
    let whole = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let mut end = whole;
    if let Some(fraction) = text.get(whole..).unwrap_or_default().strip_prefix('.') {
        let len = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
        if whole + len > 0 {
            end += 1 + len;
        }
    }
    if end == 0 { None } else { text.split_at_checked(end) }
}

/// So many units in nanoseconds, without loss; what is less than one is cut off.
fn value(number: &str, nanos: u64) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u128>().ok()? };
    // No unit but years has more digits than these, and Go has no years.
    let fraction = fraction.get(..fraction.len().min(18)).unwrap_or_default();
    let mut part = 0;
    if !fraction.is_empty() {
        let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        part = fraction.parse::<u128>().ok()? * u128::from(nanos) / scale;
    }
    whole.checked_mul(u128::from(nanos))?.checked_add(part)
}

fn invalid(text: &str) -> String {
    let end = text.find(|c| !is_word(c) && c != '.').unwrap_or(text.len());
    format!("{:?} is no duration, such as 1.5s, 20ms or 1d2h", text.get(..end).unwrap_or_default())
}
