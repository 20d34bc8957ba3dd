//! The rows of one row group, gathered from their batches into tables that stand in file order.
//!
//! After this every leaf is a walk along one column: traces own resources, resources own scopes,
//! scopes own spans, spans own attributes, events and links, each by a column of ends. Texts are
//! numbers of the block's [`Interner`].

use super::attrs::{AttrTable, Placement, Placer, SPAN_FIXED};
use super::order::Order;
use super::plan::At;
use super::shared::Shared;
use super::texts::{Gid, Interner};
use crate::nested::{Node, Numberer, Numbers};
use crate::schema::SLOTS;
use tributary_span::columns::{Attrs, Text, owned};
use tributary_span::{Columns, SpanId, TraceId};

/// No text in an optional column.
pub(super) const NONE: Gid = Gid::MAX;

/// Traces of a row group.
#[derive(Default)]
pub(super) struct Traces {
    pub(super) id: Vec<TraceId>,
    pub(super) start: Vec<u64>,
    pub(super) end: Vec<u64>,
    pub(super) root_service: Vec<Gid>,
    pub(super) root_name: Vec<Gid>,
    pub(super) stats_end: Vec<u32>,
    pub(super) resources_end: Vec<u32>,
}

/// Spans of a service in a trace.
#[derive(Default)]
pub(super) struct Stats {
    pub(super) service: Vec<Gid>,
    pub(super) spans: Vec<i64>,
    pub(super) errors: Vec<i64>,
}

/// Spans of a row group; the meaning of a column is that of its leaf.
#[derive(Default)]
pub(super) struct Spans {
    pub(super) id: Vec<SpanId>,
    pub(super) parent: Vec<SpanId>,
    pub(super) numbers: Vec<Numbers>,
    pub(super) name: Vec<Gid>,
    pub(super) kind: Vec<i32>,
    pub(super) trace_state: Vec<Gid>,
    pub(super) start: Vec<u64>,
    pub(super) end: Vec<u64>,
    pub(super) flags: Vec<u32>,
    pub(super) status_code: Vec<i32>,
    pub(super) status_message: Vec<Gid>,
    pub(super) dropped_attrs: Vec<u32>,
    pub(super) dropped_events: Vec<u32>,
    pub(super) dropped_links: Vec<u32>,
    /// `http.status_code`: the span and the value.
    pub(super) http_status: Vec<(u32, i64)>,
    /// Columns of strings, by [`Placement::Text`]: [`NONE`] or the text.
    pub(super) columns: [Vec<Gid>; SPAN_FIXED + SLOTS],
    pub(super) attrs_end: Vec<u32>,
    pub(super) events_end: Vec<u32>,
    pub(super) links_end: Vec<u32>,
}

/// Events of a row group.
#[derive(Default)]
pub(super) struct Events {
    /// Since the start of the span, wrapping.
    pub(super) time: Vec<u64>,
    pub(super) name: Vec<Gid>,
    pub(super) dropped_attrs: Vec<u32>,
    pub(super) attrs_end: Vec<u32>,
}

/// Links of a row group.
#[derive(Default)]
pub(super) struct Links {
    pub(super) trace: Vec<TraceId>,
    pub(super) span: Vec<SpanId>,
    pub(super) trace_state: Vec<Gid>,
    pub(super) flags: Vec<u32>,
    pub(super) dropped_attrs: Vec<u32>,
    pub(super) attrs_end: Vec<u32>,
}

/// A row group's rows.
#[derive(Default)]
pub(super) struct Group {
    pub(super) traces: Traces,
    pub(super) stats: Stats,
    /// Number in [`Shared::resources`] of each resource of each trace.
    pub(super) resource: Vec<u32>,
    pub(super) scopes_end: Vec<u32>,
    /// Number in [`Shared::scopes`] of each scope of each resource.
    pub(super) scope: Vec<u32>,
    pub(super) spans_end: Vec<u32>,
    pub(super) spans: Spans,
    pub(super) events: Events,
    pub(super) links: Links,
    pub(super) span_attrs: AttrTable,
    pub(super) event_attrs: AttrTable,
    pub(super) link_attrs: AttrTable,
}

/// A batch with its translations into the block's numbers.
pub(super) struct Batch<'a> {
    pub(super) columns: &'a Columns,
    pub(super) texts: Vec<Gid>,
    pub(super) resources: Vec<u32>,
    pub(super) scopes: Vec<u32>,
}

