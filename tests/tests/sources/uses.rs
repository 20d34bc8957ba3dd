//! Paths in sources: which modules a file names.

/// A path as it is written, and the name that it has there.
#[derive(Debug, PartialEq)]
pub(crate) struct Named {
    pub(crate) path: Vec<String>,
    pub(crate) name: String,
}

/// The source without its comments, and without the tests at its end.
pub(crate) fn code(source: &str) -> String {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Every path in `code` that begins with one of `starts`, groups in braces taken apart.
pub(crate) fn paths(code: &str, starts: &[&str]) -> Vec<Named> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("::") {
        let before = code.get(..at).unwrap_or_default();
        let begin = before.rfind(|c: char| !is_word(c)).map_or(0, |i| i + 1);
        // Not in the middle of a path.
        let is_start = !before.get(..begin).unwrap_or_default().ends_with([':', '$']);
        let first = before.get(begin..).unwrap_or_default();
        if is_start && starts.contains(&first) {
            tree(&mut code.get(begin..).unwrap_or_default(), &[], &mut found);
        }
    }
    found
}

/// The paths of all `use` declarations.
pub(crate) fn imports(code: &str) -> Vec<Named> {
    let mut found = Vec::new();
    for (at, keyword) in code.match_indices("use ") {
        let starts_word = !code.get(..at).unwrap_or_default().ends_with(is_word);
        if starts_word {
            tree(&mut code.get(at + keyword.len()..).unwrap_or_default(), &[], &mut found);
        }
    }
    found
}

/// Reads `a::b`, `a::{b, c as d}` or `{a, b}` off the front.
fn tree(rest: &mut &str, before: &[String], found: &mut Vec<Named>) {
    let mut path = before.to_vec();
    loop {
        skip(rest);
        if take(rest, "{") {
            while !rest.is_empty() && !take(rest, "}") {
                tree(rest, &path, found);
                skip(rest);
                // What is not understood is stepped over.
                if !take(rest, ",") && !rest.starts_with('}') {
                    let mut letters = rest.chars();
                    letters.next();
                    *rest = letters.as_str();
                }
                skip(rest);
            }
            return;
        }
        let word = word(rest);
        // `T::<U>`, `a::*`: the path ends before it.
        if word.is_empty() {
            break;
        }
        path.push(word);
        if !take(rest, "::") {
            break;
        }
    }
    if path.len() == before.len() {
        return;
    }
    let own = path.last().cloned().unwrap_or_default();
    skip(rest);
    let alias = take(rest, "as ").then(|| word(rest));
    found.push(Named { path, name: alias.unwrap_or(own) });
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word(rest: &mut &str) -> String {
    let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    let (word, behind) = rest.split_at(end);
    *rest = behind;
    word.to_owned()
}

fn skip(rest: &mut &str) {
    *rest = rest.trim_start();
}

fn take(rest: &mut &str, text: &str) -> bool {
    let behind = rest.strip_prefix(text);
    *rest = behind.unwrap_or(rest);
    behind.is_some()
}

#[test]
fn paths_are_found() {
    let code = code(
        "// crate::no\nuse crate::a::{self, B, c::{D as E, f}};\nlet x = super::g(crate::h::I::<u8>::new());\n\
         use std::io;\n#[cfg(test)]\nmod tests {\n use crate::no;\n}\n",
    );
    let written = |named: &Named| format!("{} {}", named.path.join("/"), named.name);
    let found: Vec<String> = paths(&code, &["crate", "super"]).iter().map(written).collect();
    let expected = [
        "crate/a/self self",
        "crate/a/B B",
        "crate/a/c/D E",
        "crate/a/c/f f",
        "super/g g",
        "crate/h/I I",
    ];
    assert_eq!(found, expected);
    let imported: Vec<String> = imports(&code).iter().map(written).collect();
    assert_eq!(imported.last().map(String::as_str), Some("std/io io"));
    assert_eq!(imported.len(), 5);
}
