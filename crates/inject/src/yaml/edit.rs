//! JSON Patch on text: what is not named stays as it is, byte for byte.
//!
//! A text can be written in more ways than are known here. The result is therefore read again and
//! held against the patched value ([`apply`]); where they differ the text is not changed at all.

mod lines;

use super::compose::{Kind, Node, documents};
use super::emit::{self, Style};
use json_patch::PatchOperation as Operation;
use json_patch::jsonptr::PointerBuf;
use lines::Lines;
use serde_json::Value;
use std::ops::Range;

/// What comes in place of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    at: Range<usize>,
    text: String,
}

/// The key that a new one is put before, so that a reader finds it where it is expected.
const BEFORE: (&str, &str) = ("initContainers", "containers");

/// The text of one document with all operations done.
///
/// # Errors
/// Why this text cannot be changed in place.
pub(crate) fn apply(text: &str, root: &Node, all: &[Operation]) -> Result<String, String> {
    let mut wanted = root.value();
    json_patch::patch(&mut wanted, all).map_err(|error| error.to_string())?;
    let lines = Lines::new(text);
    let mut edits = Vec::new();
    for operation in all {
        edits.push(edit(&lines, root, operation)?);
    }
    // Edits at one place keep their order.
    edits.sort_by_key(|edit| edit.at.start);
    let mut out = String::with_capacity(text.len() + 4096);
    let mut done = 0;
    for edit in &edits {
        let kept = text.get(done..edit.at.start).ok_or("two changes meet in the text")?;
        out.push_str(kept);
        if edit.at.start == text.len() && !out.is_empty() && !out.ends_with('\n') {
            out.push_str(lines.newline());
        }
        out.push_str(&edit.text);
        done = edit.at.end.max(done);
    }
    out.push_str(text.get(done..).unwrap_or_default());
    let read = documents(&out).map_err(|error| format!("not in this text: {error}"))?;
    let is_right = match read.as_slice() {
        [one] => one.root.as_ref().is_some_and(|root| root.value() == wanted),
        _ => false,
    };
    match is_right {
        true => Ok(out),
        false => Err("this text cannot be changed in place: aliases or merged keys?".to_owned()),
    }
}

fn edit(lines: &Lines<'_>, root: &Node, operation: &Operation) -> Result<Edit, String> {
    match operation {
        Operation::Add(one) => {
            let (parent, last) = parent(root, &one.path)?;
            add(lines, parent, &last, &one.value)
        }
        Operation::Replace(one) => {
            let (parent, last) = parent(root, &one.path)?;
            match &parent.kind {
                Kind::Map { entries, .. } => {
                    let found = entries.iter().find(|(key, _)| key.text() == last);
                    let (_, old) = found.ok_or("what is to be replaced is not written here")?;
                    scalar(old, &one.value)
                }
                _ => Err("only an entry of a map can be replaced".to_owned()),
            }
        }
        Operation::Remove(one) => {
            let (parent, last) = parent(root, &one.path)?;
            remove(lines, parent, &last)
        }
        Operation::Move(_) | Operation::Copy(_) | Operation::Test(_) => {
            Err("no operation for texts".to_owned())
        }
    }
}

/// The node that a pointer leads into, and its last token.
fn parent<'n>(root: &'n Node, path: &PointerBuf) -> Result<(&'n Node, String), String> {
    let tokens: Vec<String> = path.tokens().map(|token| token.decoded().into_owned()).collect();
    let (last, before) = tokens.split_last().ok_or("the whole document cannot be changed")?;
    let mut node = root;
    for token in before {
        let found = match &node.kind {
            Kind::Map { entries, .. } => {
                entries.iter().find(|(key, _)| key.text() == token).map(|(_, value)| value)
            }
            Kind::List { items, .. } => token.parse().ok().and_then(|i: usize| items.get(i)),
            Kind::Scalar(_) => None,
            Kind::Alias(_) => return Err(format!("`{token}` lies behind an alias")),
        };
        node = found.ok_or_else(|| format!("`{token}` is not written here"))?;
    }
    Ok((node, last.clone()))
}

fn scalar(old: &Node, value: &Value) -> Result<Edit, String> {
    match &old.kind {
        Kind::Scalar(_) => Ok(Edit { at: old.at.clone(), text: emit::inline(value) }),
        _ => Err("only a text can be replaced".to_owned()),
    }
}

