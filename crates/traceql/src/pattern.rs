//! Regular expressions.

use crate::ast::Pattern;
use regex::bytes::{Regex, RegexBuilder};

/// How large a compiled expression may be, bytes.
const MAX_COMPILED: usize = 1 << 20;

impl Pattern {
    /// Compiles an expression that must match the whole text.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(text: &str) -> Result<Self, String> {
        // Alone first: `a)(b` would become valid between other parentheses.
        compile(text)?;
        let regex = compile(&format!("^(?s:(?:{text}))$"))?;
        Ok(Self { text: text.into(), regex })
    }

    /// The expression that matches every text with `part` in it; none when that is too long.
    #[must_use]
    pub fn containing(part: &str) -> Option<Self> {
        Self::new(&format!(".*{}.*", regex::escape(part))).ok()
    }
}

fn compile(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text).size_limit(MAX_COMPILED).build().map_err(|error| {
        let reason = match &error {
            regex::Error::CompiledTooBig(_) => "it is too large".into(),
            // The message has several lines: the expression, a pointer, and then what is wrong.
            other => {
                let whole = other.to_string();
                let last = whole.lines().last().unwrap_or_default();
                last.trim_start_matches("error: ").to_owned()
            }
        };
        format!("invalid regular expression {text:?}: {reason}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_value_must_match() {
        let table: [(&str, &[u8], bool); 11] = [
            ("a", b"a", true),
            ("a", b"ab", false),
            ("a|ab", b"ab", true),
            ("a|b", b"xb", false),
            (".*", b"a\nb", true),
            ("a.b", b"a\nb", true),
            ("^a$", b"a", true),
            ("a$", b"a\n", false),
            ("(?i)straße", "STRAßE".as_bytes(), true),
            ("", b"", true),
            ("a.*", b"a\xff", false),
        ];
        for (pattern, value, expected) in table {
            assert_eq!(Pattern::new(pattern).unwrap().matches(value), expected, "{pattern}");
        }
    }

    #[test]
    fn mistakes_are_told_in_one_line() {
        for (pattern, part) in [
            ("[", "unclosed character class"),
            ("a(?!b)", "look-around"),
            ("a)(b", "unopened group"),
            ("(a{1000}){1000}", "too large"),
        ] {
            let message = Pattern::new(pattern).unwrap_err();
            assert!(message.contains(part) && !message.contains('\n'), "{message}");
        }
    }
}
