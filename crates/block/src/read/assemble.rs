//! Columns of a file into [`Columns`].
//!
//! The lists are taken apart one by one: traces own resources, resources own scopes, scopes own
//! spans, spans own attributes, events and links. Each list's ends come from one of its leaves,
//! and all other leaves must have as many elements, else the block is corrupt.

use super::attrs::{Attributes, text};
use super::column;
use super::extras::RowExtras;
use super::lists;
use super::rows::Rows;
use crate::dedicated::Scope;
use crate::error::BlockError;
use crate::schema::{HTTP_METHOD, HTTP_STATUS, HTTP_URL, RESOURCE_FIXED, SERVICE_NAME};
use tributary_span::columns::{Attr, Builder, LinkFields, SpanFields, Text, ValueType, owned};
use tributary_span::{Columns, SpanId, TraceId};

fn pick<T: Copy + Default>(column: &[T], i: usize) -> T {
    column.get(i).copied().unwrap_or_default()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a 32-bit column, read as 64"
)]
fn u32_of(n: i64) -> u32 {
    n as u32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "an enum's number; larger ones are cut as protobuf cuts them"
)]
fn i32_of(n: i64) -> i32 {
    n as i32
}

/// Reads leaves of one list, whose elements are all known to be `count`.
struct List<'r, 'a> {
    rows: &'r Rows<'a>,
    path: &'static str,
    count: usize,
}

impl List<'_, '_> {
    /// A column of integers; nothing when it is not wanted.
    fn ints(&self, name: &str) -> Result<Vec<i64>, BlockError> {
        let path = format!("{}{name}", self.path);
        if !self.rows.leaves.want(&path) {
            return Ok(Vec::new());
        }
        let (c, chunk) = self.rows.column(&path)?;
        lists::required(column::ints(c, chunk, &self.rows.range)?, self.count)
    }

    fn texts(&self, b: &mut Builder, name: &str) -> Result<Vec<Text>, BlockError> {
        let path = format!("{}{name}", self.path);
        if !self.rows.leaves.want(&path) {
            return Ok(Vec::new());
        }
        let (c, chunk) = self.rows.column(&path)?;
        let leaf = column::bytes(c, chunk, &self.rows.range, &mut |bytes| text(b, bytes))?;
        lists::required(leaf, self.count)
    }

    fn span_ids(&self, name: &str) -> Result<Vec<SpanId>, BlockError> {
        let path = format!("{}{name}", self.path);
        if !self.rows.leaves.want(&path) {
            return Ok(Vec::new());
        }
        let (c, chunk) = self.rows.column(&path)?;
        let leaf = column::bytes(c, chunk, &self.rows.range, &mut |bytes| match bytes {
            [] => Ok(SpanId::default()),
            id => id.try_into().map(SpanId).map_err(|_| BlockError::corrupt("a span id's length")),
        })?;
        lists::required(leaf, self.count)
    }

    fn trace_ids(&self, name: &str) -> Result<Vec<TraceId>, BlockError> {
        let (c, chunk) = self.rows.column(&format!("{}{name}", self.path))?;
        let leaf = column::bytes(c, chunk, &self.rows.range, &mut trace_id)?;
        lists::required(leaf, self.count)
    }
}

/// A trace id of up to 16 bytes, zeros put in front of a shorter one.
pub(super) fn trace_id(bytes: &[u8]) -> Result<TraceId, BlockError> {
    let mut id = [0; 16];
    let end = id.len().checked_sub(bytes.len()).and_then(|at| id.get_mut(at..));
    end.ok_or_else(|| BlockError::corrupt("a trace id's length"))?.copy_from_slice(bytes);
    Ok(TraceId(id))
}

struct Spans {
    id: Vec<SpanId>,
    parent: Vec<SpanId>,
    name: Vec<Text>,
    kind: Vec<i64>,
    trace_state: Vec<Text>,
    start: Vec<i64>,
    duration: Vec<i64>,
    status_code: Vec<i64>,
    status_message: Vec<Text>,
    dropped_attrs: Vec<i64>,
    dropped_events: Vec<i64>,
    dropped_links: Vec<i64>,
    attrs: Attributes,
}

#[derive(Default)]
struct Events {
    ends: Vec<u32>,
    time: Vec<i64>,
    name: Vec<Text>,
    dropped_attrs: Vec<i64>,
    attrs: Attributes,
}

#[derive(Default)]
struct Links {
    ends: Vec<u32>,
    trace: Vec<TraceId>,
    span: Vec<SpanId>,
    trace_state: Vec<Text>,
    dropped_attrs: Vec<i64>,
    attrs: Attributes,
}

