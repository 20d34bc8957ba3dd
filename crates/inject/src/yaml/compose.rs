//! A document's nodes, and where they stand in the text.

mod scalar;

use crate::error::InjectError;
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::ops::Range;

/// Nodes may lie so deep in each other.
const DEEPEST: usize = 100;
/// Aliases may stand for so many nodes of one document: a few lines can stand for billions.
const MOST_ALIASED: usize = 100_000;

/// A node, by bytes of the document's text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Range<usize>,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Scalar(Value),
    Map {
        entries: Vec<(Node, Node)>,
        flow: bool,
    },
    List {
        items: Vec<Node>,
        flow: bool,
    },
    /// What stands elsewhere, and stands for this as well.
    Alias(Value),
}

/// One document of a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    /// Where it stands in the whole text; documents follow each other without a gap.
    pub(crate) at: Range<usize>,
    /// None if there is nothing in it.
    pub(crate) root: Option<Node>,
}

impl Node {
    /// What it says.
    pub(crate) fn value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) | Kind::Alias(value) => value.clone(),
            Kind::List { items, .. } => Value::Array(items.iter().map(Node::value).collect()),
            Kind::Map { entries, .. } => {
                let mut map = Map::new();
                for (key, value) in entries {
                    match key.text() {
                        // What is merged in stands below what is written out, wherever it stands.
                        MERGE => merged(&value.value(), &mut map),
                        text => drop(map.insert(text.to_owned(), value.value())),
                    }
                }
                // Once more: what is written out wins.
                for (key, value) in entries.iter().filter(|(key, _)| key.text() != MERGE) {
                    map.insert(key.text().to_owned(), value.value());
                }
                Value::Object(map)
            }
        }
    }

    /// A key as text.
    pub(crate) fn text(&self) -> &str {
        match &self.kind {
            Kind::Scalar(Value::String(text)) => text,
            _ => "",
        }
    }
}

/// The key that takes another map's entries over.
const MERGE: &str = "<<";

fn merged(value: &Value, map: &mut Map<String, Value>) {
    match value {
        Value::Object(more) => {
            for (key, value) in more {
                map.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        Value::Array(all) => all.iter().for_each(|one| merged(one, map)),
        _ => {}
    }
}

/// The documents of a text.
///
/// # Errors
/// Where the text cannot be read.
pub(crate) fn documents(text: &str) -> Result<Vec<Document>, InjectError> {
    let mut reader = Reader::new(text);
    let mut starts = Vec::new();
    let mut roots = Vec::new();
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::DocumentStart(explicit) => {
                let mark = if explicit { reader.places.byte(span.start.index()) } else { 0 };
                starts.push(mark);
                roots.push(None);
                reader.anchors.clear();
                reader.aliased = 0;
            }
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | Event::Nothing => {}
            other => {
                let node = reader.node(other, span, 0)?;
                if let Some(root) = roots.last_mut() {
                    *root = Some(node);
                }
            }
        }
    }
    if let Some(first) = starts.first_mut() {
        // What stands above the first one belongs to it.
        *first = 0;
    }
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([text.len()]).collect();
    let places = starts.into_iter().zip(ends);
    Ok(places.zip(roots).map(|((from, to), root)| Document { at: from..to, root }).collect())
}

