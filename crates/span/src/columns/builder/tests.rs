use super::*;
use crate::columns::ValueType;

fn attr(b: &mut Builder, key: &str, value: &str) -> Attr {
    let key = b.text(key.as_bytes());
    let value = b.text(value.as_bytes());
    Attr { key, value_type: ValueType::Str, value: u64::from(value.0) }
}

fn resource(b: &mut Builder, service: &str) -> u32 {
    let a = attr(b, "service.name", service);
    b.resource_attr(a);
    b.end_resource(0, Text::EMPTY, Text::EMPTY)
}

fn span(b: &mut Builder, trace: u8, id: u8, service: &str) {
    let resource = resource(b, service);
    let name = b.text(b"scope");
    let scope = b.end_scope(name, Text::EMPTY, 0, Text::EMPTY);
    let a = attr(b, "http.method", "GET");
    b.span_attr(a);
    let a = attr(b, "exception.type", "E");
    b.event_attr(a);
    let event = b.text(b"exception");
    b.end_event(5, event, 1);
    let a = attr(b, "why", "because");
    b.link_attr(a);
    b.end_link(LinkFields { trace: TraceId([9; 16]), flags: 1, ..LinkFields::default() });
    let name = b.text(b"GET /");
    b.end_span(SpanFields {
        trace: TraceId([trace; 16]),
        id: SpanId([id; 8]),
        resource,
        scope,
        name,
        start: 1,
        end: 2,
        ..SpanFields::default()
    });
}

#[test]
fn equal_things_stand_once() {
    let mut b = Builder::new();
    for (trace, id, service) in [(1, 1, "a"), (1, 2, "b"), (2, 3, "a")] {
        span(&mut b, trace, id, service);
    }
    let c = b.columns();
    assert_eq!(c.check(), Ok(()));
    assert_eq!(c.len(), 3);
    assert_eq!(c.traces.len(), 2);
    assert_eq!(c.spans.resource, [0, 1, 0]);
    assert_eq!(c.spans.scope, [0, 0, 0]);
    assert_eq!(c.resource_attrs.len(), 2);
    assert_eq!(c.events_of(2), 2..3);
    assert_eq!(c.trace_of(2), TraceId([2; 16]));
}

#[test]
fn rollback_leaves_nothing_behind() {
    let mut b = Builder::new();
    span(&mut b, 1, 1, "a");
    let (before, mark) = (b.columns().clone(), b.mark());
    span(&mut b, 2, 2, "b");
    // An unfinished span too.
    let a = attr(&mut b, "new key", "new value");
    b.span_attr(a);
    b.event_attr(a);
    b.resource_attr(a);
    b.rollback(mark);
    assert_eq!(*b.columns(), before);
    // The builder still finds what it has and does not find what it has lost.
    span(&mut b, 1, 3, "a");
    assert_eq!(b.columns().spans.resource, [0, 0]);
    let lost = b.text(b"new key");
    assert_eq!(b.columns().texts.get(lost), b"new key");
    assert_eq!(b.columns().check(), Ok(()));
}

#[test]
fn rollback_to_the_very_beginning() {
    let mut b = Builder::new();
    let mark = b.mark();
    span(&mut b, 2, 2, "b");
    b.rollback(mark);
    assert_eq!(*b.columns(), Columns::default());
}

#[test]
fn a_dropped_span_takes_its_lists_along() {
    let mut b = Builder::new();
    span(&mut b, 1, 1, "a");
    let a = attr(&mut b, "k", "v");
    b.span_attr(a);
    b.event_attr(a);
    b.end_event(1, Text::EMPTY, 0);
    b.drop_span();
    assert_eq!(b.columns().check(), Ok(()));
    assert_eq!(b.columns().span_attrs.len(), 1);
}

#[test]
fn a_copied_span_is_the_same_span() {
    let mut b = Builder::new();
    span(&mut b, 1, 1, "a");
    span(&mut b, 2, 2, "b");
    let source = b.take();
    let mut copy = Builder::new();
    let mut known = Translation::default();
    copy.text(b"something that shifts the numbers");
    copy.copy_span(&source, 1, &mut known);
    copy.copy_span(&source, 0, &mut known);
    let c = copy.columns();
    assert_eq!(c.check(), Ok(()));
    assert_eq!(c.trace_of(0), TraceId([2; 16]));
    let service = c.attrs_of_resource(c.spans.resource[0] as usize).next().unwrap();
    assert_eq!(c.texts.str(service.text()), "b");
    assert_eq!(c.texts.str(c.spans.name[0]), "GET /");
    assert_eq!(c.attrs_of_link(c.links_of(1).start).count(), 1);
}
