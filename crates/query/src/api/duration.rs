//! Durations as text.

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The units of Go's `time.ParseDuration`.
const GO: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", MILLISECOND),
    ("s", SECOND),
    ("m", MINUTE),
    ("h", HOUR),
];

/// The units of Prometheus' configuration files.
const PROMETHEUS: &[(&str, u64)] = &[
    ("ms", MILLISECOND),
    ("s", SECOND),
    ("m", MINUTE),
    ("h", HOUR),
    ("d", DAY),
    ("w", 7 * DAY),
    ("y", 365 * DAY),
];

/// A duration as Go writes it (`1h30m`, `1.5s`), in nanoseconds; none for what is not one, is
/// negative, or has more nanoseconds than 64 bits hold.
pub(super) fn go(text: &str) -> Option<u64> {
    parse(text, GO)
}

/// A duration as Prometheus writes it (`1d`, `2w`), in nanoseconds; none as in [`go`].
pub(super) fn prometheus(text: &str) -> Option<u64> {
    parse(text, PROMETHEUS)
}

/// A plain number of seconds, which may have a fraction, in nanoseconds; none as in [`go`].
pub(super) fn seconds(text: &str) -> Option<u64> {
    let (whole, fraction, rest) = number(text)?;
    scaled(whole, fraction, SECOND).filter(|_| rest.is_empty())
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0u64;
    while !rest.is_empty() {
        let (whole, fraction, after) = number(rest)?;
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (name, after) = after.split_at_checked(end)?;
        let (_, unit) = units.iter().find(|(unit, _)| *unit == name)?;
        total = total.checked_add(scaled(whole, fraction, *unit)?)?;
        rest = after;
    }
    Some(total)
}

/// The digits before and after a point, at least one in all, and what stands behind them.
fn number(text: &str) -> Option<(&str, &str, &str)> {
    let (whole, after) = digits(text);
    let (fraction, after) = after.strip_prefix('.').map_or(("", after), digits);
    (whole.len() + fraction.len() > 0).then_some((whole, fraction, after))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// `whole.fraction` times `unit`; what is below one is cut.
fn scaled(whole: &str, fraction: &str, unit: u64) -> Option<u64> {
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let (mut part, mut scale) = (0u128, 1u128);
    for digit in fraction.bytes().take(18) {
        part = part * 10 + u128::from(digit - b'0');
        scale *= 10;
    }
    let part = u64::try_from(part * u128::from(unit) / scale).ok()?;
    whole.checked_mul(unit)?.checked_add(part)
}

/// A duration as Go writes it: `24h0m0s`, `1m30s`, `1.5s`, `60ms`, `0s`.
pub(super) fn text(nanoseconds: u64) -> String {
    match nanoseconds {
        0 => "0s".to_owned(),
        1..1_000 => format!("{nanoseconds}ns"),
        1_000..MILLISECOND => decimal(nanoseconds, 1_000, "\u{b5}s"),
        MILLISECOND..SECOND => decimal(nanoseconds, MILLISECOND, "ms"),
        _ => {
            let (hours, minutes) = (nanoseconds / HOUR, nanoseconds / MINUTE % 60);
            let seconds = decimal(nanoseconds % MINUTE, SECOND, "s");
            match (hours, minutes) {
                (0, 0) => seconds,
                (0, _) => format!("{minutes}m{seconds}"),
                _ => format!("{hours}h{minutes}m{seconds}"),
            }
        }
    }
}

fn decimal(nanoseconds: u64, unit: u64, name: &str) -> String {
    let (whole, part) = (nanoseconds / unit, nanoseconds % unit);
    if part == 0 {
        return format!("{whole}{name}");
    }
    let fraction = format!("{:09}", part * (SECOND / unit));
    format!("{whole}.{}{name}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests;
