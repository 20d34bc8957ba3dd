//! New YAML, as a person would write it.

use serde_json::{Map, Value};

/// Keys that stand first; the others follow by the alphabet.
const FIRST: [&str; 12] = [
    "apiVersion",
    "kind",
    "metadata",
    "name",
    "image",
    "imagePullPolicy",
    "restartPolicy",
    "op",
    "path",
    "value",
    "expression",
    "target",
];

/// How lists stand below their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// Blanks before the dash, beyond the key's own.
    pub(crate) dash: usize,
}

/// A whole document of a value.
pub(crate) fn document(value: &Value) -> String {
    let lines = match value {
        Value::Object(map) => entries(map, Style { dash: 2 }),
        other => vec![inline(other)],
    };
    lines.into_iter().flat_map(|line| [line, "\n".to_owned()]).collect()
}

/// `key: value`, a line each, the first without blanks before it.
pub(crate) fn entry(key: &str, value: &Value, style: Style) -> Vec<String> {
    let key = string(key);
    match value {
        Value::Object(map) if !map.is_empty() => {
            let mut lines = vec![format!("{key}:")];
            lines.extend(entries(map, style).iter().map(|line| indented(line, 2)));
            lines
        }
        Value::Array(list) if !list.is_empty() => {
            let mut lines = vec![format!("{key}:")];
            let items = list.iter().flat_map(|one| item(one, style));
            lines.extend(items.map(|line| indented(&line, style.dash)));
            lines
        }
        Value::String(text) if text.contains('\n') => {
            // A text over several lines keeps them.
            let (sign, body) = match text.strip_suffix('\n') {
                Some(body) => ("|", body),
                None => ("|-", text.as_str()),
            };
            let plain = !body.is_empty() && !body.starts_with([' ', '\n']) && !body.ends_with('\n');
            if !plain || body.contains(|c: char| c.is_control() && c != '\n') {
                return vec![format!("{key}: {}", inline(value))];
            }
            let mut lines = vec![format!("{key}: {sign}")];
            lines.extend(body.lines().map(|line| indented(line, 2)));
            lines
        }
        other => vec![format!("{key}: {}", inline(other))],
    }
}

/// `- value`, a line each, the first without blanks before it.
pub(crate) fn item(value: &Value, style: Style) -> Vec<String> {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let lines = entries(map, style);
            let numbered = lines.iter().enumerate();
            numbered
                .map(|(i, line)| if i == 0 { format!("- {line}") } else { indented(line, 2) })
                .collect()
        }
        other => vec![format!("- {}", inline(other))],
    }
}

fn entries(map: &Map<String, Value>, style: Style) -> Vec<String> {
    let first = FIRST.iter().filter_map(|key| map.get_key_value(*key));
    let others = map.iter().filter(|(key, _)| !FIRST.contains(&key.as_str()));
    first.chain(others).flat_map(|(key, value)| entry(key, value, style)).collect()
}

fn indented(line: &str, blanks: usize) -> String {
    if line.is_empty() { String::new() } else { format!("{}{line}", " ".repeat(blanks)) }
}

/// In one line.
pub(crate) fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        // JSON is YAML.
        other => other.to_string(),
    }
}

fn string(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { Value::String(text.to_owned()).to_string() }
}

/// Whether a text may stand without quotes: careful, since old readers take `yes` and `1_000` for
/// something else.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 10] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "~"];
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') || is_amount(text);
    let all = text.chars().all(|c| c.is_ascii_alphanumeric() || "_./()$=,:+- ".contains(c));
    let ends = text.ends_with([':', ' ']);
    let breaks = text.contains(": ") || text.contains(" #");
    starts && all && !ends && !breaks && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// `10m`, `32Mi`, `29s`: what no reader takes for a number.
fn is_amount(text: &str) -> bool {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all && text
        .strip_prefix(digits)
        .is_some_and(|unit| ["m", "s", "Ki", "Mi", "Gi"].contains(&unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::documents;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read() {
        let texts = [
            "plain",
            "yes",
            "",
            " a",
            "a ",
            "a: b",
            "a:",
            "1",
            "64Mi",
            "29s",
            "10e",
            "0x1f",
            "1e3",
            "10",
            "0b1",
            "é",
            "a\nb",
            "a\nb\n",
            "\n",
            "\ta",
            "/x",
            "#",
            "k=$(V),l=m",
            "- a",
            "[a]",
            "\u{7}\nb",
            "a\n\n\nb",
            "a\r\nb",
        ];
        for text in texts {
            let value =
                json!({"a/b": text, "l": [text, [], {}, {"c": [text]}], "m": {}, "n": null});
            let written = document(&value);
            let read = documents(&written).unwrap();
            assert_eq!(read[0].root.as_ref().unwrap().value(), value, "{written}");
        }
    }

    #[test]
    fn names_stand_first_and_lists_where_the_text_has_them() {
        let value = json!([{"image": "i", "env": [{"value": "v", "name": "e"}], "name": "c"}]);
        let lines = entry("initContainers", &value, Style { dash: 0 });
        let expected =
            ["initContainers:", "- name: c", "  image: i", "  env:", "  - name: e", "    value: v"];
        assert_eq!(lines, expected);
    }
}