struct Reader<'t> {
    text: &'t str,
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    places: Places,
    /// By the number that the parser gives them.
    anchors: BTreeMap<usize, (Value, usize)>,
    aliased: usize,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Reader {
            text,
            parser: Parser::new_from_str(text),
            places: Places::new(text),
            anchors: BTreeMap::new(),
            aliased: 0,
        }
    }

    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, InjectError> {
        match self.parser.next() {
            None => Ok(None),
            Some(Ok(found)) => Ok(Some(found)),
            Some(Err(error)) => Err(wrong(error.marker().line(), error.info())),
        }
    }

    /// The node that begins with this event.
    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, InjectError> {
        if depth > DEEPEST {
            return Err(wrong(span.start.line(), "more nodes in each other than any manifest has"));
        }
        let start = self.places.byte(span.start.index());
        let end = self.places.byte(span.end.index()).max(start);
        let opened = self.text.get(start..end).unwrap_or_default();
        let (anchor, node) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = match style {
                    ScalarStyle::Plain if tag.is_none() => scalar::plain(&text),
                    _ => Value::String(text.into_owned()),
                };
                let end = start + scalar::written(opened, style).len();
                (anchor, Node { at: start..end, kind: Kind::Scalar(value) })
            }
            Event::Alias(number) => {
                let unknown = || wrong(span.start.line(), "an alias without an anchor");
                let (value, size) = self.anchors.get(&number).cloned().ok_or_else(unknown)?;
                self.aliased = self.aliased.saturating_add(size);
                if self.aliased > MOST_ALIASED {
                    return Err(wrong(span.start.line(), "aliases stand for too much"));
                }
                (0, Node { at: start..end, kind: Kind::Alias(value) })
            }
            Event::SequenceStart(anchor, _) => {
                let flow = opens(opened, '[');
                let mut items = Vec::new();
                let end = loop {
                    let (event, span) = self.inner(&span)?;
                    if event == Event::SequenceEnd {
                        // The bracket; the parser's end lies behind the comment that follows.
                        break self.places.byte(span.start.index() + 1);
                    }
                    items.push(self.node(event, span, depth + 1)?);
                };
                let last = items.last().map_or(start, |node| node.at.end);
                let end = if flow { end } else { last };
                (anchor, Node { at: start..end, kind: Kind::List { items, flow } })
            }
            Event::MappingStart(anchor, _) => {
                let flow = opens(opened, '{');
                let mut entries = Vec::new();
                let end = loop {
                    let (event, at) = self.inner(&span)?;
                    if event == Event::MappingEnd {
                        break self.places.byte(at.start.index() + 1);
                    }
                    let line = at.start.line();
                    let key = self.key(event, at, depth)?;
                    if entries.iter().any(|(known, _): &(Node, Node)| known.text() == key.text()) {
                        return Err(wrong(
                            line,
                            format!("`{}` is there a second time", key.text()),
                        ));
                    }
                    let (event, at) = self.inner(&span)?;
                    entries.push((key, self.node(event, at, depth + 1)?));
                };
                let last = entries.last().map_or(start, |(_, node)| node.at.end);
                let end = if flow { end } else { last };
                (anchor, Node { at: start..end, kind: Kind::Map { entries, flow } })
            }
            _ => return Err(wrong(span.start.line(), "the text ends within a node")),
        };
        if anchor > 0 {
            let value = node.value();
            let size = size(&value);
            self.anchors.insert(anchor, (value, size));
        }
        Ok(node)
    }

    /// Keys are texts: `1: x` has the key `1`.
    fn key(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, InjectError> {
        let written = match &event {
            Event::Scalar(text, ..) => Some(text.clone().into_owned()),
            _ => None,
        };
        let line = span.start.line();
        let mut key = self.node(event, span, depth + 1)?;
        match (written, &key.kind) {
            (Some(text), _) => key.kind = Kind::Scalar(Value::String(text)),
            (None, Kind::Alias(Value::String(_))) => {}
            (None, _) => return Err(wrong(line, "a key is no text")),
        }
        Ok(key)
    }

    fn inner(&mut self, outer: &Span) -> Result<(Event<'t>, Span), InjectError> {
        self.next()?.ok_or_else(|| wrong(outer.start.line(), "the text ends within a node"))
    }
}

/// Whether what begins a node is this bracket, behind its anchor and tag.
fn opens(text: &str, bracket: char) -> bool {
    let first = text.split_whitespace().find(|word| !word.starts_with(['&', '!']));
    first.is_some_and(|word| word.starts_with(bracket))
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(size).sum::<usize>().saturating_add(1),
        Value::Object(map) => map.values().map(size).sum::<usize>().saturating_add(1),
        _ => 1,
    }
}

fn wrong(line: usize, why: impl Into<String>) -> InjectError {
    InjectError::Text { line, why: why.into() }
}

/// The parser counts characters; here bytes are counted.
struct Places {
    /// Where each character begins, unless each is one byte.
    starts: Option<Vec<usize>>,
    end: usize,
}

impl Places {
    fn new(text: &str) -> Self {
        let starts = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect());
        Places { starts, end: text.len() }
    }

    fn byte(&self, character: usize) -> usize {
        match &self.starts {
            None => character.min(self.end),
            Some(starts) => starts.get(character).copied().unwrap_or(self.end),
        }
    }
}

#[cfg(test)]
mod tests;
