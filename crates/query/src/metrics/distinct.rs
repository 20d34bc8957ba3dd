//! Values of columns as numbers.

use super::labels::Key;
use crate::answer::Label;
use crate::chunk::{Cell, Chunk, Column, Field, Level, NONE, Values};
use crate::eval::OwnedValue;
use crate::search::label;
use std::collections::HashMap;

/// Elements of a field's level, lists left out.
pub(super) fn element_count(chunk: &dyn Chunk, field: &Field) -> usize {
    let shape = chunk.shape();
    match field.level() {
        Level::Trace => shape.traces(),
        Level::Resource => shape.resources(),
        Level::Scope => shape.scopes(),
        _ => shape.spans(),
    }
}

/// Distinct values, numbered.
pub(super) struct Distinct {
    labels: Vec<Label>,
    numbers: HashMap<Key, u32>,
    /// Whether several values have a number: that of no value.
    counts_lists: bool,
}

impl Distinct {
    /// Values that make groups: arrays make none.
    pub(super) fn groups() -> Distinct {
        Distinct { labels: Vec::new(), numbers: HashMap::new(), counts_lists: false }
    }

    /// Values that are counted: arrays count, but not as values.
    pub(super) fn counted() -> Distinct {
        Distinct { counts_lists: true, ..Distinct::groups() }
    }

    /// The values, in the order of their numbers.
    pub(super) fn labels(self) -> Vec<Label> {
        self.labels
    }

    fn number(&mut self, label: Label) -> u32 {
        let next = u32::try_from(self.labels.len()).unwrap_or(NONE);
        let key = Key(vec![label.clone()]);
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            self.labels.push(label);
        }
        number
    }

    pub(super) fn label(&self, number: u32) -> Label {
        self.labels.get(number as usize).cloned().unwrap_or(Label::Nil)
    }

    pub(super) fn of_values(&mut self, values: Values<'_>) -> u32 {
        match OwnedValue::of(values) {
            OwnedValue::List(_) if self.counts_lists => self.number(Label::Nil),
            OwnedValue::Nil | OwnedValue::List(_) => NONE,
            value => self.number(label(&value)),
        }
    }

    /// Numbers of the values of a column's elements; what is missing is [`NONE`].
    pub(super) fn of_column(&mut self, column: &Column, len: usize) -> Vec<u32> {
        let mut by_entry = match column {
            Column::Texts(texts) => ByEntry::new(texts.dictionary.len(), len),
            Column::Cells(cells) => ByEntry::new(cells.dictionary.len(), len),
            _ => ByEntry::new(0, 0),
        };
        let mut entry = |distinct: &mut Distinct, n: u32, text: &[u8]| {
            by_entry.get_or(n, || {
                let text = String::from_utf8_lossy(text).into_owned();
                distinct.number(Label::Str(text))
            })
        };
        match column {
            Column::Nothing => vec![NONE; len],
            Column::Texts(texts) => texts
                .index
                .iter()
                .map(|&n| match n {
                    NONE => NONE,
                    n => entry(self, n, texts.dictionary.get(n)),
                })
                .collect(),
            Column::Cells(cells) => cells
                .cells
                .iter()
                .enumerate()
                .map(|(i, cell)| match cell {
                    Cell::Nil | Cell::Unseen => NONE,
                    Cell::Str(n) => entry(self, *n, cells.dictionary.get(*n)),
                    _ => self.of_values(column.get(i)),
                })
                .collect(),
            Column::Statuses(all) | Column::Kinds(all) => {
                let mut known: HashMap<i64, u32> = HashMap::new();
                let number = |(i, n): (usize, &i64)| match known.get(n) {
                    Some(number) => *number,
                    None => {
                        let number = self.of_values(column.get(i));
                        known.insert(*n, number);
                        number
                    }
                };
                all.iter().enumerate().map(number).collect()
            }
            _ => (0..len).map(|i| self.of_values(column.get(i))).collect(),
        }
    }
}

/// Numbers of a dictionary's entries: in a table, or a map when few of many entries can occur.
enum ByEntry {
    Table(Vec<u32>),
    Map(HashMap<u32, u32>),
}

impl ByEntry {
    fn new(entries: usize, elements: usize) -> ByEntry {
        /// A map takes so many times the work of a table.
        const MAP: usize = 16;
        if entries <= elements.saturating_mul(MAP) {
            ByEntry::Table(vec![NONE; entries])
        } else {
            ByEntry::Map(HashMap::new())
        }
    }

    #[inline]
    fn get_or(&mut self, entry: u32, make: impl FnOnce() -> u32) -> u32 {
        let slot = match self {
            ByEntry::Table(table) => match table.get_mut(entry as usize) {
                Some(slot) => slot,
                None => return NONE,
            },
            ByEntry::Map(map) => map.entry(entry).or_insert(NONE),
        };
        if *slot == NONE {
            *slot = make();
        }
        *slot
    }
}
