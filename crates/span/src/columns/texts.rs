//! The table of byte strings of one [`super::Columns`].

/// Number of a byte string in a [`Texts`]. 0 is the empty string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(pub u32);

impl Text {
    /// The empty string, which every table has.
    pub const EMPTY: Text = Text(0);

    /// Whether it is the empty string.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Byte strings, numbered from 1 in order of appearance; 0 is the empty string.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    bytes: Vec<u8>,
    /// End of text `i + 1` in `bytes`.
    ends: Vec<u32>,
}

impl Texts {
    /// Number of texts, the empty one not counted: the highest number in use.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none but the empty one.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of text `text`; empty when there is no such text.
    #[inline]
    pub fn get(&self, text: Text) -> &[u8] {
        let Some(i) = (text.0 as usize).checked_sub(1) else { return &[] };
        let end = self.ends.get(i).map_or(0, |&e| e as usize);
        let start = match i.checked_sub(1) {
            Some(before) => self.ends.get(before).map_or(end, |&e| e as usize),
            None => 0,
        };
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The text as a string; empty when it is not UTF-8 (which [`super::Columns::check`] and the
    /// builder exclude for everything that is used as a string).
    #[inline]
    pub fn str(&self, text: Text) -> &str {
        std::str::from_utf8(self.get(text)).unwrap_or_default()
    }

    /// Appends a text without looking whether it is there already. An empty one gets number 0.
    ///
    /// The table holds at most `u32::MAX` bytes; callers bound their batches far below.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) -> Text {
        if bytes.is_empty() {
            return Text::EMPTY;
        }
        self.bytes.extend_from_slice(bytes);
        debug_assert!(u32::try_from(self.bytes.len()).is_ok(), "texts beyond 4 GiB");
        #[expect(clippy::cast_possible_truncation, reason = "bounded by the callers, see above")]
        self.ends.push(self.bytes.len() as u32);
        #[expect(clippy::cast_possible_truncation, reason = "no more texts than bytes")]
        Text(self.ends.len() as u32)
    }

    /// Whether each of the texts is UTF-8: one pass over the table instead of one for each use.
    pub(super) fn all_utf8(&self) -> bool {
        std::str::from_utf8(&self.bytes)
            .is_ok_and(|all| self.ends.iter().all(|&end| all.is_char_boundary(end as usize)))
    }

    /// Memory in use.
    pub fn bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * 4
    }

    /// Empties the table and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Drops all texts above number `len`.
    pub(super) fn truncate(&mut self, len: usize) {
        self.ends.truncate(len);
        self.bytes.truncate(self.ends.last().map_or(0, |&e| e as usize));
    }
}
