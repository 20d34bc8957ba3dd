//! Attributes by their keys: which of a frame's texts are keys that count here.

use crate::dimensions::{Dimension, Dimensions};
use crate::labels::append_value;
use std::borrow::Cow;
use tributary_span::columns::{Attr, Columns, Text, ValueType};

/// Keys that tell of services and of the other side of a call; their numbers are the constants below.
const OWN: [&str; 12] = [
    "peer.service",
    "db.namespace",
    "db.name",
    "db.system",
    "db.system.name",
    "server.address",
    "network.peer.address",
    "network.peer.port",
    "messaging.system",
    "service.name",
    "service.namespace",
    "service.instance.id",
];
pub(crate) const PEER_SERVICE: usize = 0;
pub(crate) const DB_NAMESPACE: usize = 1;
pub(crate) const DB_NAME: usize = 2;
pub(crate) const DB_SYSTEM: usize = 3;
pub(crate) const DB_SYSTEM_NAME: usize = 4;
pub(crate) const SERVER_ADDRESS: usize = 5;
pub(crate) const PEER_ADDRESS: usize = 6;
pub(crate) const PEER_PORT: usize = 7;
pub(crate) const MESSAGING_SYSTEM: usize = 8;
pub(crate) const SERVICE_NAME: usize = 9;
pub(crate) const SERVICE_NAMESPACE: usize = 10;
pub(crate) const SERVICE_INSTANCE: usize = 11;

/// Texts that memory is kept for between frames.
const KEPT: usize = 64 << 10;
/// All that [`Found`] has places for.
const MOST: usize = 32;

/// The keys that are looked for, and what was found out of a frame's texts.
#[derive(Debug)]
pub(crate) struct Keys {
    names: Vec<String>,
    /// Of each attribute among the dimensions.
    numbers: Vec<usize>,
    /// By text: not looked at yet, none of them, or which.
    memo: Vec<u8>,
}

const UNSEEN: u8 = 0;
const NONE: u8 = 1;
const FIRST: u8 = 2;

impl Keys {
    pub(crate) fn new(dimensions: &Dimensions) -> Keys {
        let mut names: Vec<String> = OWN.map(str::to_owned).to_vec();
        let number = |key: &String| {
            names.iter().position(|name| name == key).unwrap_or_else(|| {
                names.push(key.clone());
                names.len() - 1
            })
        };
        let numbers = dimensions.attributes.iter().map(number).collect();
        Keys { names, numbers, memo: Vec::new() }
    }

    /// A frame begins.
    pub(crate) fn begin(&mut self, columns: &Columns) {
        self.memo.clear();
        self.memo.shrink_to(KEPT);
        self.memo.resize(columns.texts.len() + 1, UNSEEN);
    }

    /// The number of a dimension's attribute.
    pub(crate) fn number(&self, dimension: &Dimension) -> Option<usize> {
        match dimension {
            Dimension::Attribute(i) => self.numbers.get(*i).copied(),
            _ => None,
        }
    }

    /// Which key a text is.
    fn of(&mut self, columns: &Columns, key: Text) -> Option<usize> {
        let memo = self.memo.get_mut(key.0 as usize)?;
        if *memo == UNSEEN {
            let text = columns.texts.get(key);
            let found = (FIRST..).zip(&self.names).find(|(_, name)| name.as_bytes() == text);
            *memo = found.map_or(NONE, |(code, _)| code);
        }
        memo.checked_sub(FIRST).map(usize::from)
    }

    /// Looks through attributes; of several with one key the first counts.
    pub(crate) fn find(
        &mut self,
        columns: &Columns,
        attrs: impl Iterator<Item = Attr>,
        found: &mut Found,
    ) {
        found.mask = 0;
        for attr in attrs {
            if let Some(number) = self.of(columns, attr.key) {
                found.set(number, attr);
            }
        }
    }
}

/// Attributes by the numbers of their keys.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    mask: u32,
    attrs: [Attr; MOST],
}

impl Default for Found {
    fn default() -> Self {
        let nothing = Attr { key: Text::EMPTY, value_type: ValueType::Empty, value: 0 };
        Found { mask: 0, attrs: [nothing; MOST] }
    }
}

impl Found {
    fn set(&mut self, number: usize, attr: Attr) {
        let bit = 1u32 << number;
        if self.mask & bit == 0
            && let Some(place) = self.attrs.get_mut(number)
        {
            *place = attr;
            self.mask |= bit;
        }
    }

    fn get(&self, number: usize) -> Option<Attr> {
        let is_there = self.mask & (1u32 << number) != 0;
        self.attrs.get(number).copied().filter(|_| is_there)
    }

    /// The value as a label has it.
    pub(crate) fn text<'a>(&self, number: usize, columns: &'a Columns) -> Option<Cow<'a, str>> {
        let attr = self.get(number)?;
        Some(match attr.value_type {
            ValueType::Str => Cow::Borrowed(columns.texts.str(attr.text())),
            _ => {
                let mut text = String::new();
                append_value(&mut text, columns, attr);
                Cow::Owned(text)
            }
        })
    }
}

/// The first of two that has an attribute.
pub(crate) fn first<'a>(
    both: [&Found; 2],
    number: usize,
    columns: &'a Columns,
) -> Option<Cow<'a, str>> {
    both.iter().find_map(|found| found.text(number, columns))
}
