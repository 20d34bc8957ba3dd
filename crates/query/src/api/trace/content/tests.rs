use super::*;
use tributary_span::columns::{Builder, LinkFields, SpanFields, ValueType};

const ID: TraceId = TraceId([0xab; 16]);

fn attr(b: &mut Builder, key: &str, value: &str) -> Attr {
    let (key, value) = (b.text(key.as_bytes()), b.text(value.as_bytes()));
    Attr { key, value_type: ValueType::Str, value: u64::from(value.0) }
}

/// Two spans of two resources, the first with a bit of everything.
fn everything() -> Columns {
    let mut b = Builder::new();
    let other = b.text(b"other");
    assert_eq!(other, OTHER, "the first text");
    let homes = ["shop", "till"].map(|service| {
        for (key, value) in [("service.name", service), ("host.name", "a")] {
            let attr = attr(&mut b, key, value);
            b.resource_attr(attr);
        }
        let (schema, entities) = (b.text(b"schema"), b.text(b"entities"));
        let resource = b.end_resource(1, schema, entities);
        let of_scope = attr(&mut b, "short_name", service);
        b.scope_attr(of_scope);
        let (name, version) = (b.text(b"library"), b.text(b"1.0"));
        (resource, b.end_scope(name, version, 1, schema))
    });
    for (n, (resource, scope)) in (1_u8..).zip(homes) {
        for (key, value) in [("route", "/pay"), ("method", "GET")] {
            let attr = attr(&mut b, key, value);
            b.span_attr(attr);
        }
        let key = b.text(b"amount");
        b.span_attr(Attr { key, value_type: ValueType::Int, value: 7 });
        for (time, name) in [(3, "one"), (4, "two")] {
            let of_event = attr(&mut b, "why", "so");
            b.event_attr(of_event);
            let name = b.text(name.as_bytes());
            b.end_event(time, name, 1);
        }
        let of_link = attr(&mut b, "kind", "batch");
        b.link_attr(of_link);
        let (name, trace_state) = (b.text(b"pay"), b.text(b"a=b"));
        let status_message = b.text(b"broke");
        let trace = TraceId([9; 16]);
        b.end_link(LinkFields {
            trace,
            span: SpanId([9; 8]),
            trace_state,
            flags: 1,
            dropped_attrs: 1,
        });
        b.end_span(SpanFields {
            trace: ID,
            resource,
            scope,
            id: SpanId([n; 8]),
            parent: SpanId([8; 8]),
            name,
            kind: 2,
            start: 10,
            end: 20,
            trace_state,
            flags: 1,
            status_code: 2,
            status_message,
            dropped_attrs: 1,
            dropped_events: 1,
            dropped_links: 1,
        });
    }
    b.take()
}

/// A text that nothing has.
const OTHER: Text = Text(1);

fn json(trace: &Columns) -> String {
    tag(Version::V2, Accept::Json, trace, "")
}

