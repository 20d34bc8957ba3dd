//! Durations and sizes as people write them.

use std::time::Duration;

/// `300ms`, `1.5s`, `2m`, `1h`.
///
/// # Errors
/// What is wrong with the text, to stand behind the setting's name.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let scale = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("is not a duration such as 300ms, 10s, 2m or 1h".to_owned()),
    };
    number
        .parse::<f64>()
        .ok()
        .and_then(|n| Duration::try_from_secs_f64(n * scale).ok())
        .filter(|d| !d.is_zero() && *d <= Duration::from_secs(7 * 86_400))
        .ok_or_else(|| "is not a duration above zero and up to a week".to_owned())
}

/// `65536`, `64KiB`, `4MiB`, `1GiB`, and the decimal `kB`, `MB`, `GB`.
///
/// # Errors
/// What is wrong with the text, to stand behind the setting's name.
pub fn parse_bytes(text: &str) -> Result<usize, String> {
    let (number, unit) = split(text);
    let scale: f64 = match unit {
        "" | "B" => 1.0,
        "KiB" => 1024.0,
        "MiB" => 1_048_576.0,
        "GiB" => 1_073_741_824.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        _ => return Err("is not a size such as 65536, 64KiB, 4MiB or 1GB".to_owned()),
    };
    let bytes =
        number.parse::<f64>().map_err(|_| "does not begin with a number".to_owned())? * scale;
    if !(0.0..=1e15).contains(&bytes) {
        return Err("is not a size that memory can have".to_owned());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within 0 and 1e15"
    )]
    Ok(bytes as usize)
}

/// The number at the front and the unit behind it.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse_duration("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(parse_duration("1.5 s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
        for bad in ["", "5", "s", "-1s", "0s", "1y", "1e9h", "..s"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_bytes("4MiB"), Ok(4 << 20));
        assert_eq!(parse_bytes("64 KiB"), Ok(65_536));
        assert_eq!(parse_bytes("1.5kB"), Ok(1500));
        assert_eq!(parse_bytes("7"), Ok(7));
        for bad in ["", "x", "1XB", "-1", "99999999GiB", "1.2.3MiB"] {
            assert!(parse_bytes(bad).is_err(), "{bad}");
        }
    }
}