/// Spans that were left out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Dropped {
    pub(super) duplicates: u64,
    pub(super) conflicts: u64,
}

/// What order and identity of a span depend on.
#[derive(Clone, Copy)]
struct Item {
    resource: u32,
    scope: u32,
    start: u64,
    id: SpanId,
    kind: i32,
    /// Order of arrival.
    nth: u32,
    at: At,
}

/// Gathers row groups; keeps its memory from one to the next.
pub(super) struct Gatherer<'a, 'b> {
    pub(super) batches: &'b [Batch<'a>],
    pub(super) texts: &'b mut Interner<'a>,
    pub(super) placer: &'b mut Placer,
    pub(super) shared: &'b Shared,
    pub(super) dropped: Dropped,
    order: Order,
    items: Vec<Item>,
    nodes: Vec<Node>,
    numberer: Numberer,
}

#[inline]
fn pick<T: Copy + Default>(column: &[T], i: usize) -> T {
    column.get(i).copied().unwrap_or_default()
}

fn number(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl<'a, 'b> Gatherer<'a, 'b> {
    pub(super) fn new(
        batches: &'b [Batch<'a>],
        texts: &'b mut Interner<'a>,
        placer: &'b mut Placer,
        shared: &'b Shared,
    ) -> Self {
        let order = Order::new(shared, texts);
        Gatherer {
            batches,
            texts,
            placer,
            shared,
            dropped: Dropped::default(),
            order,
            items: Vec::new(),
            nodes: Vec::new(),
            numberer: Numberer::default(),
        }
    }

    fn batch(&self, at: At) -> Option<&'b Batch<'a>> {
        self.batches.get(at.batch as usize)
    }

    /// Appends one trace to a row group.
    pub(super) fn trace(&mut self, group: &mut Group, id: TraceId, spans: &[At]) {
        self.choose(spans);
        let mut items = std::mem::take(&mut self.items);
        let order = &self.order;
        let places = |i: &Item| (order.resource(i.resource), order.scope(i.scope));
        items.sort_unstable_by_key(|i| (places(i), i.start, i.nth));
        let first = group.spans.id.len();
        for same_resource in items.chunk_by(|a, b| a.resource == b.resource) {
            for same_scope in same_resource.chunk_by(|a, b| a.scope == b.scope) {
                for item in same_scope {
                    self.span(group, item.at);
                }
                group.scope.push(same_scope.first().map_or(0, |i| i.scope));
                group.spans_end.push(number(group.spans.id.len()));
            }
            group.resource.push(same_resource.first().map_or(0, |i| i.resource));
            group.scopes_end.push(number(group.scope.len()));
        }
        self.nodes.clear();
        let (ids, parents) = (group.spans.id.iter(), group.spans.parent.iter());
        let all = ids.zip(parents).zip(&group.spans.kind).skip(first);
        self.nodes.extend(all.map(|((&id, &parent), &kind)| Node { id, parent, kind }));
        self.numberer.number(&self.nodes, &mut group.spans.numbers);
        self.summary(group, id, &items, first);
        self.items = items;
    }

    /// Fills `items` with the spans that are kept: of those with the same id and kind the first.
    fn choose(&mut self, spans: &[At]) {
        let mut items = std::mem::take(&mut self.items);
        items.clear();
        items.extend((0u32..).zip(spans).filter_map(|(nth, &at)| {
            let batch = self.batch(at)?;
            let (s, row) = (&batch.columns.spans, at.row as usize);
            Some(Item {
                resource: pick(&batch.resources, pick(&s.resource, row) as usize),
                scope: pick(&batch.scopes, pick(&s.scope, row) as usize),
                start: pick(&s.start, row),
                id: pick(&s.id, row),
                kind: pick(&s.kind, row),
                nth,
                at,
            })
        }));
        items.sort_unstable_by_key(|i| (i.id, i.kind, i.nth));
        let mut dropped = self.dropped;
        items.dedup_by(|later, kept| {
            let same = later.id == kept.id && later.kind == kept.kind;
            if same {
                dropped.duplicates += 1;
                dropped.conflicts += u64::from(!self.equal(later, kept));
            }
            same
        });
        self.dropped = dropped;
        self.items = items;
    }

    /// Whether two spans are equal in every field.
    fn equal(&self, a: &Item, b: &Item) -> bool {
        let (Some(x), Some(y)) = (self.batch(a.at), self.batch(b.at)) else { return false };
        let (i, k) = (a.at.row as usize, b.at.row as usize);
        let text = |batch: &Batch<'_>, t: Text| pick(&batch.texts, t.0 as usize);
        let texts = |f: fn(&Columns) -> &Vec<Text>| {
            text(x, pick(f(x.columns), i)) == text(y, pick(f(y.columns), k))
        };
        let (s, t) = (&x.columns.spans, &y.columns.spans);
        let lists = |table: fn(&Columns) -> &Attrs,
                     a: std::ops::Range<usize>,
                     b: std::ops::Range<usize>| {
            let [a, b] = [(x, a), (y, b)].map(|(batch, range)| {
                table(batch.columns).range(range).map(|attr| {
                    let value = match attr.value_type.is_text() {
                        true => u64::from(text(batch, attr.text())),
                        false => attr.value,
                    };
                    (text(batch, attr.key), attr.value_type, value)
                })
            });
            a.eq(b)
        };
        let (events, others) = (x.columns.events_of(i), y.columns.events_of(k));
        let (links, other_links) = (x.columns.links_of(i), y.columns.links_of(k));
        (a.resource, a.scope, a.start) == (b.resource, b.scope, b.start)
            && pick(&s.end, i) == pick(&t.end, k)
            && pick(&s.parent, i) == pick(&t.parent, k)
            && pick(&s.flags, i) == pick(&t.flags, k)
            && pick(&s.status_code, i) == pick(&t.status_code, k)
            && pick(&s.dropped_attrs, i) == pick(&t.dropped_attrs, k)
            && pick(&s.dropped_events, i) == pick(&t.dropped_events, k)
            && pick(&s.dropped_links, i) == pick(&t.dropped_links, k)
            && texts(|c| &c.spans.name)
            && texts(|c| &c.spans.trace_state)
            && texts(|c| &c.spans.status_message)
            && lists(|c| &c.span_attrs, owned(&s.attrs_end, i), owned(&t.attrs_end, k))
            && events.len() == others.len()
            && events.zip(others).all(|(i, k)| {
                let (e, f) = (&x.columns.events, &y.columns.events);
                pick(&e.time, i) == pick(&f.time, k)
                    && pick(&e.dropped_attrs, i) == pick(&f.dropped_attrs, k)
                    && text(x, pick(&e.name, i)) == text(y, pick(&f.name, k))
                    && lists(|c| &c.event_attrs, owned(&e.attrs_end, i), owned(&f.attrs_end, k))
            })
            && links.len() == other_links.len()
            && links.zip(other_links).all(|(i, k)| {
                let (l, m) = (&x.columns.links, &y.columns.links);
                pick(&l.trace, i) == pick(&m.trace, k)
                    && pick(&l.span, i) == pick(&m.span, k)
                    && pick(&l.flags, i) == pick(&m.flags, k)
                    && pick(&l.dropped_attrs, i) == pick(&m.dropped_attrs, k)
                    && text(x, pick(&l.trace_state, i)) == text(y, pick(&m.trace_state, k))
                    && lists(|c| &c.link_attrs, owned(&l.attrs_end, i), owned(&m.attrs_end, k))
            })
    }

    /// Appends a span with its lists.
    fn span(&mut self, group: &mut Group, at: At) {
        let Some(batch) = self.batch(at) else { return };
        let (c, row, map) = (batch.columns, at.row as usize, &batch.texts);
        let gid = |text: Text| pick(map, text.0 as usize);
        let (s, to) = (&c.spans, &mut group.spans);
        let start = pick(&s.start, row);
        to.id.push(pick(&s.id, row));
        to.parent.push(pick(&s.parent, row));
        to.name.push(gid(pick(&s.name, row)));
        to.kind.push(pick(&s.kind, row));
        to.trace_state.push(gid(pick(&s.trace_state, row)));
        to.start.push(start);
        to.end.push(pick(&s.end, row));
        to.flags.push(pick(&s.flags, row));
        to.status_code.push(pick(&s.status_code, row));
        to.status_message.push(gid(pick(&s.status_message, row)));
        to.dropped_attrs.push(pick(&s.dropped_attrs, row));
        to.dropped_events.push(pick(&s.dropped_events, row));
        to.dropped_links.push(pick(&s.dropped_links, row));
        to.columns.iter_mut().for_each(|column| column.push(NONE));
        let mut status = None;
        for attr in c.span_attrs.range(owned(&s.attrs_end, row)) {
            match self.placer.place_span(attr, map) {
                Placement::Text(column, gid) => {
                    let slot = to.columns.get_mut(column).and_then(|column| column.last_mut());
                    match slot {
                        Some(slot) if *slot == NONE => *slot = gid,
                        _ => group.span_attrs.push(attr, map, self.placer, self.texts),
                    }
                }
                Placement::Status(code) if status.is_none() => status = Some(code),
                _ => group.span_attrs.push(attr, map, self.placer, self.texts),
            }
        }
        if let Some(code) = status {
            to.http_status.push((number(to.id.len() - 1), code));
        }
        to.attrs_end.push(number(group.span_attrs.len()));
        for i in c.events_of(row) {
            let e = &c.events;
            for attr in c.event_attrs.range(owned(&e.attrs_end, i)) {
                group.event_attrs.push(attr, map, self.placer, self.texts);
            }
            group.events.time.push(pick(&e.time, i).wrapping_sub(start));
            group.events.name.push(gid(pick(&e.name, i)));
            group.events.dropped_attrs.push(pick(&e.dropped_attrs, i));
            group.events.attrs_end.push(number(group.event_attrs.len()));
        }
        to.events_end.push(number(group.events.time.len()));
        for i in c.links_of(row) {
            let l = &c.links;
            for attr in c.link_attrs.range(owned(&l.attrs_end, i)) {
                group.link_attrs.push(attr, map, self.placer, self.texts);
            }
            group.links.trace.push(pick(&l.trace, i));
            group.links.span.push(pick(&l.span, i));
            group.links.trace_state.push(gid(pick(&l.trace_state, i)));
            group.links.flags.push(pick(&l.flags, i));
            group.links.dropped_attrs.push(pick(&l.dropped_attrs, i));
            group.links.attrs_end.push(number(group.link_attrs.len()));
        }
        to.links_end.push(number(group.links.span.len()));
    }

    /// Appends what is said of the trace as a whole. Its spans start at `first`.
    fn summary(&self, group: &mut Group, id: TraceId, items: &[Item], first: usize) {
        let service = |resource: u32| {
            let found = self.shared.resources.get(resource as usize);
            found.and_then(|r| r.service).unwrap_or_default()
        };
        let stats_start = group.stats.service.len();
        let (mut start, mut end) = (u64::MAX, 0);
        // Of several roots the earliest, and of those the one with the lowest id and kind.
        let mut root: Option<((u64, SpanId, i32), Gid, Gid)> = None;
        for (item, i) in items.iter().zip(first..) {
            let s = &group.spans;
            start = start.min(item.start);
            end = end.max(item.start).max(pick(&s.end, i));
            let service = service(item.resource);
            let order = (item.start, pick(&s.id, i), pick(&s.kind, i));
            let is_root = pick(&s.parent, i).is_zero() && root.is_none_or(|r| order < r.0);
            if is_root && !self.follows(item.at, id) {
                root = Some((order, service, pick(&s.name, i)));
            }
            let error = i64::from(pick(&s.status_code, i) == 2);
            let known = group.stats.service.get(stats_start..).unwrap_or_default();
            let known = known.iter().position(|&s| s == service).map(|n| n + stats_start);
            match known
                .and_then(|n| group.stats.spans.get_mut(n).zip(group.stats.errors.get_mut(n)))
            {
                Some((spans, errors)) => {
                    *spans += 1;
                    *errors += error;
                }
                None => {
                    group.stats.service.push(service);
                    group.stats.spans.push(1);
                    group.stats.errors.push(error);
                }
            }
        }
        let (_, root_service, root_name) = root.unwrap_or_default();
        group.traces.id.push(id);
        group.traces.start.push(start.min(end));
        group.traces.end.push(end);
        group.traces.root_service.push(root_service);
        group.traces.root_name.push(root_name);
        group.traces.stats_end.push(number(group.stats.service.len()));
        group.traces.resources_end.push(number(group.resource.len()));
    }

    /// Whether a span without a parent says by a link that it is the child of another span of its
    /// trace, as OpenTracing's bridges do.
    fn follows(&self, at: At, trace: TraceId) -> bool {
        let Some(batch) = self.batch(at) else { return false };
        let c = batch.columns;
        c.links_of(at.row as usize).any(|i| {
            pick(&c.links.trace, i) == trace
                && c.attrs_of_link(i).any(|attr| {
                    c.texts.get(attr.key) == b"opentracing.ref_type"
                        && c.texts.get(attr.text()) == b"child_of"
                })
        })
    }
}
