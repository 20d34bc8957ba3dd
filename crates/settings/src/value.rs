//! Values read from text. Each reader says what is wrong in words that stand behind the setting's
//! name; texts come with the blanks around them taken off.

mod number;
mod size;
mod time;

pub use size::{size, size_between};
pub use time::{duration, duration_between, duration_text};

use crate::nearest::hint;

/// Any text.
///
/// # Errors
/// None.
pub fn text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// One of several words, capitals or not.
///
/// # Errors
/// What the words are, and which is nearest.
pub fn choice<T: Copy>(text: &str, choices: &[(&'static str, T)]) -> Result<T, String> {
    let chosen = choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    chosen.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        let near = hint(text, words.iter().map(|&word| word.to_owned()));
        format!("`{text}` is none of {}{near}", words.join(", "))
    })
}

/// `true` or `false`, `yes` or `no`, `on` or `off`, `1` or `0`.
///
/// # Errors
/// That it is neither.
pub fn boolean(text: &str) -> Result<bool, String> {
    let words = [
        ("true", true),
        ("false", false),
        ("yes", true),
        ("no", false),
        ("on", true),
        ("off", false),
        ("1", true),
        ("0", false),
    ];
    choice(text, &words).map_err(|_| format!("`{text}` is neither true nor false"))
}

/// What stands between commas, blanks taken off, empty items left out.
pub fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let choices = [("text", 1), ("json", 2)];
        assert_eq!(choice("json", &choices), Ok(2));
        assert_eq!(choice("JSON", &choices), Ok(2));
        assert_eq!(
            choice("jsn", &choices),
            Err("`jsn` is none of text, json; did you mean `json`?".to_owned())
        );
        for (text, expected) in [("Yes", Some(true)), ("0", Some(false)), ("maybe", None)] {
            assert_eq!(boolean(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn lists() {
        let found: Vec<_> = items(" a ,\n b,, c\r\n,").collect();
        assert_eq!(found, ["a", "b", "c"]);
        assert_eq!(items(" , ").count(), 0);
    }
}
