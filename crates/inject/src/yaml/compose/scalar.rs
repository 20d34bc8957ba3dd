//! What a plain scalar means, and where a quoted one ends.

use saphyr_parser::ScalarStyle;
use serde_json::{Number, Value};

/// The part of `text` that is the scalar: the parser's end of a quoted one lies behind the comment
/// that follows it.
pub(super) fn written(text: &str, style: ScalarStyle) -> &str {
    let quote = match style {
        ScalarStyle::SingleQuoted => '\'',
        ScalarStyle::DoubleQuoted => '"',
        _ => return text.trim_end(),
    };
    let mut inside = false;
    let mut escaped = false;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        if escaped {
            escaped = false;
        } else if inside && quote == '"' && letter == '\\' {
            escaped = true;
        } else if letter == quote {
            let doubled = quote == '\'' && letters.peek().is_some_and(|(_, next)| *next == quote);
            match (inside, doubled) {
                (false, _) => inside = true,
                (true, true) => drop(letters.next()),
                (true, false) => return text.get(..=at).unwrap_or(text),
            }
        }
    }
    text.trim_end()
}

/// As Kubernetes' tools read it.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let bare = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !bare.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(Number::from);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return u64::from_str_radix(octal, 8).ok().map(Number::from);
    }
    let whole = text.strip_prefix('+').unwrap_or(text);
    if let Ok(number) = whole.parse::<i64>() {
        return Some(number.into());
    }
    if let Ok(number) = whole.parse::<u64>() {
        return Some(number.into());
    }
    let is_float = bare.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
        && bare.contains(|c: char| c.is_ascii_digit());
    if is_float { Number::from_f64(whole.parse().ok()?) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quoted_scalars_end_with_their_quote() {
        for (text, style, expected) in [
            ("\"a\\\"b\" # \"c\"\n", ScalarStyle::DoubleQuoted, "\"a\\\"b\""),
            ("'it''s' # 'c'\n", ScalarStyle::SingleQuoted, "'it''s'"),
            ("'' ", ScalarStyle::SingleQuoted, "''"),
            ("\"a", ScalarStyle::DoubleQuoted, "\"a"),
            ("a  \n", ScalarStyle::Plain, "a"),
        ] {
            assert_eq!(written(text, style), expected, "{text}");
        }
    }

    #[test]
    fn words_and_numbers() {
        let table = [
            ("", json!(null)),
            ("~", json!(null)),
            ("true", json!(true)),
            ("yes", json!("yes")),
            ("1", json!(1)),
            ("-1", json!(-1)),
            ("+1", json!(1)),
            ("0x10", json!(16)),
            ("0o17", json!(15)),
            ("18446744073709551615", json!(u64::MAX)),
            ("1.5", json!(1.5)),
            ("1e3", json!(1000.0)),
            ("64Mi", json!("64Mi")),
            ("1.2.3", json!("1.2.3")),
            ("10.0.0.1", json!("10.0.0.1")),
            ("2026-01-01", json!("2026-01-01")),
            (".", json!(".")),
            ("-", json!("-")),
            (".inf", json!(".inf")),
            ("$(POD)", json!("$(POD)")),
        ];
        for (text, expected) in table {
            assert_eq!(plain(text), expected, "{text}");
        }
    }
}
