//! Which form a chunk takes: some of its rows are written in each that may do, and the one that is
//! shortest after compression is taken for all of them.

use super::form::{Coding, Effort, Form, LevelCoding, may_lack_dictionary};
use super::{ChunkWriter, Entries, Values, count};
use crate::error::BlockError;
use crate::schema::Leaf;
use crate::write::texts::Interner;
use std::ops::Range;

/// Chunks with fewer values are written as usual: there is nothing to be gained.
const FEWEST: usize = 64;
/// Places that are tried of a chunk, and the share of its entries that they have together.
const PLACES: usize = 2;
const SHARE: usize = 8;
/// Entries of one place, at least and at most.
const PLACE: (usize, usize) = (2 << 10, 8 << 10);
/// A dictionary of numbers is tried when their values stand as often as this on the average.
const REPEATS: usize = 3;
/// And one of texts is tried alone when they do so.
const TEXT_REPEATS: usize = 16;

/// A chunk of which forms are tried.
#[derive(Clone, Copy)]
pub(super) struct Tried<'t> {
    pub(super) leaf: &'t Leaf,
    pub(super) entries: Entries<'t>,
    pub(super) values: &'t Values<'t>,
    pub(super) texts: &'t Interner<'t>,
}

/// Rows that stand for all: their entries and their values.
struct Sample {
    entries: Range<usize>,
    values: Range<usize>,
}

/// Bytes of samples.
#[derive(Clone, Copy)]
struct Bytes {
    compressed: usize,
    plain: usize,
}

impl ChunkWriter {
    /// The form of a chunk, and about how many bytes it has in that form before compression.
    /// `self.dictionary` is its dictionary if the form has one.
    pub(super) fn choose(&mut self, chunk: Tried<'_>) -> Result<(Form, usize), BlockError> {
        let samples = samples(chunk.leaf, chunk.entries);
        let mut form = Form::usual(chunk.values, self.dictionary.len());
        let mut best = self.tried(chunk, &samples, form)?;
        let mut others = Vec::new();
        if !is_even(chunk.entries.rep) {
            others.push(Change::Rep);
        }
        if !is_even(chunk.entries.def) {
            others.push(Change::Def);
        }
        if chunk.values.len() >= FEWEST {
            others.extend(self.candidates(chunk)?.into_iter().map(Change::Values));
        }
        others.push(Change::Effort(Effort::Low));
        for change in others {
            let other = change.of(form);
            if other == form {
                continue;
            }
            let bytes = self.tried(chunk, &samples, other)?;
            if bytes.compressed < best.compressed {
                (form, best) = (other, bytes);
            }
        }
        let tried = samples.iter().map(|s| s.entries.len()).sum::<usize>().max(1);
        Ok((form, best.plain * chunk.entries.def.len() / tried))
    }

    /// Encodings that may do beside the usual one. Makes the dictionary that one of them needs.
    fn candidates(&mut self, chunk: Tried<'_>) -> Result<Vec<Coding>, BlockError> {
        let numbers: Vec<u64> = match chunk.values {
            Values::Texts(gids) => {
                let mut all = vec![Coding::aligned(self.dictionary.len())];
                let rare = gids.len() / self.dictionary.len().max(1) < TEXT_REPEATS;
                if rare && may_lack_dictionary(chunk.leaf) {
                    all.extend([Coding::Lengths, Coding::Prefixes]);
                }
                return Ok(all);
            }
            Values::Slices(_) => return Ok(vec![Coding::Prefixes]),
            Values::Bools(_) => return Ok(Vec::new()),
            Values::Ints(all) => all.iter().map(|n| n.cast_unsigned()).collect(),
            Values::Doubles(all) => all.to_vec(),
        };
        let mut codings = vec![Coding::Plain];
        if may_have_dictionary(chunk) && self.index_numbers(&numbers, numbers.len() / REPEATS) {
            self.put_dictionary(chunk.leaf, chunk.values, chunk.texts)?;
            let entries = self.dictionary.len();
            codings.extend([Coding::packed(entries), Coding::aligned(entries)]);
        }
        Ok(codings)
    }

