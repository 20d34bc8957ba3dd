//! Kubernetes' quantities, as far as they are compared here.

/// Thousandths of a quantity such as `10m`, `0.5`, `64Mi` or `1e3`; none if it is no quantity, or a
/// negative one. What is smaller than a thousandth is rounded up, as the API server does it.
pub(crate) fn thousandths(text: &str) -> Option<u128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = [whole, part].concat();
    // Sixteen digits: more than an exbibyte's worth of any unit is no size of a container.
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    let places = u32::try_from(part.len()).ok()?;
    let (factor, divisor) = factor(unit)?;
    let scaled = digits.parse::<u128>().ok()?.checked_mul(factor)?.checked_mul(1000)?;
    Some(scaled.div_ceil(divisor.checked_mul(10_u128.checked_pow(places)?)?))
}

/// What a unit multiplies by, and divides by.
fn factor(unit: &str) -> Option<(u128, u128)> {
    let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let decimal = ["k", "M", "G", "T", "P", "E"];
    let power = |base: u128, i: usize| base.checked_pow(u32::try_from(i + 1).ok()?);
    if let Some(i) = binary.iter().position(|known| *known == unit) {
        return Some((power(1024, i)?, 1));
    }
    if let Some(i) = decimal.iter().position(|known| *known == unit) {
        return Some((power(1000, i)?, 1));
    }
    match unit {
        "" => Some((1, 1)),
        "m" => Some((1, 1000)),
        "u" => Some((1, 1_000_000)),
        "n" => Some((1, 1_000_000_000)),
        _ => {
            let exponent: i32 = unit.strip_prefix(['e', 'E'])?.parse().ok()?;
            let power = 10_u128.checked_pow(exponent.unsigned_abs().min(30))?;
            Some(if exponent < 0 { (1, power) } else { (power, 1) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_every_form() {
        let table = [
            ("10m", Some(10)),
            ("1", Some(1000)),
            ("0.5", Some(500)),
            (".5", Some(500)),
            ("1.", Some(1000)),
            ("100u", Some(1)),
            ("1n", Some(1)),
            ("64Mi", Some((64 << 20) * 1000)),
            ("64M", Some(64_000_000_000)),
            ("1.5Gi", Some(1_610_612_736_000)),
            ("1e3", Some(1_000_000)),
            ("1E3", Some(1_000_000)),
            ("1e-3", Some(1)),
            ("1E", Some(1_000_000_000_000_000_000_000)),
            ("", None),
            (".", None),
            ("-1", None),
            ("1.2.3", None),
            ("64MB", None),
            ("64 Mi", None),
            ("lots", None),
            ("1e99999999999", None),
            ("99999999999999999999", None),
            ("9999999999999999E", Some(9_999_999_999_999_999 * 10_u128.pow(21))),
            ("1é", None),
        ];
        for (text, expected) in table {
            assert_eq!(thousandths(text), expected, "{text}");
        }
    }
}