/// The spans of some rows, of those traces that are wanted.
pub(super) fn assemble(
    rows: &Rows<'_>,
    wanted: impl Fn(&TraceId) -> bool,
) -> Result<Columns, BlockError> {
    let mut b = Builder::new();
    let list = |path, count| List { rows, path, count };
    let traces = list("", rows.range.len()).trace_ids("TraceID")?;

    // The lists' ends, each from a leaf that no element lacks.
    let (c, chunk) = rows.column("rs.Resource.ServiceName")?;
    let services = column::bytes(c, chunk, &rows.range, &mut |bytes| text(&mut b, bytes))?;
    let resources_end = lists::ends_of(&services, 1, traces.len())?;
    let services = lists::required(services, last(&resources_end))?;
    let (c, chunk) = rows.column("rs.ss.Scope.Name")?;
    let scope_names = column::bytes(c, chunk, &rows.range, &mut |bytes| text(&mut b, bytes))?;
    let scopes_end = lists::ends_of(&scope_names, 2, services.len())?;
    let scope_names = lists::required(scope_names, last(&scopes_end))?;
    let (c, chunk) = rows.column("rs.ss.Spans.Kind")?;
    let kinds = column::ints(c, chunk, &rows.range)?;
    let spans_end = lists::ends_of(&kinds, 3, scope_names.len())?;
    let kinds = lists::required(kinds, last(&spans_end))?;

    let resources = list("rs.Resource.", services.len());
    let resource_dropped = resources.ints("DroppedAttributesCount")?;
    let resource_attrs = resource_attributes(rows, &mut b, services.len())?;
    let scopes = list("rs.ss.Scope.", scope_names.len());
    let scope_versions = scopes.texts(&mut b, "Version")?;
    let scope_dropped = scopes.ints("DroppedAttributesCount")?;
    let scope_attrs = match rows.leaves.scope {
        true => Attributes::read(rows, &mut b, "rs.ss.Scope.Attrs", 3, scope_names.len())?,
        false => Attributes::default(),
    };
    let spans = spans(rows, &mut b, kinds)?;
    let events = events(rows, &mut b, spans.id.len())?;
    let links = links(rows, &mut b, spans.id.len())?;
    let counts = [services.len(), scope_names.len(), spans.id.len(), links.span.len()];
    let extras = RowExtras::new(&rows.extras, &rows.range, counts)?;
    let service_key = b.text(SERVICE_NAME.as_bytes());

    for (t, &trace) in traces.iter().enumerate().filter(|(_, trace)| wanted(trace)) {
        for r in owned(&resources_end, t) {
            let service = pick(&services, r);
            resource_attrs.of(r, &mut b, Builder::resource_attr);
            if !service.is_empty() || extras.has_empty_service_name(r) {
                let value = u64::from(service.0);
                b.resource_attr(Attr { key: service_key, value_type: ValueType::Str, value });
            }
            let schema_url = b.text(extras.resource_schema_url(r));
            let entity_refs = b.text(extras.resource_entity_refs(r));
            let resource =
                b.end_resource(u32_of(pick(&resource_dropped, r)), schema_url, entity_refs);
            for s in owned(&scopes_end, r) {
                scope_attrs.of(s, &mut b, Builder::scope_attr);
                let schema_url = b.text(extras.scope_schema_url(s));
                let (name, version) = (pick(&scope_names, s), pick(&scope_versions, s));
                let dropped = u32_of(pick(&scope_dropped, s));
                let scope = b.end_scope(name, version, dropped, schema_url);
                for i in owned(&spans_end, s) {
                    let home = SpanFields { trace, resource, scope, ..SpanFields::default() };
                    span(&mut b, home, i, (&spans, &events, &links), &extras)?;
                }
            }
        }
    }
    Ok(b.take())
}

fn last(ends: &[u32]) -> usize {
    ends.last().map_or(0, |&end| end as usize)
}

fn resource_attributes(
    rows: &Rows<'_>,
    b: &mut Builder,
    owners: usize,
) -> Result<Attributes, BlockError> {
    let mut attrs = match rows.leaves.resource.list {
        true => Attributes::read(rows, b, "rs.Resource.Attrs", 2, owners)?,
        false => Attributes::default(),
    };
    for (name, key) in RESOURCE_FIXED {
        let path = format!("rs.Resource.{name}");
        if rows.has(&path) {
            attrs.fixed_text(rows, b, (&path, key, 1, owners))?;
        }
    }
    attrs.slots(rows, b, Scope::Resource, ("rs.Resource", 1, owners))?;
    Ok(attrs)
}

fn spans(rows: &Rows<'_>, b: &mut Builder, kind: Vec<i64>) -> Result<Spans, BlockError> {
    const PATH: &str = "rs.ss.Spans.";
    let count = kind.len();
    let list = List { rows, path: PATH, count };
    Ok(Spans {
        attrs: span_attributes(rows, b, count)?,
        id: list.span_ids("SpanID")?,
        parent: list.span_ids("ParentSpanID")?,
        name: list.texts(b, "Name")?,
        kind,
        trace_state: list.texts(b, "TraceState")?,
        start: list.ints("StartTimeUnixNano")?,
        duration: list.ints("DurationNano")?,
        status_code: list.ints("StatusCode")?,
        status_message: list.texts(b, "StatusMessage")?,
        dropped_attrs: list.ints("DroppedAttributesCount")?,
        dropped_events: list.ints("DroppedEventsCount")?,
        dropped_links: list.ints("DroppedLinksCount")?,
    })
}

