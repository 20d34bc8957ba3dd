//! Sizes in bytes.

use super::number;
use crate::nearest::hint;
use std::ops::RangeInclusive;

const UNITS: [(&str, u128); 16] = [
    ("", 1),
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("k", 1_000),
    ("K", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
];

/// A size in bytes: a number, alone or with a unit behind it. The root page has the table.
///
/// # Errors
/// What is wrong with the text.
pub fn size(text: &str) -> Result<usize, String> {
    let (digits, unit) = number::split(text);
    if !number::is_number(digits) {
        return Err(format!("`{text}` is no size such as `65536`, `16MiB` or `1.5GiB`"));
    }
    let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        let near = hint(unit, UNITS.iter().skip(1).map(|(name, _)| (*name).to_owned()));
        return Err(format!(
            "`{unit}` is no unit of size: B, KiB, MiB, GiB (or Ki, Mi, Gi), kB, MB, GB (or k, M, G){near}"
        ));
    };
    let bytes = number::scaled(digits, *factor).and_then(|bytes| usize::try_from(bytes).ok());
    bytes.ok_or_else(|| format!("`{text}` is too large"))
}

/// A size within limits.
///
/// # Errors
/// What is wrong with the text, or what the limits are.
pub fn size_between(limits: RangeInclusive<usize>) -> impl Fn(&str) -> Result<usize, String> {
    move |text| match size(text)? {
        bytes if limits.contains(&bytes) => Ok(bytes),
        _ if *limits.end() == usize::MAX => {
            Err(format!("`{text}` is less than {}", shown(*limits.start())))
        }
        _ => Err(format!(
            "`{text}` is not between {} and {}",
            shown(*limits.start()),
            shown(*limits.end())
        )),
    }
}

/// As a person writes it: in the largest unit of which it is a whole number.
fn shown(bytes: usize) -> String {
    let whole = |shift: u32| bytes != 0 && bytes.trailing_zeros() >= shift;
    match bytes {
        _ if whole(30) => format!("{}GiB", bytes >> 30),
        _ if whole(20) => format!("{}MiB", bytes >> 20),
        _ if whole(10) => format!("{}KiB", bytes >> 10),
        _ => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let table = [
            ("0", Some(0)),
            ("100", Some(100)),
            ("100B", Some(100)),
            ("16MiB", Some(16 << 20)),
            ("16 MiB", Some(16 << 20)),
            ("16Mi", Some(16 << 20)),
            ("16M", Some(16_000_000)),
            ("1.5MiB", Some(3 << 19)),
            ("1.5kB", Some(1500)),
            ("2KB", Some(2000)),
            ("2k", Some(2000)),
            ("1GiB", Some(1 << 30)),
            ("", None),
            ("MiB", None),
            ("-1", None),
            ("1.2.3MiB", None),
            ("1e6", None),
            ("16mib", None),
            ("16m", None),
            ("1XB", None),
            ("99999999999999999999GiB", None),
            ("18446744073709551615GiB", None),
        ];
        for (text, expected) in table {
            assert_eq!(size(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_wrong_unit_has_a_right_one_near_it() {
        for (text, near) in [("16mib", "MiB"), ("16MIB", "MiB"), ("16m", "M"), ("1gb", "GB")] {
            let why = size(text).unwrap_err();
            assert!(why.ends_with(&format!("did you mean `{near}`?")), "{why}");
        }
    }

    #[test]
    fn limits() {
        let read = size_between(1024..=2 << 20);
        assert_eq!(read("1KiB"), Ok(1024));
        assert_eq!(read("1B"), Err("`1B` is not between 1KiB and 2MiB".to_owned()));
        let read = size_between(1 << 20..=usize::MAX);
        assert_eq!(read("10"), Err("`10` is less than 1MiB".to_owned()));
    }

    #[test]
    fn as_a_person_writes_it() {
        for (bytes, text) in [(0, "0"), (1000, "1000"), (65_536, "64KiB"), (3 << 30, "3GiB")] {
            assert_eq!(shown(bytes), text);
        }
    }
}
