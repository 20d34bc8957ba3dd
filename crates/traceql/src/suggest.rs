//! The nearest right name for a wrong one.

/// The candidate with the fewest edits between it and `wrong`, if that is few enough to be what was
/// meant. Of several the first.
pub(crate) fn nearest<'a>(
    wrong: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wrong: Vec<char> = wrong.chars().take(64).flat_map(char::to_lowercase).collect();
    let allowed = wrong.len().div_ceil(3);
    let distance = |name: &str| {
        let name: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
        // With fewer letters kept than changed it would be a guess.
        let few = edits(&wrong, &name);
        (few <= allowed && few < name.len()).then_some(few)
    };
    candidates
        .into_iter()
        .filter_map(|name| Some((distance(name)?, name)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters must be put in, left out or changed (Levenshtein).
fn edits(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, b) in row.iter_mut().skip(1).zip(to) {
            let best = (diagonal + usize::from(a != b)).min(*cell + 1).min(left + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let names = ["status", "statusMessage", "duration", "name", "kind"];
        let table = [
            ("statsu", Some("status")),
            ("Status", Some("status")),
            ("durration", Some("duration")),
            ("nme", Some("name")),
            ("statusmessage", Some("statusMessage")),
            ("foo", None),
            ("", None),
            ("x", None),
        ];
        for (wrong, right) in table {
            assert_eq!(nearest(wrong, names), right, "{wrong}");
        }
    }

    #[test]
    fn edits_are_counted() {
        let chars = |s: &str| s.chars().collect::<Vec<_>>();
        for (a, b, n) in [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3)] {
            assert_eq!(edits(&chars(a), &chars(b)), n, "{a} {b}");
        }
    }
}
