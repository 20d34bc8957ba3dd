//! The extras of some rows of a row group: what no column of the file holds.

use crate::error::BlockError;
use crate::extras::{self, Extras};
use hashbrown::{HashMap, HashSet};
use std::ops::Range;

/// Extras by the rows' own count of resources, scopes, spans and links.
pub(crate) struct RowExtras {
    texts: Vec<Vec<u8>>,
    span_flags: Vec<u64>,
    link_flags: Vec<u64>,
    resource_schema_url: Vec<u64>,
    resource_entity_refs: Vec<u64>,
    scope_schema_url: Vec<u64>,
    empty_service_name: HashSet<usize>,
    span_end: HashMap<usize, u64>,
}

/// The part of a table that belongs to some rows, and the table's length, from the numbers of
/// elements that each row of the row group has.
fn part(
    runs: &[u64],
    rows: &Range<usize>,
    count: usize,
) -> Result<(Range<usize>, usize), BlockError> {
    let (mut row, mut start, mut end, mut total) = (0u64, 0u64, 0u64, 0u64);
    let [first, last] = [rows.start as u64, rows.end as u64];
    let (pairs, _) = runs.as_chunks::<2>();
    for &[repeats, each] in pairs {
        let next = row.saturating_add(repeats);
        let within = |bound: u64| bound.clamp(row, next) - row;
        start = start.saturating_add(within(first).saturating_mul(each));
        end = end.saturating_add(within(last).saturating_mul(each));
        total = total.saturating_add(repeats.saturating_mul(each));
        row = next;
    }
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    match range.zip(usize::try_from(total).ok()) {
        Some(((start, end), total))
            if end.checked_sub(start) == Some(count) && total <= 1 << 31 =>
        {
            Ok((start..end, total))
        }
        _ => Err(BlockError::corrupt("extras: they are not of these rows")),
    }
}

impl RowExtras {
    /// The extras of `rows`, which have the given numbers of resources, scopes, spans and links.
    pub(crate) fn new(
        extras: &Extras,
        rows: &Range<usize>,
        [resources, scopes, spans, links]: [usize; 4],
    ) -> Result<Self, BlockError> {
        let column = |runs: &[u64], counts: &[u64], count: usize| {
            if runs.is_empty() {
                return Ok(Vec::new());
            }
            let (range, total) = part(counts, rows, count)?;
            let column = extras::expand_range(runs, &range, total)?;
            Ok::<_, BlockError>(column)
        };
        let places = |places: &[u64], counts: &[u64], count: usize| {
            if places.is_empty() {
                return Ok(Vec::new());
            }
            let (range, total) = part(counts, rows, count)?;
            let all = extras::rows_of(places, total)?;
            Ok::<_, BlockError>(
                all.into_iter()
                    .map(|row| row.checked_sub(range.start).filter(|row| *row < count))
                    .collect(),
            )
        };
        let resource = &extras.trace_resources;
        let (ends, _) = extras.span_end.as_chunks::<2>();
        let early: Vec<u64> = ends.iter().map(|[place, _]| *place).collect();
        let early = places(&early, &extras.trace_spans, spans)?;
        Ok(RowExtras {
            texts: extras.texts.iter().map(|text| text.to_vec()).collect(),
            span_flags: column(&extras.span_flags, &extras.trace_spans, spans)?,
            link_flags: column(&extras.link_flags, &extras.trace_links, links)?,
            resource_schema_url: column(&extras.resource_schema_url, resource, resources)?,
            resource_entity_refs: column(&extras.resource_entity_refs, resource, resources)?,
            scope_schema_url: column(&extras.scope_schema_url, &extras.trace_scopes, scopes)?,
            empty_service_name: places(&extras.empty_service_name, resource, resources)?
                .into_iter()
                .flatten()
                .collect(),
            span_end: early
                .into_iter()
                .zip(ends)
                .filter_map(|(row, [_, end])| Some((row?, *end)))
                .collect(),
        })
    }

    fn text(&self, column: &[u64], i: usize) -> &[u8] {
        let number = column.get(i).and_then(|n| usize::try_from(*n).ok()).unwrap_or(0);
        number.checked_sub(1).and_then(|n| self.texts.get(n)).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn resource_schema_url(&self, i: usize) -> &[u8] {
        self.text(&self.resource_schema_url, i)
    }

    pub(crate) fn resource_entity_refs(&self, i: usize) -> &[u8] {
        self.text(&self.resource_entity_refs, i)
    }

    pub(crate) fn scope_schema_url(&self, i: usize) -> &[u8] {
        self.text(&self.scope_schema_url, i)
    }

    pub(crate) fn has_empty_service_name(&self, i: usize) -> bool {
        self.empty_service_name.contains(&i)
    }

    pub(crate) fn span_flags(&self, i: usize) -> u32 {
        self.span_flags.get(i).and_then(|n| u32::try_from(*n).ok()).unwrap_or_default()
    }

    pub(crate) fn link_flags(&self, i: usize) -> u32 {
        self.link_flags.get(i).and_then(|n| u32::try_from(*n).ok()).unwrap_or_default()
    }

    pub(crate) fn span_end(&self, i: usize) -> Option<u64> {
        self.span_end.get(&i).copied()
    }
}