fn span_attributes(
    rows: &Rows<'_>,
    b: &mut Builder,
    count: usize,
) -> Result<Attributes, BlockError> {
    let mut attrs = match rows.leaves.span.list {
        true => Attributes::read(rows, b, "rs.ss.Spans.Attrs", 4, count)?,
        false => Attributes::default(),
    };
    for (path, key) in [("rs.ss.Spans.HttpMethod", HTTP_METHOD), ("rs.ss.Spans.HttpUrl", HTTP_URL)]
    {
        if rows.has(path) {
            attrs.fixed_text(rows, b, (path, key, 3, count))?;
        }
    }
    if rows.has("rs.ss.Spans.HttpStatusCode") {
        attrs.fixed_int(rows, b, ("rs.ss.Spans.HttpStatusCode", HTTP_STATUS, 3, count))?;
    }
    attrs.slots(rows, b, Scope::Span, ("rs.ss.Spans", 3, count))?;
    Ok(attrs)
}

fn events(rows: &Rows<'_>, b: &mut Builder, spans: usize) -> Result<Events, BlockError> {
    const PATH: &str = "rs.ss.Spans.Events.";
    if !rows.leaves.events {
        return Ok(Events::default());
    }
    let (c, chunk) = rows.column("rs.ss.Spans.Events.TimeSinceStartNano")?;
    let time = column::ints(c, chunk, &rows.range)?;
    let ends = lists::ends_of(&time, 4, spans)?;
    let time = lists::required(time, last(&ends))?;
    let list = List { rows, path: PATH, count: time.len() };
    let mut attrs = Attributes::read(rows, b, "rs.ss.Spans.Events.Attrs", 5, time.len())?;
    attrs.slots(rows, b, Scope::Event, ("rs.ss.Spans.Events", 4, time.len()))?;
    Ok(Events {
        ends,
        name: list.texts(b, "Name")?,
        dropped_attrs: list.ints("DroppedAttributesCount")?,
        time,
        attrs,
    })
}

fn links(rows: &Rows<'_>, b: &mut Builder, spans: usize) -> Result<Links, BlockError> {
    const PATH: &str = "rs.ss.Spans.Links.";
    if !rows.leaves.links {
        return Ok(Links::default());
    }
    let (c, chunk) = rows.column("rs.ss.Spans.Links.DroppedAttributesCount")?;
    let dropped_attrs = column::ints(c, chunk, &rows.range)?;
    let ends = lists::ends_of(&dropped_attrs, 4, spans)?;
    let dropped_attrs = lists::required(dropped_attrs, last(&ends))?;
    let list = List { rows, path: PATH, count: dropped_attrs.len() };
    Ok(Links {
        ends,
        trace: list.trace_ids("TraceID")?,
        span: list.span_ids("SpanID")?,
        trace_state: list.texts(b, "TraceState")?,
        attrs: Attributes::read(rows, b, "rs.ss.Spans.Links.Attrs", 5, dropped_attrs.len())?,
        dropped_attrs,
    })
}

/// Builds span `i` of the rows.
fn span(
    b: &mut Builder,
    home: SpanFields,
    i: usize,
    (spans, events, links): (&Spans, &Events, &Links),
    extras: &RowExtras,
) -> Result<(), BlockError> {
    let id = pick(&spans.id, i);
    if id.is_zero() || home.trace.is_zero() {
        return Err(BlockError::corrupt("an id of zero"));
    }
    let start = pick(&spans.start, i).cast_unsigned();
    let end = start.wrapping_add(pick(&spans.duration, i).cast_unsigned());
    spans.attrs.of(i, b, Builder::span_attr);
    for e in owned(&events.ends, i) {
        events.attrs.of(e, b, Builder::event_attr);
        let time = start.wrapping_add(pick(&events.time, e).cast_unsigned());
        b.end_event(time, pick(&events.name, e), u32_of(pick(&events.dropped_attrs, e)));
    }
    for l in owned(&links.ends, i) {
        links.attrs.of(l, b, Builder::link_attr);
        b.end_link(LinkFields {
            trace: pick(&links.trace, l),
            span: pick(&links.span, l),
            trace_state: pick(&links.trace_state, l),
            flags: extras.link_flags(l),
            dropped_attrs: u32_of(pick(&links.dropped_attrs, l)),
        });
    }
    b.end_span(SpanFields {
        id,
        parent: pick(&spans.parent, i),
        name: pick(&spans.name, i),
        kind: i32_of(pick(&spans.kind, i)),
        start,
        end: extras.span_end(i).unwrap_or(end),
        trace_state: pick(&spans.trace_state, i),
        flags: extras.span_flags(i),
        status_code: i32_of(pick(&spans.status_code, i)),
        status_message: pick(&spans.status_message, i),
        dropped_attrs: u32_of(pick(&spans.dropped_attrs, i)),
        dropped_events: u32_of(pick(&spans.dropped_events, i)),
        dropped_links: u32_of(pick(&spans.dropped_links, i)),
        ..home
    });
    Ok(())
}
