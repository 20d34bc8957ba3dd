//! What no leaf holds, of the rows of a row group that is spliced.

use crate::error::BlockError;
use crate::extras::{self, Extras};
use crate::read::{Entries, RowExtras};
use crate::schema::{Field, Leaf};
use crate::spliced::{Run, Spliced};
use hashbrown::HashMap;
use serde_bytes::ByteBuf;

/// The lists that extras count by.
const LISTS: usize = 4;
const RESOURCES: usize = 0;
const SCOPES: usize = 1;
const SPANS: usize = 2;
const LINKS: usize = 3;

/// How many resources, scopes, spans and links each row of each piece has.
pub(super) struct Counts(Vec<[Vec<u32>; LISTS]>);

impl Counts {
    pub(super) fn new(pieces: usize) -> Counts {
        Counts((0..pieces).map(|_| Default::default()).collect())
    }

    /// Counts where a leaf has one entry for each element of one of the lists.
    pub(super) fn note(&mut self, leaf: &Leaf, entries: &[Entries]) {
        let list = match leaf.field {
            Field::ServiceName => RESOURCES,
            Field::ScopeName => SCOPES,
            Field::SpanId => SPANS,
            Field::LinkTrace => LINKS,
            _ => return,
        };
        for (counts, entries) in self.0.iter_mut().zip(entries) {
            let Entries::Texts(texts) = entries else { continue };
            let Some(counts) = counts.get_mut(list) else { continue };
            for (rep, def) in texts.decoded.rep.iter().zip(&texts.decoded.def) {
                if *rep == 0 {
                    counts.push(0);
                }
                if let Some(count) = counts.last_mut() {
                    *count += u32::from(*def == leaf.max_def);
                }
            }
        }
    }

    fn of(&self, piece: usize) -> [&[u32]; LISTS] {
        match self.0.get(piece) {
            Some(counts) => counts.each_ref().map(Vec::as_slice),
            None => [&[]; LISTS],
        }
    }

    /// Spans of each piece that are taken.
    pub(super) fn spans_taken(&self, runs: &[Run]) -> Vec<u64> {
        let mut taken = vec![0; self.0.len()];
        let mut row = vec![0usize; self.0.len()];
        for run in runs {
            let (Some(sum), Some(row)) = (taken.get_mut(run.piece), row.get_mut(run.piece)) else {
                continue;
            };
            let rows = *row..*row + run.rows;
            *row = rows.end;
            if run.taken {
                let [_, _, spans, _] = self.of(run.piece);
                *sum +=
                    spans.get(rows).unwrap_or_default().iter().map(|n| u64::from(*n)).sum::<u64>();
            }
        }
        taken
    }
}

/// Columns of what is taken, one entry for each resource, scope, span or link.
#[derive(Default)]
struct Columns {
    texts: Vec<ByteBuf>,
    known: HashMap<Vec<u8>, u64>,
    /// How many of each list each row has.
    counts: [Vec<u64>; LISTS],
    span_flags: Vec<u64>,
    link_flags: Vec<u64>,
    resource_schema_url: Vec<u64>,
    resource_entity_refs: Vec<u64>,
    scope_schema_url: Vec<u64>,
    empty_service_name: Vec<bool>,
    /// The place among all spans, and the true end.
    span_end: Vec<(usize, u64)>,
}

/// What [`join`] makes.
#[derive(Default)]
pub(super) struct Joined {
    pub(super) extras: Extras,
    /// Spans that end before they start, by their place: when.
    pub(super) early: Vec<(usize, u64)>,
}

/// The extras of the rows that are taken, in order. `faulty` becomes the input whose extras are corrupt.
pub(super) fn join(
    spliced: &Spliced,
    counts: &Counts,
    faulty: &mut Option<usize>,
) -> Result<Joined, BlockError> {
    if !spliced.pieces.iter().any(|piece| piece.has_extras()) {
        return Ok(Joined::default());
    }
    let mut expanded = Vec::with_capacity(spliced.pieces.len());
    for (number, (piece, input)) in spliced.pieces.iter().zip(&spliced.inputs).enumerate() {
        let total = |list: &[u32]| list.iter().map(|n| *n as usize).sum();
        let extras = piece.extras(counts.of(number).map(total));
        expanded.push(extras.inspect_err(|_| *faulty = *input)?);
    }
    let mut columns = Columns::default();
    let mut done = vec![(0usize, [0usize; LISTS]); expanded.len()];
    for run in &spliced.order.runs {
        let found = expanded.get(run.piece).zip(done.get_mut(run.piece));
        let Some((extras, (row, at))) = found else { continue };
        for _ in 0..run.rows {
            let each = counts.of(run.piece).map(|list| list.get(*row).copied().unwrap_or(0));
            if run.taken {
                columns.row(extras, *at, each);
            }
            at.iter_mut().zip(each).for_each(|(at, n)| *at += n as usize);
            *row += 1;
        }
    }
    Ok(columns.finish())
}

impl Columns {
    fn row(&mut self, from: &RowExtras, at: [usize; LISTS], each: [u32; LISTS]) {
        for (counts, n) in self.counts.iter_mut().zip(each) {
            counts.push(u64::from(n));
        }
        let [resources, scopes, spans, links] = [RESOURCES, SCOPES, SPANS, LINKS].map(|list| {
            let start = at.get(list).copied().unwrap_or_default();
            start..start + each.get(list).copied().unwrap_or_default() as usize
        });
        for i in resources {
            let url = self.text(from.resource_schema_url(i));
            self.resource_schema_url.push(url);
            let refs = self.text(from.resource_entity_refs(i));
            self.resource_entity_refs.push(refs);
            self.empty_service_name.push(from.has_empty_service_name(i));
        }
        for i in scopes {
            let url = self.text(from.scope_schema_url(i));
            self.scope_schema_url.push(url);
        }
        for i in spans {
            if let Some(end) = from.span_end(i) {
                self.span_end.push((self.span_flags.len(), end));
            }
            self.span_flags.push(u64::from(from.span_flags(i)));
        }
        self.link_flags.extend(links.map(|i| u64::from(from.link_flags(i))));
    }

    fn text(&mut self, text: &[u8]) -> u64 {
        if text.is_empty() {
            return 0;
        }
        if let Some(number) = self.known.get(text) {
            return *number;
        }
        self.texts.push(ByteBuf::from(text));
        let number = self.texts.len() as u64;
        self.known.insert(text.to_vec(), number);
        number
    }

    fn finish(self) -> Joined {
        let runs = |column: Vec<u64>| extras::runs(column.into_iter());
        let mut last = 0;
        let step = |place: usize| (place - std::mem::replace(&mut last, place)) as u64;
        let places = self.span_end.iter().map(|(place, _)| *place).map(step);
        let ends = places.zip(&self.span_end).flat_map(|(place, (_, end))| [place, *end]);
        let mut all = Extras {
            span_end: ends.collect(),
            texts: self.texts,
            span_flags: runs(self.span_flags),
            link_flags: runs(self.link_flags),
            resource_schema_url: runs(self.resource_schema_url),
            resource_entity_refs: runs(self.resource_entity_refs),
            scope_schema_url: runs(self.scope_schema_url),
            empty_service_name: extras::places(self.empty_service_name.into_iter()),
            ..Extras::default()
        };
        if all != Extras::default() {
            let [resources, scopes, spans, links] = self.counts;
            all.trace_resources = runs(resources);
            all.trace_scopes = runs(scopes);
            all.trace_spans = runs(spans);
            all.trace_links = runs(links);
        }
        Joined { extras: all, early: self.span_end }
    }
}
