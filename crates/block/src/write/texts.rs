//! One numbering of the texts of many batches.
//!
//! Each batch has a table of its own. A text is hashed once for each batch that has it; from then
//! on everything is done with its number in this table, dictionaries included.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher};
use tributary_span::Columns;
use tributary_span::columns::Text;

/// Number of a text in an [`Interner`]; 0 is the empty text.
pub(super) type Gid = u32;

/// Distinct texts, numbered in order of appearance.
pub(super) struct Interner<'a> {
    texts: Vec<&'a [u8]>,
    /// The upper half of a text's hash and its number.
    table: HashTable<(u32, Gid)>,
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

fn upper(hash: u64) -> u32 {
    (hash >> 32) as u32
}

impl<'a> Interner<'a> {
    /// A table that has the empty text alone and room for `texts` more.
    pub(super) fn new(texts: usize) -> Self {
        let mut all = Vec::with_capacity(texts + 1);
        all.push(&[][..]);
        Interner { texts: all, table: HashTable::with_capacity(texts) }
    }

    /// The number of a text, which is added if it is new.
    pub(super) fn intern(&mut self, bytes: &'a [u8]) -> Gid {
        if bytes.is_empty() {
            return 0;
        }
        let hash = hash(bytes);
        let tag = upper(hash);
        let texts = &self.texts;
        let same = |&(t, gid): &(u32, Gid)| t == tag && texts.get(gid as usize) == Some(&bytes);
        if let Some(&(_, gid)) = self.table.find(hash, same) {
            return gid;
        }
        let gid = Gid::try_from(self.texts.len()).unwrap_or(Gid::MAX);
        self.texts.push(bytes);
        let texts = &self.texts;
        self.table.insert_unique(hash, (tag, gid), |&(_, gid)| {
            texts.get(gid as usize).map_or(0, |bytes| self::hash(bytes))
        });
        gid
    }

    /// The numbers of all texts of a batch, by their number in the batch.
    pub(super) fn batch(&mut self, batch: &'a Columns) -> Vec<Gid> {
        let count = u32::try_from(batch.texts.len()).unwrap_or(u32::MAX);
        (0..=count).map(|n| self.intern(batch.texts.get(Text(n)))).collect()
    }

    /// A text; empty when there is no such number.
    #[inline]
    pub(super) fn get(&self, gid: Gid) -> &'a [u8] {
        self.texts.get(gid as usize).copied().unwrap_or_default()
    }

    /// Number of texts, the empty one counted.
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }
}
