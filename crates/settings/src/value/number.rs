//! Decimal numbers with a unit behind them, computed exactly.

/// Digits behind the point that count; more are left out.
const FRACTION: u32 = 18;

/// The number at the front and what stands behind it, without the blanks between them.
pub(super) fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    (number, rest.trim_start())
}

/// Whether this is a number: digits, with at most one point among them.
pub(super) fn is_number(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && text.bytes().filter(|b| *b == b'.').count() <= 1
}

/// `number` times `factor`, rounded down; `None` when it is far too large.
pub(super) fn scaled(number: &str, factor: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digit = |b: u8| u128::from(b.wrapping_sub(b'0'));
    let mut value = 0_u128;
    for b in whole.bytes() {
        value = value.checked_mul(10)?.checked_add(digit(b))?;
    }
    let mut divisor = 1;
    for (b, _) in fraction.bytes().zip(0..FRACTION) {
        value = value.checked_mul(10)?.checked_add(digit(b))?;
        divisor *= 10;
    }
    Some(value.checked_mul(factor)? / divisor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_split_from_units() {
        for (text, expected) in [
            ("16MiB", ("16", "MiB")),
            ("1.5 s", ("1.5", "s")),
            ("7", ("7", "")),
            ("lots", ("", "lots")),
            ("1.5.5s", ("1.5.5", "s")),
        ] {
            assert_eq!(split(text), expected);
        }
        for (text, expected) in
            [("7", true), ("1.5", true), (".5", true), ("5.", true), (".", false), ("1.2.3", false)]
        {
            assert_eq!(is_number(text), expected, "{text}");
        }
    }

    #[test]
    fn nothing_is_lost_by_scaling() {
        let table = [
            ("16", 1 << 20, Some(16 << 20)),
            ("1.5", 1 << 20, Some(3 << 19)),
            ("0.1", 1_000_000, Some(100_000)),
            ("1.3", 1024, Some(1331)),
            (".5", 10, Some(5)),
            ("0.3333333333333333333333333", 3, Some(0)),
            ("99999999999999999999999999999999999999", 1 << 30, None),
        ];
        for (number, factor, expected) in table {
            assert_eq!(scaled(number, factor), expected, "{number}");
        }
    }
}