fn add(lines: &Lines<'_>, parent: &Node, key: &str, value: &Value) -> Result<Edit, String> {
    match &parent.kind {
        Kind::Map { entries, flow } => {
            if let Some((name, old)) = entries.iter().find(|(known, _)| known.text() == key) {
                return fill(lines, (name, old), value, *flow);
            }
            let text = format!("{}: {value}", Value::String(key.to_owned()));
            if *flow {
                return within(entries.first().map(|(key, _)| key), &text, parent);
            }
            let (first, _) = entries.first().ok_or("an empty map")?;
            let style = Style { dash: dash(lines, entries) };
            let column = lines.column(first.at.start);
            let text = lines.block(&emit::entry(key, value, style), column);
            let next = entries.iter().find(|(known, _)| (key, known.text()) == BEFORE);
            match next.and_then(|(next, _)| lines.own_line(next.at.start)) {
                Some(line) => Ok(insert(lines.above_comments(line, column), text)),
                None => Ok(insert(lines.below(parent.at.end), text)),
            }
        }
        Kind::List { items, flow } => {
            let at: usize =
                if key == "-" { items.len() } else { key.parse().unwrap_or(usize::MAX) };
            if *flow {
                return match (items.get(at), items.last()) {
                    (Some(next), _) => Ok(insert(next.at.start, format!("{value}, "))),
                    (None, Some(last)) => Ok(insert(last.at.end, format!(", {value}"))),
                    (None, None) => within(None, &value.to_string(), parent),
                };
            }
            let first = items.first().ok_or("an empty list")?;
            let dash = lines.dash(first.at.start).ok_or("a list in a form of its own")?;
            let column = lines.column(dash);
            let text = lines.block(&emit::item(value, Style { dash: 2 }), column);
            let next = items.get(at).and_then(|next| lines.own_line(lines.dash(next.at.start)?));
            match (next, items.get(at)) {
                (Some(line), _) => Ok(insert(lines.above_comments(line, column), text)),
                (None, None) => Ok(insert(lines.below(parent.at.end), text)),
                (None, Some(_)) => Err("a list within a line".to_owned()),
            }
        }
        Kind::Scalar(_) => Err("what it goes into is empty or a text".to_owned()),
        Kind::Alias(_) => Err("it lies behind an alias".to_owned()),
    }
}

/// Puts something into a place that is empty: `key:`, `key: null`, `key: []`, `key: {}`.
fn fill(
    lines: &Lines<'_>,
    (key, old): (&Node, &Node),
    value: &Value,
    flow: bool,
) -> Result<Edit, String> {
    let is_empty = match &old.kind {
        Kind::Scalar(Value::Null) => true,
        Kind::Map { entries, .. } => entries.is_empty(),
        Kind::List { items, .. } => items.is_empty(),
        _ => false,
    };
    if !is_empty {
        return scalar(old, value);
    }
    if flow {
        // `{a}` and `{a:}` are known to be null by what is not there.
        let text = if old.at.is_empty() { format!(": {value}") } else { value.to_string() };
        return Ok(Edit { at: old.at.clone(), text });
    }
    let column = lines.column(key.at.start);
    let new = emit::entry(key.text(), value, Style { dash: 2 });
    let body = new.get(1..).filter(|body| !body.is_empty()).ok_or("no block")?;
    let end = lines.below(old.at.end.max(key.at.end));
    // What stands behind it in its line is a comment, and stays.
    let written = old.at.end > old.at.start;
    let (from, colon) = match written {
        true => (lines.before_blanks(old.at.start), ""),
        false => (key.at.end, ":"),
    };
    let rest = lines.text().get(old.at.end.max(key.at.end)..end).unwrap_or_default();
    let comment = if written { rest } else { rest.trim_start().trim_start_matches(':') }.trim();
    let behind = if comment.is_empty() { String::new() } else { format!(" {comment}") };
    let text = format!("{colon}{behind}{}{}", lines.newline(), lines.block(body, column));
    Ok(Edit { at: from..end, text })
}

/// Into `{…}` or `[…]`, at its beginning.
fn within(first: Option<&Node>, text: &str, parent: &Node) -> Result<Edit, String> {
    match first {
        Some(first) => Ok(insert(first.at.start, format!("{text}, "))),
        // The last byte closes it.
        None => Ok(insert(parent.at.end.saturating_sub(1), text.to_owned())),
    }
}

fn remove(lines: &Lines<'_>, parent: &Node, key: &str) -> Result<Edit, String> {
    let (parts, index, flow): (Vec<(usize, usize)>, _, _) = match &parent.kind {
        Kind::Map { entries, flow } => {
            let parts =
                entries.iter().map(|(key, value)| (key.at.start, value.at.end.max(key.at.end)));
            (parts.collect(), entries.iter().position(|(known, _)| known.text() == key), *flow)
        }
        Kind::List { items, flow } => {
            let start =
                |node: &Node| if *flow { Some(node.at.start) } else { lines.dash(node.at.start) };
            let parts: Option<Vec<_>> =
                items.iter().map(|node| Some((start(node)?, node.at.end))).collect();
            (parts.ok_or("a list in a form of its own")?, key.parse().ok(), *flow)
        }
        Kind::Scalar(_) | Kind::Alias(_) => return Err("it is not written here".to_owned()),
    };
    let index = index.ok_or("what is to go is not written here")?;
    let &(start, end) = parts.get(index).ok_or("what is to go is not written here")?;
    let gone = match (flow, parts.get(index + 1), index.checked_sub(1).and_then(|i| parts.get(i))) {
        (true, Some((next, _)), _) => start..*next,
        (true, None, Some((_, before))) => *before..end,
        (true, None, None) => start..end,
        (false, ..) => {
            let line = lines.own_line(start).ok_or("it shares its line with something else")?;
            line..lines.below(end)
        }
    };
    Ok(Edit { at: gone, text: String::new() })
}

fn insert(at: usize, text: String) -> Edit {
    Edit { at: at..at, text }
}

/// Blanks before the dashes of lists below these keys, as the text has them elsewhere.
fn dash(lines: &Lines<'_>, entries: &[(Node, Node)]) -> usize {
    let found = entries.iter().find_map(|(key, value)| match &value.kind {
        Kind::List { items, flow: false } => {
            let dash = lines.dash(items.first()?.at.start)?;
            lines.column(dash).checked_sub(lines.column(key.at.start))
        }
        _ => None,
    });
    found.unwrap_or(2)
}

#[cfg(test)]
mod tests;
