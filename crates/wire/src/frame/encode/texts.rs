//! The texts of one batch: which of them the dictionary has, and which the frame must carry.

use super::Used;
use super::dictionary::{Dictionary, fingerprint};
use crate::frame::definition;
use tributary_span::columns::{Columns, Text};

/// A text that the dictionary is not known to have.
const UNKNOWN: u32 = u32::MAX;

/// Longer texts are never defined.
const LONGEST: usize = 1024;

/// In so many earlier frames a value must have occurred to get a definition. Many values occur twice
/// within seconds and never again: the identifiers of one request.
const SIGHTINGS: u32 = 2;

#[derive(Debug, Clone, Copy)]
struct State {
    /// Number of the definition.
    number: u32,
    /// Place in the frame's table of texts, when the frame uses the text.
    place: u32,
    /// How often values of the frame refer to it.
    uses: u32,
}

const FRESH: State = State { number: UNKNOWN, place: UNKNOWN, uses: 0 };

/// State of each text of the batch at hand.
#[derive(Debug, Default)]
pub(super) struct BatchTexts {
    states: Vec<State>,
    entry: Vec<u8>,
    /// Texts that the frame carries itself, in order of their places.
    pub(super) literals: Vec<Text>,
}

impl BatchTexts {
    pub(super) fn start(&mut self, columns: &Columns) {
        self.states.clear();
        self.states.resize(columns.texts.len() + 1, FRESH);
        self.literals.clear();
    }

    fn state(&mut self, text: Text) -> Option<&mut State> {
        self.states.get_mut(text.0 as usize)
    }

    /// The ref of a text within the dictionary, which adds it if it must and can.
    pub(super) fn reference(
        &mut self,
        dictionary: &mut Dictionary,
        columns: &Columns,
        text: Text,
        add: bool,
    ) -> Option<u32> {
        if text.is_empty() {
            return Some(0);
        }
        let known = self.state(text)?.number;
        if known != UNKNOWN {
            return Some(known + 1);
        }
        let bytes = columns.texts.get(text);
        self.entry.clear();
        definition::write_text(&mut self.entry, bytes);
        let found = if add && bytes.len() <= LONGEST {
            dictionary.find_or_add(&self.entry)
        } else {
            dictionary.find(&self.entry)
        }?;
        self.state(text)?.number = found;
        Some(found + 1)
    }

    /// Counts one value that refers to the text.
    #[inline]
    pub(super) fn uses(&mut self, text: Text) {
        if let Some(state) = self.state(text) {
            state.uses += 1;
        }
    }

    /// Adds all texts in use that have definitions to `used`. What recurs gets a definition now if
    /// it has none.
    pub(super) fn settle(
        &mut self,
        dictionary: &mut Dictionary,
        columns: &Columns,
        used: &mut Vec<(u32, Used)>,
    ) {
        for text in 1..self.states.len() as u32 {
            let text = Text(text);
            let Some(&mut State { number, uses, .. }) = self.state(text) else { continue };
            if uses == 0 {
                continue;
            }
            if number == UNKNOWN {
                let bytes = columns.texts.get(text);
                let recurs =
                    bytes.len() <= LONGEST && dictionary.sightings(fingerprint(bytes)) >= SIGHTINGS;
                if self.reference(dictionary, columns, text, recurs).is_none() {
                    continue;
                }
            }
            used.extend(self.state(text).map(|state| (state.number, Used::Text(text))));
        }
    }

    /// Gives a text its place in the frame's table.
    pub(super) fn put(&mut self, text: Text, place: u32) {
        if let Some(state) = self.state(text) {
            state.place = place;
        }
    }

    /// The place of a text, and whether it has got it just now as the frame's next literal.
    /// `defined` is the number of texts in the frame that have definitions.
    #[inline]
    pub(super) fn place(&mut self, text: Text, defined: u32) -> (u32, bool) {
        let next = defined + self.literals.len() as u32;
        let Some(state) = self.state(text) else { return (0, false) };
        if state.place != UNKNOWN {
            return (state.place, false);
        }
        state.place = next;
        self.literals.push(text);
        (next, true)
    }
}
