//! The leaves of a row group that is spliced of rows of others.

mod extras;

use super::chunk::{Chunk, ChunkWriter, Values};
use super::file::RowGroup;
use super::gather::NONE;
use super::texts::{Gid, Interner};
use crate::error::BlockError;
use crate::extras::Extras;
use crate::merge::InputError;
use crate::read::{Decoded, Entries, IndexedTexts};
use crate::schema::{AttrField, Field, Leaf};
use crate::spliced::{Run, Spliced};
use extras::Counts;
use hashbrown::HashMap;
use parquet::schema::types::ColumnDescPtr;

/// Why a row group could not be spliced.
#[derive(Debug, thiserror::Error)]
pub enum SpliceError {
    /// One of the blocks is corrupt.
    #[error(transparent)]
    Input(#[from] InputError),
    /// It could not be written.
    #[error(transparent)]
    Block(#[from] BlockError),
}

/// Repetition and definition levels.
type Levels = (Vec<u8>, Vec<u8>);

/// See the module's page.
pub(super) struct Rows<'s> {
    spliced: &'s Spliced,
    /// What was found on the way: how many resources, scopes, spans and links each row of each piece has.
    counts: Counts,
    /// By list: the levels of its first leaf, of each piece.
    shapes: HashMap<String, Vec<Levels>>,
    /// Of the spans that are taken.
    pub(super) starts: Vec<i64>,
    pub(super) durations: Vec<i64>,
    /// Those of them that end before they start, by their place: when.
    early: Vec<(usize, u64)>,
    /// The input whose bytes could not be read.
    pub(super) faulty: Option<usize>,
}

impl<'s> Rows<'s> {
    pub(super) fn new(spliced: &'s Spliced) -> Self {
        let counts = Counts::new(spliced.pieces.len());
        Rows {
            spliced,
            counts,
            shapes: HashMap::new(),
            starts: Vec::new(),
            durations: Vec::new(),
            early: Vec::new(),
            faulty: None,
        }
    }

    /// Spans of each input that were taken, whether by leaf or by span.
    pub(super) fn taken(&self) -> Vec<u64> {
        let mut taken = self.spliced.merged.clone();
        let by_piece = self.counts.spans_taken(&self.spliced.order.runs);
        for (input, spans) in self.spliced.inputs.iter().zip(by_piece) {
            if let Some(sum) = input.and_then(|n| taken.get_mut(n)) {
                *sum += spans;
            }
        }
        taken
    }

    /// Start and end of each span that was taken.
    pub(super) fn times(&self, mut add: impl FnMut(u64, u64)) {
        let mut early = self.early.iter().copied().peekable();
        for (place, (start, duration)) in self.starts.iter().zip(&self.durations).enumerate() {
            let (start, duration) = (start.cast_unsigned(), duration.cast_unsigned());
            let end = early.next_if(|(at, _)| *at == place).map(|(_, end)| end);
            add(start, end.unwrap_or(start.wrapping_add(duration)));
        }
    }

    fn decode(&mut self, number: usize) -> Result<Vec<Entries>, BlockError> {
        let mut all = Vec::with_capacity(self.spliced.pieces.len());
        for (piece, input) in self.spliced.pieces.iter().zip(&self.spliced.inputs) {
            match piece.leaf(number) {
                Ok(entries) => all.push(entries),
                Err(error) => {
                    self.faulty = *input;
                    return Err(error);
                }
            }
        }
        Ok(all)
    }

    /// Whether the leaves of a list have an entry for the same elements, in each piece. Where one has
    /// not, its values would come to stand at other elements.
    fn check(&mut self, leaf: &Leaf, entries: &[Entries]) -> Result<(), BlockError> {
        let levels = || entries.iter().map(Entries::levels);
        let Some(known) = self.shapes.get(leaf.list()) else {
            let all = levels().map(|(rep, def)| (rep.to_vec(), def.to_vec())).collect();
            self.shapes.insert(leaf.list().to_owned(), all);
            return Ok(());
        };
        let fits = |((rep, def), (own_rep, own_def)): (&Levels, (&[u8], &[u8]))| {
            rep == own_rep && (leaf.optional || def == own_def)
        };
        let Some(odd) = known.iter().zip(levels()).position(|both| !fits(both)) else {
            return Ok(());
        };
        self.faulty = self.spliced.inputs.get(odd).copied().flatten();
        let path = leaf.plain_path();
        Err(BlockError::corrupt(format!("column {path} does not fit the others of its list")))
    }
}

impl RowGroup for Rows<'_> {
    fn write(
        &mut self,
        (number, leaf): (usize, &Leaf),
        column: ColumnDescPtr,
        to: &mut ChunkWriter,
    ) -> Result<Chunk, BlockError> {
        let entries = self.decode(number)?;
        self.check(leaf, &entries)?;
        self.counts.note(leaf, &entries);
        let runs = &self.spliced.order.runs[..];
        let no_texts = Interner::new(0);
        let mut put = |levels: (&[u8], &[u8]), values: Values<'_>, texts: &Interner<'_>| {
            to.write(leaf, column.clone(), levels, &values, texts)
        };
        match kind(leaf) {
            Kind::Texts => {
                let inputs = texts(&entries)?;
                let mut interner = Interner::new(0);
                // Of a row group's dictionary a part of its rows needs little.
                let mut maps: Vec<Vec<Gid>> =
                    inputs.iter().map(|input| vec![NONE; input.dictionary.len()]).collect();
                let all = decoded(&inputs);
                let all = splice(leaf, runs, &all, |piece, index: u32| {
                    let found = maps.get_mut(piece).and_then(|map| map.get_mut(index as usize));
                    let Some((gid, input)) = found.zip(inputs.get(piece)) else { return 0 };
                    if *gid == NONE {
                        *gid = interner.intern(input.dictionary.get(index));
                    }
                    *gid
                });
                put((&all.rep, &all.def), Values::Texts(&all.values), &interner)
            }
            Kind::Slices => {
                let inputs = texts(&entries)?;
                let all = decoded(&inputs);
                let all = splice(leaf, runs, &all, |piece, index: u32| {
                    inputs.get(piece).map(|input| input.dictionary.get(index)).unwrap_or_default()
                });
                put((&all.rep, &all.def), Values::Slices(&all.values), &no_texts)
            }
            Kind::Ints => {
                let inputs = pick(&entries, |entries| match entries {
                    Entries::Ints(ints) => Some(ints),
                    _ => None,
                })?;
                let all = splice(leaf, runs, &inputs, |_, value: i64| value);
                let chunk = put((&all.rep, &all.def), Values::Ints(&all.values), &no_texts)?;
                match leaf.field {
                    Field::SpanStart => self.starts = all.values,
                    Field::SpanDuration => self.durations = all.values,
                    _ => {}
                }
                Ok(chunk)
            }
            Kind::Doubles => {
                let inputs = pick(&entries, |entries| match entries {
                    Entries::Doubles(doubles) => Some(doubles),
                    _ => None,
                })?;
                let all = splice(leaf, runs, &inputs, |_, value: u64| value);
                put((&all.rep, &all.def), Values::Doubles(&all.values), &no_texts)
            }
            Kind::Bools => {
                let inputs = pick(&entries, |entries| match entries {
                    Entries::Bools(bools) => Some(bools),
                    _ => None,
                })?;
                let all = splice(leaf, runs, &inputs, |_, value: bool| value);
                put((&all.rep, &all.def), Values::Bools(&all.values), &no_texts)
            }
        }
    }

