//! A trace as JSON, in the dialect that Tempo's API speaks.
//!
//! It is proto3's classic JSON of OTLP's messages: camel case, enums by name, ids in base64 like
//! any other bytes (unlike OTLP's own JSON, whose ids are hex), members at their default left
//! out. The sub-messages `resource`, `scope`, `status` and an attribute's `value` are written even
//! when they are empty, because clients take them for granted.

use crate::json::Json;
use tributary_span::Columns;
use tributary_span::columns::{Attr, Text, ValueType};
use tributary_span::otlp::any::{self, Any};
use tributary_span::protobuf::{Fields, Malformed};

/// The name of the one member of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OuterKey {
    /// `batches`, as the first version of the API and uploaded files have it.
    Batches,
    /// `resourceSpans`, as OTLP and the second version of the API have it.
    ResourceSpans,
}

impl OuterKey {
    pub(crate) fn name(self) -> &'static str {
        match self {
            OuterKey::Batches => "batches",
            OuterKey::ResourceSpans => "resourceSpans",
        }
    }
}

/// The whole of `columns` as one JSON object, its spans in their order within each scope.
pub(crate) fn trace_json(columns: &Columns, outer: OuterKey) -> Vec<u8> {
    let mut json = Json::default();
    write_trace(&mut json, columns, outer);
    json.finish()
}

/// Writes the object of [`trace_json`] as the next value of `json`.
pub(crate) fn write_trace(json: &mut Json, columns: &Columns, outer: OuterKey) {
    let home = |row: usize| (pick(&columns.spans.resource, row), pick(&columns.spans.scope, row));
    let mut rows: Vec<usize> = (0..columns.len()).collect();
    rows.sort_by_key(|&row| home(row));
    json.object(|json| {
        if !rows.is_empty() {
            let list = json.member(outer.name());
            list.array(|json| write_resource_spans(json, columns, &rows));
        }
    });
}

/// Writes spans as elements of an array. `rows` of one resource, and in them of one scope, stand
/// together.
pub(crate) fn write_resource_spans(json: &mut Json, columns: &Columns, rows: &[usize]) {
    let resource = |row: usize| pick(&columns.spans.resource, row);
    for same in rows.chunk_by(|&a, &b| resource(a) == resource(b)) {
        resource_spans(json.element(), columns, same);
    }
}

/// `rows` share one resource and stand in the order of their scopes.
fn resource_spans(json: &mut Json, c: &Columns, rows: &[usize]) {
    let scope = |row: usize| pick(&c.spans.scope, row);
    let resource = rows.first().map_or(0, |&row| pick(&c.spans.resource, row)) as usize;
    json.object(|json| {
        json.member("resource").object(|json| {
            attributes(json, c, c.attrs_of_resource(resource));
            number(json, "droppedAttributesCount", pick(&c.resources.dropped_attrs, resource));
            entity_refs(json, c.texts.get(pick(&c.resources.entity_refs, resource)));
        });
        list(json, "scopeSpans", rows.chunk_by(|&a, &b| scope(a) == scope(b)), |json, same| {
            scope_spans(json, c, same);
        });
        text(json, "schemaUrl", c, pick(&c.resources.schema_url, resource));
    });
}

/// `rows` share one scope.
fn scope_spans(json: &mut Json, c: &Columns, rows: &[usize]) {
    let scope = rows.first().map_or(0, |&row| pick(&c.spans.scope, row)) as usize;
    json.object(|json| {
        json.member("scope").object(|json| {
            text(json, "name", c, pick(&c.scopes.name, scope));
            text(json, "version", c, pick(&c.scopes.version, scope));
            attributes(json, c, c.attrs_of_scope(scope));
            number(json, "droppedAttributesCount", pick(&c.scopes.dropped_attrs, scope));
        });
        list(json, "spans", rows.iter(), |json, &row| span(json, c, row));
        text(json, "schemaUrl", c, pick(&c.scopes.schema_url, scope));
    });
}

fn span(json: &mut Json, c: &Columns, row: usize) {
    let s = &c.spans;
    json.object(|json| {
        id(json, "traceId", &c.trace_of(row).0);
        id(json, "spanId", &pick(&s.id, row).0);
        text(json, "traceState", c, pick(&s.trace_state, row));
        id(json, "parentSpanId", &pick(&s.parent, row).0);
        text(json, "name", c, pick(&s.name, row));
        enumeration(json, "kind", pick(&s.kind, row), &SPAN_KINDS);
        time(json, "startTimeUnixNano", pick(&s.start, row));
        time(json, "endTimeUnixNano", pick(&s.end, row));
        attributes(json, c, c.attrs_of_span(row));
        number(json, "droppedAttributesCount", pick(&s.dropped_attrs, row));
        list(json, "events", c.events_of(row), |json, i| event(json, c, i));
        number(json, "droppedEventsCount", pick(&s.dropped_events, row));
        list(json, "links", c.links_of(row), |json, i| link(json, c, i));
        number(json, "droppedLinksCount", pick(&s.dropped_links, row));
        json.member("status").object(|json| {
            text(json, "message", c, pick(&s.status_message, row));
            enumeration(json, "code", pick(&s.status_code, row), &STATUS_CODES);
        });
        number(json, "flags", pick(&s.flags, row));
    });
}

fn event(json: &mut Json, c: &Columns, i: usize) {
    json.object(|json| {
        time(json, "timeUnixNano", pick(&c.events.time, i));
        text(json, "name", c, pick(&c.events.name, i));
        attributes(json, c, c.attrs_of_event(i));
        number(json, "droppedAttributesCount", pick(&c.events.dropped_attrs, i));
    });
}

