//! A YAML document as JSON's values. Every scalar is a text, as it is written: `1` may be a tenant.

use saphyr_parser::{Event, Parser};
use serde_json::{Map, Value};

/// Deeper than any policy is.
const DEEPEST: usize = 16;

/// What has begun and not ended.
enum Open {
    List(Vec<Value>),
    /// And the key whose value is to come.
    Map(Map<String, Value>, Option<String>),
}

/// Reads the one document of a text. One without content is an empty map.
///
/// # Errors
/// What is wrong, and in which line.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    for event in Parser::new_from_str(text) {
        let (event, at) = event.map_err(|error| error.to_string())?;
        let wrong = |why: &str| format!("line {}: {why}", at.start.line());
        let value = match event {
            Event::MappingStart(..) | Event::SequenceStart(..) if open.len() == DEEPEST => {
                return Err(wrong("it is nested too deeply"));
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(Map::new(), None));
                continue;
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => match open.pop() {
                Some(Open::Map(map, _)) => Value::Object(map),
                Some(Open::List(list)) => Value::Array(list),
                None => continue,
            },
            Event::Scalar(text, ..) => Value::String(text.into_owned()),
            Event::Alias(_) => return Err(wrong("references are not taken")),
            _ => continue,
        };
        match open.last_mut() {
            None if root.is_some() => return Err(wrong("a second document begins")),
            None => root = Some(value),
            Some(Open::List(list)) => list.push(value),
            Some(Open::Map(map, key)) => match (key.take(), value) {
                (Some(key), value) => drop(map.insert(key, value)),
                (None, Value::String(new)) if map.contains_key(&new) => {
                    return Err(wrong(&format!("`{new}` is there a second time")));
                }
                (None, Value::String(new)) => *key = Some(new),
                (None, _) => return Err(wrong("a key is no text")),
            },
        }
    }
    Ok(match root {
        Some(Value::String(text)) if text.is_empty() => Value::Object(Map::new()),
        Some(root) => root,
        None => Value::Object(Map::new()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents() {
        let table = [
            ("", "{}"),
            ("# nothing\n", "{}"),
            ("a: 1\nb: [x, 'y', {c: d}]\n", r#"{"a":"1","b":["x","y",{"c":"d"}]}"#),
            ("- {a: }\n", r#"[{"a":""}]"#),
            (r#"{"a": ["b"]}"#, r#"{"a":["b"]}"#),
        ];
        for (text, expected) in table {
            assert_eq!(read(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_its_line() {
        let deep = "[".repeat(20);
        let table = [
            ("a: 1\na: 2\n", "line 2: `a` is there a second time"),
            ("a: &x 1\nb: *x\n", "line 2: references are not taken"),
            ("a: 1\n---\nb: 1\n", "a second document begins"),
            ("[a]: 1\n", "line 1: a key is no text"),
            (&deep, "line 1: it is nested too deeply"),
        ];
        for (text, expected) in table {
            let told = read(text).unwrap_err();
            assert!(told.contains(expected), "{told}");
        }
        for broken in ["a: [1\n", "a: 'x\n", "\t- x: y: z\n"] {
            read(broken).unwrap_err();
        }
    }
}