    fn extras(&mut self) -> Result<Extras, BlockError> {
        let joined = extras::join(self.spliced, &self.counts, &mut self.faulty)?;
        self.early = joined.early;
        Ok(joined.extras)
    }
}

/// How values of a leaf are written.
enum Kind {
    /// With a dictionary.
    Texts,
    /// Byte strings that are mostly not alike.
    Slices,
    Ints,
    Doubles,
    Bools,
}

fn kind(leaf: &Leaf) -> Kind {
    use crate::schema::LeafType;
    match (leaf.field, leaf.leaf_type) {
        (Field::TraceIdText | Field::Attr(_, AttrField::Unsupported), LeafType::Text) => {
            Kind::Slices
        }
        (_, LeafType::Bytes) => Kind::Slices,
        (_, LeafType::Text) => Kind::Texts,
        (_, LeafType::Bool) => Kind::Bools,
        (_, LeafType::Double) => Kind::Doubles,
        (_, LeafType::I32 | LeafType::U32 | LeafType::I64 | LeafType::U64) => Kind::Ints,
    }
}

fn pick<'e, T>(
    entries: &'e [Entries],
    which: impl Fn(&'e Entries) -> Option<&'e T>,
) -> Result<Vec<&'e T>, BlockError> {
    let all: Option<Vec<&T>> = entries.iter().map(which).collect();
    all.ok_or_else(|| BlockError::corrupt("a column of another type"))
}

fn texts(entries: &[Entries]) -> Result<Vec<&IndexedTexts>, BlockError> {
    pick(entries, |entries| match entries {
        Entries::Texts(texts) => Some(texts),
        _ => None,
    })
}

fn decoded<'e>(inputs: &[&'e IndexedTexts]) -> Vec<&'e Decoded<u32>> {
    inputs.iter().map(|input| &input.decoded).collect()
}

/// The rows that are taken, in order.
fn splice<T: Copy, U>(
    leaf: &Leaf,
    runs: &[Run],
    from: &[&Decoded<T>],
    mut convert: impl FnMut(usize, T) -> U,
) -> Decoded<U> {
    let entries = from.iter().map(|d| d.rep.len()).sum();
    let values = from.iter().map(|d| d.values.len()).sum();
    let mut all = Decoded {
        rep: Vec::with_capacity(entries),
        def: Vec::with_capacity(entries),
        values: Vec::with_capacity(values),
    };
    let mut done = vec![(0usize, 0usize); from.len()];
    for run in runs {
        let Some((from, done)) = from.get(run.piece).zip(done.get_mut(run.piece)) else { continue };
        let (entry, value) = *done;
        let rep = from.rep.get(entry..).unwrap_or_default();
        let length = match leaf.max_rep {
            0 => run.rows.min(rep.len()),
            _ => end_of(rep, run.rows),
        };
        let def = from.def.get(entry..entry + length).unwrap_or_default();
        let present = match leaf.max_def {
            0 => length,
            max => def.iter().filter(|level| **level == max).count(),
        };
        if run.taken {
            all.rep.extend_from_slice(rep.get(..length).unwrap_or_default());
            all.def.extend_from_slice(def);
            let values = from.values.get(value..value + present).unwrap_or_default();
            all.values.extend(values.iter().map(|v| convert(run.piece, *v)));
        }
        *done = (entry + length, value + present);
    }
    all
}

/// Where the rows end that the levels begin with.
fn end_of(rep: &[u8], rows: usize) -> usize {
    let mut end = 0;
    for _ in 0..rows {
        let rest = rep.get(end + 1..).unwrap_or_default();
        end += 1 + rest.iter().position(|level| *level == 0).unwrap_or(rest.len());
    }
    end.min(rep.len())
}
