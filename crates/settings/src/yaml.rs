//! A YAML document as it was written: every value with its line, so that what is wrong with it can be
//! told by its place. Scalars are texts: `60`, `true` and `60s` are for their reader to understand.

use saphyr_parser::{Event, Parser, ScalarStyle};
use std::collections::BTreeSet;

/// Deeper than any file of settings is.
const DEEPEST: usize = 16;

/// A value, and the line in which it begins, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its line.
    pub line: usize,
    /// What stands there.
    pub value: Value,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing, or `~`, or `null`.
    Null,
    /// A text.
    Text(String),
    /// Values in order.
    List(Vec<Node>),
    /// Keys in order, each once.
    Map(Vec<Entry>),
}

/// A key, and what stands behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key's line.
    pub line: usize,
    /// The key.
    pub key: String,
    /// Its value.
    pub value: Value,
}

/// What has begun and not ended, and its line.
enum Open {
    List(usize, Vec<Node>),
    /// And the key whose value is to come, with its line.
    Map(usize, Vec<Entry>, BTreeSet<String>, Option<(usize, String)>),
}

/// Reads the one document of a text. One without content is null.
///
/// # Errors
/// What is wrong, and in which line.
pub fn read(text: &str) -> Result<Node, String> {
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    for event in Parser::new_from_str(text) {
        let (event, at) =
            event.map_err(|error| format!("line {}: {}", error.marker().line(), error.info()))?;
        let line = at.start.line();
        let wrong = |why: &str| Err(format!("line {line}: {why}"));
        let node = match event {
            Event::MappingStart(..) | Event::SequenceStart(..) if open.len() == DEEPEST => {
                return wrong("it is nested too deeply");
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(line, Vec::new(), BTreeSet::new(), None));
                continue;
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(line, Vec::new()));
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => match open.pop() {
                Some(Open::Map(line, entries, ..)) => Node { line, value: Value::Map(entries) },
                Some(Open::List(line, list)) => Node { line, value: Value::List(list) },
                None => continue,
            },
            Event::Scalar(text, style, ..) if is_null(&text, style) => {
                Node { line, value: Value::Null }
            }
            Event::Scalar(text, ..) => Node { line, value: Value::Text(text.into_owned()) },
            Event::Alias(_) => return wrong("references are not taken"),
            _ => continue,
        };
        match open.last_mut() {
            None if root.is_some() => return wrong("a second document begins"),
            None => root = Some(node),
            Some(Open::List(_, list)) => list.push(node),
            Some(Open::Map(_, entries, keys, key)) => match (key.take(), node.value) {
                (Some((line, key)), value) => entries.push(Entry { line, key, value }),
                (None, Value::Text(new)) if !keys.insert(new.clone()) => {
                    return wrong(&format!("`{new}` is there a second time"));
                }
                (None, Value::Text(new)) => *key = Some((line, new)),
                (None, _) => return wrong("a key is no text"),
            },
        }
    }
    Ok(root.unwrap_or(Node { line: 1, value: Value::Null }))
}

fn is_null(text: &str, style: ScalarStyle) -> bool {
    style == ScalarStyle::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: &Value) -> &[Entry] {
        match value {
            Value::Map(entries) => entries,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn places_are_those_of_the_text() {
        let root = read("# a\na: 1\n\nb:\n  c: ['x', y]\n  d:\n").unwrap();
        let [a, b] = map(&root.value) else { panic!("{root:?}") };
        assert_eq!((a.line, &*a.key, &a.value), (2, "a", &Value::Text("1".into())));
        let [c, d] = map(&b.value) else { panic!("{b:?}") };
        let text = |text: &str| Node { line: 5, value: Value::Text(text.into()) };
        assert_eq!((c.line, &c.value), (5, &Value::List(vec![text("x"), text("y")])));
        assert_eq!((b.line, d.line, &d.value), (4, 6, &Value::Null));
        for empty in ["", "# nothing\n", "---\n", "~"] {
            assert_eq!(read(empty).unwrap().value, Value::Null, "{empty}");
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
            ("a: 1\nb: [1\n", "line "),
        ];
        for (text, expected) in table {
            let told = read(text).unwrap_err();
            assert!(told.contains(expected), "{told}");
        }
    }
}
