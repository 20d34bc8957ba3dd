//! The nearest right name to a wrong one.

/// `; did you mean …?` with the nearest of `right`, or nothing when none is near. Capitals count
/// for nothing.
pub fn hint(wrong: &str, right: impl IntoIterator<Item = String>) -> String {
    let lower = wrong.to_lowercase();
    let near = right
        .into_iter()
        .map(|right| (edit_distance(&right.to_lowercase(), &lower), right))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= reach(wrong));
    near.map_or_else(String::new, |(_, right)| format!("; did you mean `{right}`?"))
}

/// How many letters may differ. What every name begins with is part of none.
fn reach(wrong: &str) -> usize {
    let name = wrong.strip_prefix(crate::names::PREFIX).unwrap_or(wrong);
    1 + name.trim_start_matches('-').chars().count() / 3
}

/// How many bytes must be added, taken away or changed to make one short text of the other.
pub fn edit_distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut before = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let replaced = before + usize::from(x != y);
            before = *cell;
            left = replaced.min(before + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in
            [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(edit_distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_is_named_when_it_is_near() {
        let names = ["--upstream-tls-ca", "--buffer", "--zone", "--tenant"];
        let table = [
            ("--upstream-ca", "; did you mean `--upstream-tls-ca`?"),
            ("--bufer", "; did you mean `--buffer`?"),
            ("--ZONE", "; did you mean `--zone`?"),
            ("--colour", ""),
            ("--x", ""),
            ("--", ""),
        ];
        for (wrong, expected) in table {
            assert_eq!(hint(wrong, names.map(str::to_owned)), expected, "{wrong}");
        }
    }
}
