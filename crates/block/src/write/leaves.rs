//! Every leaf of a row group: which levels it has and where its values stand.

use super::attrs::{AttrTable, Placer, SPAN_FIXED, Stored};
use super::chunk::{Chunk, ChunkWriter, Values};
use super::file::RowGroup;
use super::gather::Group;
use super::levels::Stream;
use super::shared::Shared;
use super::texts::{Gid, Interner};
use crate::error::BlockError;
use crate::extras::{self, Extras};
use crate::schema::{AttrField, Field, Leaf, Owner, RESOURCE_FIXED};
use parquet::schema::types::ColumnDescPtr;
use serde_bytes::ByteBuf;
use tributary_span::{SpanId, TraceId};

/// A row group with the levels of its lists.
pub(super) struct Leaves<'g, 'a> {
    group: &'g Group,
    shared: &'g Shared,
    placer: &'g Placer,
    texts: &'g Interner<'a>,
    /// Attributes of the resources and scopes, row by row.
    resource_attrs: AttrTable,
    scope_attrs: AttrTable,
    traces: Stream,
    stats: Stream,
    resources: Stream,
    resource_attr_levels: Stream,
    scopes: Stream,
    scope_attr_levels: Stream,
    spans: Stream,
    span_attr_levels: Stream,
    events: Stream,
    event_attr_levels: Stream,
    links: Stream,
    link_attr_levels: Stream,
    trace_id_texts: Vec<String>,
}

/// Copies the attributes of shared things row by row: the table and its ends.
fn spread(
    from: &AttrTable,
    ranges: impl Iterator<Item = std::ops::Range<usize>>,
) -> (AttrTable, Vec<u32>) {
    let mut table = AttrTable::default();
    let ends = ranges.map(|range| {
        table.extend(from, range);
        u32::try_from(table.len()).unwrap_or(u32::MAX)
    });
    let ends = ends.collect();
    (table, ends)
}

fn hex(id: &TraceId) -> String {
    let mut text = id.to_string();
    let zeros = text.len() - text.trim_start_matches('0').len();
    text.split_off(zeros)
}

impl<'g, 'a> Leaves<'g, 'a> {
    pub(super) fn new(
        group: &'g Group,
        shared: &'g Shared,
        placer: &'g Placer,
        texts: &'g Interner<'a>,
    ) -> Self {
        let resource =
            |&n: &u32| shared.resources.get(n as usize).map_or(0..0, |r| r.attrs.clone());
        let scope = |&n: &u32| shared.scopes.get(n as usize).map_or(0..0, |s| s.attrs.clone());
        let (resource_attrs, resource_ends) =
            spread(&shared.resource_attrs, group.resource.iter().map(resource));
        let (scope_attrs, scope_ends) = spread(&shared.scope_attrs, group.scope.iter().map(scope));
        let traces = Stream::rows(group.traces.id.len());
        let resources = traces.nest(&group.traces.resources_end);
        let scopes = resources.nest(&group.scopes_end);
        let spans = scopes.nest(&group.spans_end);
        let events = spans.nest(&group.spans.events_end);
        let links = spans.nest(&group.spans.links_end);
        Leaves {
            stats: traces.nest(&group.traces.stats_end),
            resource_attr_levels: resources.nest(&resource_ends),
            scope_attr_levels: scopes.nest(&scope_ends),
            span_attr_levels: spans.nest(&group.spans.attrs_end),
            event_attr_levels: events.nest(&group.events.attrs_end),
            link_attr_levels: links.nest(&group.links.attrs_end),
            trace_id_texts: group.traces.id.iter().map(hex).collect(),
            group,
            shared,
            placer,
            texts,
            resource_attrs,
            scope_attrs,
            traces,
            resources,
            scopes,
            spans,
            events,
            links,
        }
    }