    /// Bytes of the samples in a form; compressed ones with their share of the dictionary.
    fn tried(
        &mut self,
        chunk: Tried<'_>,
        samples: &[Sample],
        form: Form,
    ) -> Result<Bytes, BlockError> {
        let mut bytes = Bytes { compressed: 0, plain: 0 };
        let mut tried = 0;
        for sample in samples {
            self.pages.page.clear();
            self.put_entries(chunk.leaf, chunk.entries, &sample.entries, form)?;
            let numbers = (chunk.texts, &self.indices[..]);
            let range = sample.values.clone();
            self.pages.values(chunk.values, range, form.values, numbers, chunk.leaf.leaf_type);
            bytes.plain += self.pages.page.len();
            bytes.compressed += self.pages.compress(form.effort)?.len();
            tried += sample.entries.len();
        }
        let dictionary = if form.values.has_dictionary() { self.dictionary_page.len() } else { 0 };
        bytes.compressed += dictionary * tried / chunk.entries.def.len().max(1);
        Ok(bytes)
    }
}

/// Whether a dictionary of the chunk's numbers is read by all. parquet-go, with which Tempo reads, fills
/// only the lower half of a value from a dictionary of 32 bits: Tempo then compares -1, the parent of a
/// root, as 4,294,967,295, and `{ nestedSetParent < 0 }` finds nothing.
fn may_have_dictionary(chunk: Tried<'_>) -> bool {
    match chunk.values {
        Values::Ints(all) if chunk.leaf.leaf_type.is_narrow() => all.iter().all(|n| *n >= 0),
        _ => true,
    }
}

/// One thing that may be done in another way.
enum Change {
    Rep,
    Def,
    Values(Coding),
    Effort(Effort),
}

impl Change {
    fn of(&self, form: Form) -> Form {
        match *self {
            Change::Rep => Form { rep: LevelCoding::Runs, ..form },
            Change::Def => Form { def: LevelCoding::Runs, ..form },
            Change::Values(values) => Form { values, ..form },
            Change::Effort(effort) => Form { effort, ..form },
        }
    }
}

/// Rows from a few places of the chunk.
fn samples(leaf: &Leaf, entries: Entries<'_>) -> Vec<Sample> {
    let all = entries.def.len();
    let length = (all / SHARE / PLACES).clamp(PLACE.0, PLACE.1);
    let present = |range: Range<usize>| match leaf.max_def {
        0 => range.len(),
        max => count(entries.def.get(range).unwrap_or_default(), max),
    };
    let mut samples: Vec<Sample> = Vec::with_capacity(PLACES);
    let (mut at, mut value) = (0, 0);
    for place in 0..PLACES {
        // In the middle of each half, each third, and so on.
        let middle = (2 * place + 1) * all / (2 * PLACES);
        let from = row_from(entries.rep, middle.saturating_sub(length / 2).max(at));
        let to = row_from(entries.rep, (from + length).min(all));
        value += present(at..from);
        let end = value + present(from..to);
        if to > from {
            samples.push(Sample { entries: from..to, values: value..end });
        }
        (at, value) = (to, end);
    }
    if samples.is_empty() {
        // One row of very many entries.
        samples.push(Sample { entries: 0..all, values: 0..present(0..all) });
    }
    samples
}

/// The first entry from `at` on that starts a row.
fn row_from(rep: &[u8], at: usize) -> usize {
    let rest = rep.get(at..).unwrap_or_default();
    at.min(rep.len()) + rest.iter().position(|&r| r == 0).unwrap_or(rest.len())
}

/// Whether all levels are the same.
fn is_even(levels: &[u8]) -> bool {
    levels.iter().all(|l| Some(l) == levels.first())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WriterSettings;
    use crate::schema::leaves;

    #[test]
    fn numbers_below_zero_have_no_dictionary_of_32_bits() {
        let leaves = leaves();
        let leaf = |end: &str| leaves.iter().find(|leaf| leaf.path.ends_with(end)).unwrap();
        let table: [(&str, [i64; 3], usize); 5] = [
            (".ParentID", [-1, 1, 2], 1),
            (".ParentID", [0, 1, 2], 3),
            (".NestedSetLeft", [1, 2, 3], 3),
            (".StatusCode", [-1, 1, 2], 3),
            (".HttpStatusCode", [200, 404, 503], 3),
        ];
        for (path, values, codings) in table {
            let values = values.repeat(100);
            let levels = vec![1; values.len()];
            let texts = Interner::new(0);
            let entries = Entries { rep: &levels, def: &levels };
            let ints = Values::Ints(&values);
            let chunk = Tried { leaf: leaf(path), entries, values: &ints, texts: &texts };
            let mut writer = ChunkWriter::new(&WriterSettings::default()).unwrap();
            assert_eq!(writer.candidates(chunk).unwrap().len(), codings, "{path} {values:?}");
        }
    }
}