fn link(json: &mut Json, c: &Columns, i: usize) {
    json.object(|json| {
        id(json, "traceId", &pick(&c.links.trace, i).0);
        id(json, "spanId", &pick(&c.links.span, i).0);
        text(json, "traceState", c, pick(&c.links.trace_state, i));
        attributes(json, c, c.attrs_of_link(i));
        number(json, "droppedAttributesCount", pick(&c.links.dropped_attrs, i));
        number(json, "flags", pick(&c.links.flags, i));
    });
}

fn attributes(json: &mut Json, c: &Columns, attrs: impl Iterator<Item = Attr>) {
    list(json, "attributes", attrs, |json, attr| {
        key_value(json, c.texts.str(attr.key), |json| {
            let bytes = c.texts.get(attr.text());
            match attr.value_type {
                ValueType::Empty => json.object(|_| {}),
                ValueType::Str => value(json, Any::Str(c.texts.str(attr.text())), 0),
                ValueType::Bool => value(json, Any::Bool(attr.value != 0), 0),
                ValueType::Int => value(json, Any::Int(attr.value.cast_signed()), 0),
                ValueType::Double => value(json, Any::Double(f64::from_bits(attr.value)), 0),
                ValueType::Bytes => value(json, Any::Bytes(bytes), 0),
                ValueType::Any => encoded_value(json, bytes, 0),
            }
        });
    });
}

fn key_value(json: &mut Json, key: &str, value: impl FnOnce(&mut Json)) {
    json.object(|json| {
        if !key.is_empty() {
            json.member("key").string(key);
        }
        value(json.member("value"));
    });
}

/// An encoded `AnyValue`; `{}`, which is a value with nothing set, for one that is malformed or
/// nested deeper than [`any::MAX_DEPTH`].
fn encoded_value(json: &mut Json, bytes: &[u8], depth: usize) {
    let parsed =
        if depth > any::MAX_DEPTH { Any::Empty } else { any::parse(bytes).unwrap_or(Any::Empty) };
    value(json, parsed, depth);
}

/// An `AnyValue`: the member that is set names the type, also when the value is a default.
fn value(json: &mut Json, value: Any<'_>, depth: usize) {
    json.object(|json| match value {
        Any::Empty => {}
        Any::Str(text) => json.member("stringValue").string(text),
        Any::Bool(bool) => json.member("boolValue").bool(bool),
        Any::Int(int) => json.member("intValue").int64(int),
        Any::Double(double) => json.member("doubleValue").double(double),
        Any::Bytes(bytes) => json.member("bytesValue").base64(bytes),
        Any::Array(array) => json.member("arrayValue").object(|json| {
            list(json, "values", any::elements(array).map_while(Result::ok), |json, element| {
                encoded_value(json, element, depth + 1);
            });
        }),
        Any::KvList(entries) => json.member("kvlistValue").object(|json| {
            list(json, "values", any::entries(entries).map_while(Result::ok), |json, entry| {
                key_value(json, entry.0, |json| encoded_value(json, entry.1, depth + 1));
            });
        }),
    });
}

/// `Resource.entity_refs`, kept as the fields' bytes. Malformed ones are left out.
fn entity_refs(json: &mut Json, fields: &[u8]) {
    let refs = messages(fields, 3).unwrap_or_default();
    list(json, "entityRefs", refs.into_iter(), |json, entity| {
        json.object(|json| {
            for (number, name) in [(1, "schemaUrl"), (2, "type")] {
                let texts = strings(entity, number);
                if let Some(text) = texts.last().filter(|text| !text.is_empty()) {
                    json.member(name).string(text);
                }
            }
            for (number, name) in [(3, "idKeys"), (4, "descriptionKeys")] {
                list(json, name, strings(entity, number).into_iter(), Json::string);
            }
        });
    });
}

fn messages(bytes: &[u8], number: u32) -> Result<Vec<&[u8]>, Malformed> {
    let mut fields = Fields::new(bytes);
    let mut found = Vec::new();
    while let Some(field) = fields.next_field()? {
        if field.number == number {
            found.push(field.bytes()?);
        }
    }
    Ok(found)
}

fn strings(bytes: &[u8], number: u32) -> Vec<&str> {
    let found = messages(bytes, number).unwrap_or_default();
    found.into_iter().filter_map(|text| std::str::from_utf8(text).ok()).collect()
}

const SPAN_KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

const STATUS_CODES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

/// Unknown numbers stay numbers: proto3's enums are open.
fn enumeration(json: &mut Json, member: &str, number: i32, names: &[&str]) {
    if number == 0 {
        return;
    }
    let json = json.member(member);
    match usize::try_from(number).ok().and_then(|i| names.get(i)) {
        Some(name) => json.string(name),
        None => json.int32(number),
    }
}

fn list<T>(
    json: &mut Json,
    member: &str,
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut Json, T),
) {
    let mut items = items.peekable();
    if items.peek().is_some() {
        json.member(member).array(|json| items.for_each(|item| write(json.element(), item)));
    }
}

fn text(json: &mut Json, member: &str, c: &Columns, text: Text) {
    if !text.is_empty() {
        json.member(member).string(c.texts.str(text));
    }
}

fn id(json: &mut Json, member: &str, id: &[u8]) {
    if id.iter().any(|&byte| byte != 0) {
        json.member(member).base64(id);
    }
}

fn time(json: &mut Json, member: &str, nanoseconds: u64) {
    if nanoseconds != 0 {
        json.member(member).int64(nanoseconds);
    }
}

fn number(json: &mut Json, member: &str, n: u32) {
    if n != 0 {
        json.member(member).int32(n);
    }
}

fn pick<T: Copy + Default>(column: &[T], row: usize) -> T {
    column.get(row).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