    /// Writes one leaf.
    fn write_leaf(
        &self,
        leaf: &Leaf,
        column: ColumnDescPtr,
        to: &mut ChunkWriter,
    ) -> Result<Chunk, BlockError> {
        let (g, s) = (self.group, &self.group.spans);
        let mut put = |levels: &Stream, values: Values<'_>| {
            to.write(leaf, column.clone(), (&levels.rep, &levels.def), &values, self.texts)
        };
        let i32s = |column: &[u32]| column.iter().map(|&n| i64::from(n.cast_signed())).collect();
        let signed = |column: &[i32]| column.iter().map(|&n| i64::from(n)).collect();
        let u64s = |column: &[u64]| column.iter().map(|n| n.cast_signed()).collect();
        let ints = |column: Vec<i64>| column;
        let resource = |f: fn(&super::shared::Resource) -> u32| -> Vec<u32> {
            let all =
                g.resource.iter().map(|&n| self.shared.resources.get(n as usize).map_or(0, f));
            all.collect()
        };
        let scope = |f: fn(&super::shared::Scope) -> u32| -> Vec<u32> {
            let all = g.scope.iter().map(|&n| self.shared.scopes.get(n as usize).map_or(0, f));
            all.collect()
        };
        match leaf.field {
            Field::TraceId => put(&self.traces, Values::Slices(&trace_ids(&g.traces.id))),
            Field::TraceIdText => {
                let all: Vec<&[u8]> = self.trace_id_texts.iter().map(String::as_bytes).collect();
                put(&self.traces, Values::Slices(&all))
            }
            Field::TraceStart => put(&self.traces, Values::Ints(&ints(u64s(&g.traces.start)))),
            Field::TraceEnd => put(&self.traces, Values::Ints(&ints(u64s(&g.traces.end)))),
            Field::TraceDuration => {
                let both = g.traces.start.iter().zip(&g.traces.end);
                let all: Vec<i64> = both.map(|(s, e)| e.wrapping_sub(*s).cast_signed()).collect();
                put(&self.traces, Values::Ints(&all))
            }
            Field::RootService => put(&self.traces, Values::Texts(&g.traces.root_service)),
            Field::RootName => put(&self.traces, Values::Texts(&g.traces.root_name)),
            Field::StatsService => put(&self.stats, Values::Texts(&g.stats.service)),
            Field::StatsSpans => put(&self.stats, Values::Ints(&g.stats.spans)),
            Field::StatsErrors => put(&self.stats, Values::Ints(&g.stats.errors)),
            Field::ResourceDropped => {
                put(&self.resources, Values::Ints(&ints(i32s(&resource(|r| r.dropped)))))
            }
            Field::ServiceName => {
                let all = resource(|r| r.service.unwrap_or_default());
                put(&self.resources, Values::Texts(&all))
            }
            Field::ResourceFixed(n) => self.resource_column(leaf, column, to, n),
            Field::ResourceSlot(n) => {
                self.resource_column(leaf, column, to, RESOURCE_FIXED.len() + n)
            }
            Field::ScopeName => put(&self.scopes, Values::Texts(&scope(|s| s.name))),
            Field::ScopeVersion => put(&self.scopes, Values::Texts(&scope(|s| s.version))),
            Field::ScopeDropped => {
                put(&self.scopes, Values::Ints(&ints(i32s(&scope(|s| s.dropped)))))
            }
            Field::SpanId => put(&self.spans, Values::Slices(&span_ids(&s.id))),
            Field::ParentSpanId => put(&self.spans, Values::Slices(&span_ids(&s.parent))),
            Field::ParentId => self.numbers(leaf, column, to, |n| n.parent),
            Field::NestedLeft => self.numbers(leaf, column, to, |n| n.left),
            Field::NestedRight => self.numbers(leaf, column, to, |n| n.right),
            Field::SpanName => put(&self.spans, Values::Texts(&s.name)),
            Field::SpanKind => put(&self.spans, Values::Ints(&ints(signed(&s.kind)))),
            Field::TraceState => put(&self.spans, Values::Texts(&s.trace_state)),
            Field::SpanStart => put(&self.spans, Values::Ints(&ints(u64s(&s.start)))),
            Field::SpanDuration => {
                let both = s.start.iter().zip(&s.end);
                let all: Vec<i64> = both.map(|(s, e)| e.saturating_sub(*s).cast_signed()).collect();
                put(&self.spans, Values::Ints(&all))
            }
            Field::StatusCode => put(&self.spans, Values::Ints(&ints(signed(&s.status_code)))),
            Field::StatusMessage => put(&self.spans, Values::Texts(&s.status_message)),
            Field::SpanDropped => put(&self.spans, Values::Ints(&ints(i32s(&s.dropped_attrs)))),
            Field::DroppedEvents => put(&self.spans, Values::Ints(&ints(i32s(&s.dropped_events)))),
            Field::DroppedLinks => put(&self.spans, Values::Ints(&ints(i32s(&s.dropped_links)))),
            Field::EventTime => put(&self.events, Values::Ints(&ints(u64s(&g.events.time)))),
            Field::EventName => put(&self.events, Values::Texts(&g.events.name)),
            Field::EventDropped => {
                put(&self.events, Values::Ints(&ints(i32s(&g.events.dropped_attrs))))
            }
            Field::LinkTrace => put(&self.links, Values::Slices(&trace_ids(&g.links.trace))),
            Field::LinkSpan => put(&self.links, Values::Slices(&span_ids(&g.links.span))),
            Field::LinkTraceState => put(&self.links, Values::Texts(&g.links.trace_state)),
            Field::LinkDropped => {
                put(&self.links, Values::Ints(&ints(i32s(&g.links.dropped_attrs))))
            }
            Field::HttpMethod => self.span_column(leaf, column, to, 0),
            Field::HttpUrl => self.span_column(leaf, column, to, 1),
            Field::HttpStatus => {
                // By spans, so only the place in the list of codes is told by the levels.
                let mut present = vec![super::gather::NONE; s.id.len()];
                for &(span, _) in &s.http_status {
                    if let Some(slot) = present.get_mut(span as usize) {
                        *slot = 0;
                    }
                }
                let (def, _) = self.spans.optional(&present);
                let codes: Vec<i64> = s.http_status.iter().map(|&(_, code)| code).collect();
                to.write(leaf, column, (&self.spans.rep, &def), &Values::Ints(&codes), self.texts)
            }
            Field::SpanSlot(n) => self.span_column(leaf, column, to, SPAN_FIXED + n),
            Field::Attr(owner, field) => self.attribute(leaf, column, to, owner, field),
        }
    }

    fn numbers(
        &self,
        leaf: &Leaf,
        column: ColumnDescPtr,
        to: &mut ChunkWriter,
        which: fn(&crate::nested::Numbers) -> i32,
    ) -> Result<Chunk, BlockError> {
        let all: Vec<i64> = self.group.spans.numbers.iter().map(|n| i64::from(which(n))).collect();
        let levels = (&self.spans.rep[..], &self.spans.def[..]);
        to.write(leaf, column, levels, &Values::Ints(&all), self.texts)
    }

    fn resource_column(
        &self,
        leaf: &Leaf,
        column: ColumnDescPtr,
        to: &mut ChunkWriter,
        n: usize,
    ) -> Result<Chunk, BlockError> {
        let text = |r: &super::shared::Resource| r.columns.get(n).copied().flatten();
        let all: Vec<Gid> = self
            .group
            .resource
            .iter()
            .map(|&r| self.shared.resources.get(r as usize).and_then(text))
            .map(|found| found.unwrap_or(super::gather::NONE))
            .collect();
        let (def, values) = self.resources.optional(&all);
        to.write(leaf, column, (&self.resources.rep, &def), &Values::Texts(&values), self.texts)
    }

    fn span_column(
        &self,
        leaf: &Leaf,
        column: ColumnDescPtr,
        to: &mut ChunkWriter,
        n: usize,
    ) -> Result<Chunk, BlockError> {
        let all = self.group.spans.columns.get(n).map(Vec::as_slice).unwrap_or_default();
        let (def, values) = self.spans.optional(all);
        to.write(leaf, column, (&self.spans.rep, &def), &Values::Texts(&values), self.texts)
    }

    fn attribute(
        &self,
        leaf: &Leaf,
        column: ColumnDescPtr,
        to: &mut ChunkWriter,
        owner: Owner,
        field: AttrField,
    ) -> Result<Chunk, BlockError> {
        let (attrs, levels) = match owner {
            Owner::Resource => (&self.resource_attrs, &self.resource_attr_levels),
            Owner::Scope => (&self.scope_attrs, &self.scope_attr_levels),
            Owner::Span => (&self.group.span_attrs, &self.span_attr_levels),
            Owner::Event => (&self.group.event_attrs, &self.event_attr_levels),
            Owner::Link => (&self.group.link_attrs, &self.link_attr_levels),
        };
        let mut put = |levels: (&[u8], &[u8]), values: Values<'_>| {
            to.write(leaf, column.clone(), levels, &values, self.texts)
        };
        let own = (&levels.rep[..], &levels.def[..]);
        let of = |stored| levels.values(attrs, stored, &self.placer.lists);
        match field {
            AttrField::Key => put(own, Values::Texts(&attrs.key)),
            AttrField::IsArray => {
                let all: Vec<bool> = attrs.stored.iter().map(|f| *f == Stored::List).collect();
                put(own, Values::Bools(&all))
            }
            AttrField::Text => {
                let (levels, values) = of(Stored::Text);
                let gids: Vec<Gid> =
                    values.iter().map(|&v| Gid::try_from(v).unwrap_or_default()).collect();
                put((&levels.rep, &levels.def), Values::Texts(&gids))
            }
            AttrField::Int => {
                let (levels, values) = of(Stored::Int);
                let all: Vec<i64> = values.iter().map(|v| v.cast_signed()).collect();
                put((&levels.rep, &levels.def), Values::Ints(&all))
            }
            AttrField::Double => {
                let (levels, values) = of(Stored::Double);
                put((&levels.rep, &levels.def), Values::Doubles(&values))
            }
            AttrField::Bool => {
                let (levels, values) = of(Stored::Bool);
                let all: Vec<bool> = values.iter().map(|&v| v != 0).collect();
                put((&levels.rep, &levels.def), Values::Bools(&all))
            }
            AttrField::Unsupported => {
                let json = |(stored, value): (&Stored, &u64)| match stored {
                    Stored::Json => u32::try_from(*value).unwrap_or(super::gather::NONE),
                    _ => super::gather::NONE,
                };
                let all: Vec<u32> = attrs.stored.iter().zip(&attrs.value).map(json).collect();
                let (def, values) = levels.optional(&all);
                let texts = values.iter().map(|&n| self.placer.jsons.get(n as usize));
                let texts: Vec<&[u8]> =
                    texts.map(|t| t.map(String::as_bytes).unwrap_or_default()).collect();
                put((&levels.rep, &def), Values::Slices(&texts))
            }
        }
    }

    /// What no leaf holds.
    fn said_by_none(&self) -> Extras {
        let (g, s) = (self.group, &self.group.spans);
        let mut texts = Vec::new();
        let mut known = hashbrown::HashMap::new();
        let mut text = |gid: Gid| -> u64 {
            if gid == 0 {
                return 0;
            }
            *known.entry(gid).or_insert_with(|| {
                texts.push(ByteBuf::from(self.texts.get(gid)));
                texts.len() as u64
            })
        };
        let resource = |&n: &u32| self.shared.resources.get(n as usize);
        let scope = |&n: &u32| self.shared.scopes.get(n as usize);
        let resources = || g.resource.iter().filter_map(resource);
        let ends = s.start.iter().zip(&s.end);
        let early = ends.clone().map(|(start, end)| end < start);
        let true_ends = ends.filter(|(start, end)| end < start).map(|(_, end)| *end);
        let pairs = extras::places(early).into_iter().zip(true_ends);
        let mut extras = Extras {
            span_flags: extras::runs(s.flags.iter().map(|&f| u64::from(f))),
            link_flags: extras::runs(g.links.flags.iter().map(|&f| u64::from(f))),
            resource_schema_url: extras::runs(resources().map(|r| text(r.schema_url))),
            resource_entity_refs: extras::runs(resources().map(|r| text(r.entity_refs))),
            scope_schema_url: extras::runs(
                g.scope.iter().filter_map(scope).map(|s| text(s.schema_url)),
            ),
            empty_service_name: extras::places(resources().map(|r| r.service == Some(0))),
            span_end: pairs.flat_map(|(place, end)| [place, end]).collect(),
            ..Extras::default()
        };
        extras.texts = texts;
        if extras != Extras::default() {
            let resources = counts(&g.traces.resources_end);
            let scopes = through(&g.traces.resources_end, &g.scopes_end);
            let spans = through(&scopes, &g.spans_end);
            extras.trace_links = counts(&through(&spans, &s.links_end));
            extras.trace_spans = counts(&spans);
            extras.trace_scopes = counts(&scopes);
            extras.trace_resources = resources;
        }
        extras
    }
}

