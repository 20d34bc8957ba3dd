//! A YAML document that is one flat map. Values are texts as they are written: `60`, `true` and
//! `60s` are for the setting to understand.

use saphyr_parser::{Event, Parser, ScalarStyle};
use std::collections::BTreeMap;

/// What stands behind a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Text(String),
    Null,
    /// A map, a sequence, or a reference to something else.
    Other,
}

/// The entries of the map by key. A file without content has none.
///
/// # Errors
/// What is wrong, and in which line.
pub(super) fn entries(text: &str) -> Result<BTreeMap<String, Entry>, String> {
    let mut entries = BTreeMap::new();
    let mut key = None;
    let (mut documents, mut depth) = (0, 0_usize);
    for event in Parser::new_from_str(text) {
        let (event, at) = event.map_err(|error| error.to_string())?;
        let wrong = |why: &str| Err(format!("line {}: {why}", at.start.line()));
        let entry = match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    return wrong("a second document begins");
                }
                continue;
            }
            Event::MappingStart(..) if depth == 0 => {
                depth = 1;
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => {
                depth = depth.saturating_sub(1);
                continue;
            }
            Event::MappingStart(..) | Event::SequenceStart(..) if depth > 0 => {
                depth += 1;
                if depth > 2 {
                    continue;
                }
                Entry::Other
            }
            Event::Scalar(..) | Event::Alias(_) if depth > 1 => continue,
            Event::Scalar(text, style, ..) => match (depth, is_null(&text, style)) {
                (0, true) => continue,
                (0, false) => return wrong("there is no key"),
                (_, true) => Entry::Null,
                (_, false) => Entry::Text(text.into_owned()),
            },
            Event::MappingStart(..) | Event::SequenceStart(..) => return wrong("there is no key"),
            Event::Alias(_) => Entry::Other,
            _ => continue,
        };
        match (key.take(), entry) {
            (Some(key), entry) => {
                entries.insert(key, entry);
            }
            (None, Entry::Text(new)) if entries.contains_key(&new) => {
                return wrong(&format!("`{new}` is there a second time"));
            }
            (None, Entry::Text(new)) => key = Some(new),
            (None, _) => return wrong("a key is no text"),
        }
    }
    Ok(entries)
}

fn is_null(text: &str, style: ScalarStyle) -> bool {
    style == ScalarStyle::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_texts_as_they_are_written() {
        let text =
            "# why\na: 60 # so\nb: true\nc: '60s'\n\"d\": >-\n  x\n  y\ne:\nf: ~\ng: ''\nh: 0x10\n";
        let read = entries(text).unwrap();
        let texts = ["a", "b", "c", "d", "g", "h"].map(|key| match &read[key] {
            Entry::Text(text) => text.as_str(),
            other => panic!("{key}: {other:?}"),
        });
        assert_eq!(texts, ["60", "true", "60s", "x y", "", "0x10"]);
        assert_eq!((&read["e"], &read["f"], read.len()), (&Entry::Null, &Entry::Null, 8));
    }

    #[test]
    fn what_is_nested_is_one_entry() {
        let text = "a: [1, {b: 2}]\nc: {d: {e: f}}\ng: &x 1\nh: *x\ni: j\n";
        let read = entries(text).unwrap();
        let others = read.iter().filter(|(_, entry)| **entry == Entry::Other);
        assert_eq!(others.map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["a", "c", "h"]);
        assert_eq!(read.len(), 5);
    }

    #[test]
    fn a_file_may_be_empty() {
        for text in ["", "\n  \n", "# nothing\n", "---\n", "{}", "~"] {
            assert_eq!(entries(text), Ok(BTreeMap::new()), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_map_is_told_by_its_line() {
        let table = [
            ("- a\n- b\n", "line 1: there is no key"),
            ("a\n", "line 1: there is no key"),
            ("a: 1\nb: 2\na: 3\n", "line 3: `a` is there a second time"),
            ("a: 1\n---\nb: 2\n", "line 2: a second document begins"),
            ("[a]: 1\n", "line 1: a key is no text"),
            ("~: 1\n", "line 1: a key is no text"),
        ];
        for (text, expected) in table {
            assert_eq!(entries(text), Err(expected.to_owned()), "{text:?}");
        }
        for broken in ["a: [1\n", "a: 'x\n", "\t- x: y: z\n", "a: *nowhere\n"] {
            entries(broken).unwrap_err();
        }
    }
}
