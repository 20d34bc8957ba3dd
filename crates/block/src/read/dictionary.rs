//! Values of a column by number.

/// Byte strings by number, each once where the file says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dictionary {
    pub(super) bytes: Vec<u8>,
    /// End of each entry in `bytes`.
    pub(super) ends: Vec<usize>,
}

impl Dictionary {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// An entry; empty when there is no such number.
    #[inline]
    pub fn get(&self, number: u32) -> &[u8] {
        let i = number as usize;
        let end = self.ends.get(i).copied().unwrap_or_default();
        let start = i.checked_sub(1).and_then(|i| self.ends.get(i)).copied().unwrap_or_default();
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// All entries in order.
    pub fn entries(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let entry = self.bytes.get(start..end).unwrap_or_default();
            start = end;
            entry
        })
    }

    /// Appends an entry and gives its number.
    pub fn push(&mut self, entry: &[u8]) -> u32 {
        self.bytes.extend_from_slice(entry);
        self.ends.push(self.bytes.len());
        u32::try_from(self.ends.len() - 1).unwrap_or(u32::MAX)
    }

    /// Memory in use.
    pub fn bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * 8
    }
}