impl RowGroup for Leaves<'_, '_> {
    fn write(
        &mut self,
        (_, leaf): (usize, &Leaf),
        column: ColumnDescPtr,
        to: &mut ChunkWriter,
    ) -> Result<Chunk, BlockError> {
        self.write_leaf(leaf, column, to)
    }

    fn extras(&mut self) -> Result<Extras, BlockError> {
        Ok(self.said_by_none())
    }
}

fn trace_ids(ids: &[TraceId]) -> Vec<&[u8]> {
    ids.iter().map(|id| if id.is_zero() { &[][..] } else { &id.0[..] }).collect()
}

fn span_ids(ids: &[SpanId]) -> Vec<&[u8]> {
    ids.iter().map(|id| if id.is_zero() { &[][..] } else { &id.0[..] }).collect()
}

/// Ends of a list of a list by the outer list's owners.
fn through(outer: &[u32], inner: &[u32]) -> Vec<u32> {
    let last = |&end: &u32| end.checked_sub(1).and_then(|n| inner.get(n as usize));
    outer.iter().map(|end| last(end).copied().unwrap_or(0)).collect()
}

/// Runs of how many elements each owner has.
fn counts(ends: &[u32]) -> Vec<u64> {
    let starts = std::iter::once(&0).chain(ends);
    extras::runs(ends.iter().zip(starts).map(|(end, start)| u64::from(end.saturating_sub(*start))))
}