#[test]
fn whatever_is_told_is_in_the_tag() {
    type Change = (&'static str, fn(&mut Columns));
    let changes: [Change; 44] = [
        ("trace", |c| c.traces[0] = TraceId([1; 16])),
        ("resource", |c| c.spans.resource.swap(0, 1)),
        ("scope", |c| c.spans.scope.swap(0, 1)),
        ("id", |c| c.spans.id[1].0[0] = 7),
        ("parent", |c| c.spans.parent[1].0[0] = 7),
        ("name", |c| c.spans.name[0] = OTHER),
        ("no name", |c| c.spans.name[0] = Text::EMPTY),
        ("kind", |c| c.spans.kind[0] = 3),
        ("start", |c| c.spans.start[0] = 11),
        ("end", |c| c.spans.end[0] = 21),
        ("trace state", |c| c.spans.trace_state[0] = OTHER),
        ("flags", |c| c.spans.flags[0] = 2),
        ("status code", |c| c.spans.status_code[0] = 1),
        ("status message", |c| c.spans.status_message[0] = OTHER),
        ("dropped attributes", |c| c.spans.dropped_attrs[0] = 2),
        ("dropped events", |c| c.spans.dropped_events[0] = 2),
        ("dropped links", |c| c.spans.dropped_links[0] = 2),
        ("an attribute less", |c| c.spans.attrs_end[0] -= 1),
        ("an event less", |c| c.spans.events_end[0] -= 1),
        ("a link more", |c| c.spans.links_end[0] += 1),
        ("a key", |c| c.span_attrs.key[0] = OTHER),
        ("a text", |c| c.span_attrs.value[0] = u64::from(OTHER.0)),
        ("a number", |c| c.span_attrs.value[2] = 8),
        ("a type", |c| c.span_attrs.value_type[2] = ValueType::Double),
        ("a type of text", |c| c.span_attrs.value_type[0] = ValueType::Bytes),
        ("values in turn", |c| c.span_attrs.value.swap(0, 1)),
        ("an event's time", |c| c.events.time[0] = 5),
        ("an event's name", |c| c.events.name[0] = OTHER),
        ("what an event dropped", |c| c.events.dropped_attrs[0] = 2),
        ("an event's attribute", |c| c.event_attrs.key[0] = OTHER),
        ("a link's trace", |c| c.links.trace[0] = TraceId([1; 16])),
        ("a link's span", |c| c.links.span[0] = SpanId([1; 8])),
        ("a link's state", |c| c.links.trace_state[0] = OTHER),
        ("a link's flags", |c| c.links.flags[0] = 2),
        ("what a link dropped", |c| c.links.dropped_attrs[0] = 2),
        ("a link's attribute", |c| c.link_attrs.key[0] = OTHER),
        ("a resource's attribute", |c| c.resource_attrs.key[0] = OTHER),
        ("what a resource dropped", |c| c.resources.dropped_attrs[0] = 2),
        ("a resource's schema", |c| c.resources.schema_url[0] = OTHER),
        ("entities", |c| c.resources.entity_refs[0] = OTHER),
        ("a scope's name", |c| c.scopes.name[0] = OTHER),
        ("a scope's version", |c| c.scopes.version[0] = OTHER),
        ("a scope's schema", |c| c.scopes.schema_url[0] = OTHER),
        ("a scope's attribute", |c| c.scope_attrs.key[0] = OTHER),
    ];
    let mut seen = std::collections::HashMap::from([(json(&everything()), "nothing")]);
    for (what, change) in changes {
        let mut changed = everything();
        change(&mut changed);
        let before = seen.insert(json(&changed), what);
        assert_eq!(before, None, "{what} makes no other tag");
    }
    let forms = [
        (Version::V1, Accept::Json, ""),
        (Version::V1, Accept::Protobuf, ""),
        (Version::V2, Accept::Protobuf, ""),
        (Version::V2, Accept::Json, "the trace is filtered"),
    ];
    for (version, accept, message) in forms {
        let before = seen.insert(tag(version, accept, &everything(), message), "a form");
        assert_eq!(before, None, "{version:?} {accept:?} {message}");
    }
}

#[test]
fn how_it_is_held_is_not_in_the_tag() {
    let wanted = json(&everything());
    assert!(wanted.starts_with("W/\"") && wanted.ends_with('"') && wanted.len() == 20, "{wanted}");
    type Change = (&'static str, fn(&mut Columns));
    let changes: [Change; 4] = [
        ("attributes in another order", |c| {
            c.span_attrs.key.swap(0, 2);
            c.span_attrs.value.swap(0, 2);
            c.span_attrs.value_type.swap(0, 2);
        }),
        ("attributes of a resource in another order", |c| {
            c.resource_attrs.key.swap(0, 1);
            c.resource_attrs.value.swap(0, 1);
        }),
        ("one text by two numbers", |c| {
            let name = c.texts.get(c.spans.name[0]).to_vec();
            c.spans.name[0] = c.texts.push(&name);
        }),
        ("a trace beside it", |c| c.traces.push(TraceId([1; 16]))),
    ];
    for (what, change) in changes {
        let mut changed = everything();
        change(&mut changed);
        assert_eq!(json(&changed), wanted, "{what}");
    }
}

#[test]
fn numbers_that_nothing_has_are_no_harm() {
    let mut c = everything();
    c.spans.name[0] = Text(u32::MAX);
    c.spans.resource[0] = u32::MAX;
    c.span_attrs.value[0] = u64::MAX;
    c.resources.schema_url.clear();
    assert_ne!(json(&c), json(&everything()));
}
