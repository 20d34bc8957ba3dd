//! Jaeger's two formats: Thrift (as binary HTTP bodies) and protobuf.

use super::{attribute, spans, text};
use tributary_receivers::format::Format;
use tributary_testkit::NormalSpan;
use tributary_testkit::normal::Value;

/// A tag in Thrift's binary protocol.
fn tag(key: &str, value_type: u8, id: u8, value: &[u8]) -> Vec<u8> {
    let type_of = [0, 0, 0, 11, 4, 2, 10, 11];
    let mut out = vec![11, 0, 1];
    string(&mut out, key.as_bytes());
    out.extend_from_slice(&[8, 0, 2, 0, 0, 0, value_type]);
    out.extend_from_slice(&[type_of[usize::from(id)], 0, id]);
    out.extend_from_slice(value);
    out.push(0);
    out
}

fn string(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(&u32::try_from(text.len()).unwrap().to_be_bytes());
    out.extend_from_slice(text);
}

fn str_tag(key: &str, value: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    string(&mut bytes, value.as_bytes());
    tag(key, 0, 3, &bytes)
}

fn list(out: &mut Vec<u8>, id: u8, items: &[Vec<u8>]) {
    out.extend_from_slice(&[15, 0, id, 12, 0, 0, 0, u8::try_from(items.len()).unwrap()]);
    items.iter().for_each(|item| out.extend_from_slice(item));
}

fn long(out: &mut Vec<u8>, id: u8, n: i64) {
    out.extend_from_slice(&[10, 0, id]);
    out.extend_from_slice(&n.to_be_bytes());
}

/// A reference: `FOLLOWS_FROM` or `CHILD_OF`, low half of the trace, span.
fn reference(follows: bool, trace: i64, span: i64) -> Vec<u8> {
    let mut out = vec![8, 0, 1, 0, 0, 0, u8::from(follows)];
    long(&mut out, 2, trace);
    long(&mut out, 3, 0);
    long(&mut out, 4, span);
    out.push(0);
    out
}

/// A batch of one span of trace 7, spans before their process.
fn span(parent: i64, references: &[Vec<u8>], tags: &[Vec<u8>]) -> NormalSpan {
    let mut one = Vec::new();
    long(&mut one, 1, 7);
    long(&mut one, 2, 0);
    long(&mut one, 3, 1);
    long(&mut one, 4, parent);
    list(&mut one, 6, references);
    one.extend_from_slice(&[8, 0, 7, 0, 0, 0, 3]);
    long(&mut one, 8, 5);
    long(&mut one, 9, 2);
    list(&mut one, 10, tags);
    one.push(0);
    let mut batch = Vec::new();
    list(&mut batch, 2, &[one]);
    batch.extend_from_slice(&[12, 0, 1, 11, 0, 1]);
    string(&mut batch, b"shop");
    list(&mut batch, 2, &[str_tag("hostname", "h"), str_tag("service.name", "other")]);
    batch.extend_from_slice(&[0, 0]);
    let mut all = spans(Format::JaegerHttp, &batch);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn a_process_may_come_last() {
    let span = span(0, &[], &[]);
    assert_eq!((span.start, span.end, span.flags), (5000, 7000, 1));
    assert_eq!(attribute(&span, "service.name"), Some(&text("shop")));
    assert_eq!(attribute(&span, "host.name"), Some(&text("h")));
    assert_eq!(attribute(&span, "jaeger.debug"), Some(&Value::Bool(true)));
    assert_eq!(span.resource.attributes.len(), 2);
}

#[test]
fn parents_and_links() {
    let (child, follows) = (|t, s| reference(false, t, s), |t, s| reference(true, t, s));
    // Given parent, references; parent, links as (span, ref type).
    type Links<'a> = &'a [(u8, &'a str)];
    let table: [(i64, Vec<Vec<u8>>, u8, Links<'_>); 7] = [
        (9, vec![], 9, &[]),
        (9, vec![child(7, 9)], 9, &[]),
        (9, vec![follows(7, 9)], 9, &[(9, "follows_from")]),
        (
            9,
            vec![child(7, 9), child(8, 9), follows(7, 3)],
            9,
            &[(9, "child_of"), (3, "follows_from")],
        ),
        (0, vec![follows(7, 3), child(7, 4)], 4, &[(3, "follows_from")]),
        (0, vec![follows(8, 2), follows(7, 3)], 3, &[(2, "follows_from")]),
        (0, vec![child(8, 2)], 0, &[(2, "child_of")]),
    ];
    for (parent, references, expected, links) in table {
        let span = span(parent, &references, &[]);
        let id = span.parent_id.0.last().copied().unwrap_or(0);
        assert_eq!(id, expected, "{parent} {references:?}");
        let got: Vec<_> = span.links.iter().map(|l| (l.span_id.0[7], &l.attributes[0].1)).collect();
        let links: Vec<_> = links.iter().map(|&(span, ref_type)| (span, text(ref_type))).collect();
        let links: Vec<_> = links.iter().map(|(span, ref_type)| (*span, ref_type)).collect();
        assert_eq!(got, links, "{parent} {references:?}");
    }
}

#[test]
fn status_by_the_best_word() {
    let error = |on: u8| tag("error", 2, 5, &[on]);
    let code = |n: i64| tag("http.status_code", 3, 6, &n.to_be_bytes());
    let kind = || str_tag("span.kind", "client");
    let said = |text: &str| str_tag("otel.status_code", text);
    let why = || str_tag("otel.status_description", "why");
    let table: [(Vec<Vec<u8>>, i32, &str); 10] = [
        (vec![error(1)], 2, ""),
        (vec![error(0)], 0, ""),
        (vec![str_tag("error", "true")], 2, ""),
        (vec![error(1), why()], 2, "why"),
        (vec![said("OK"), error(1), str_tag("http.status_message", "m")], 2, "m"),
        (vec![said("ERROR"), why()], 2, "why"),
        (vec![said("OK"), code(500)], 1, ""),
        (vec![code(500)], 2, ""),
        (vec![code(404)], 0, ""),
        (vec![code(404), kind()], 2, ""),
    ];
    for (tags, status, message) in table {
        let span = span(0, &[], &tags);
        assert_eq!((span.status_code, span.status_message.as_str()), (status, message), "{tags:?}");
    }
    assert_eq!(attribute(&span(0, &[], &[error(0)]), "error"), Some(&Value::Bool(false)));
}

#[test]
fn values_have_their_types() {
    let span = span(
        0,
        &[],
        &[
            tag("d", 1, 4, &1.5f64.to_be_bytes()),
            tag("b", 2, 5, &[1]),
            tag("l", 3, 6, &(-7i64).to_be_bytes()),
            tag("x", 4, 7, &[0, 0, 0, 2, 0xff, 0]),
            str_tag("span.kind", "odd"),
        ],
    );
    assert_eq!(attribute(&span, "b"), Some(&Value::Bool(true)));
    assert_eq!(attribute(&span, "l"), Some(&Value::Int(-7)));
    assert_eq!(attribute(&span, "x"), Some(&Value::Bytes(vec![0xff, 0])));
    assert_eq!(attribute(&span, "span.kind"), Some(&text("odd")));
    assert!(matches!(attribute(&span, "d"), Some(Value::Double(d)) if d.0 == 1.5));
}
