use super::*;
use tributary_span::columns::SpanFields;
use tributary_span::{SpanId, TraceId};
use tributary_traceql::parse;

/// A trace of spans that are named by their ids, of (id, parent).
fn tree(spans: &[(u8, u8)]) -> Columns {
    let mut b = Builder::new();
    let resource = b.end_resource(0, Default::default(), Default::default());
    let scope = b.end_scope(Default::default(), Default::default(), 0, Default::default());
    for &(id, parent) in spans {
        let name = b.text(id.to_string().as_bytes());
        let (id, parent) = (SpanId([id; 8]), SpanId([parent; 8]));
        let trace = TraceId([7; 16]);
        b.end_span(SpanFields { trace, id, parent, resource, scope, name, ..Default::default() });
    }
    b.take()
}

fn of(query: &str, above: usize, below: usize) -> TraceFilter {
    let matching = parse(query).unwrap().lone_filter().unwrap().clone();
    TraceFilter { matching, above, below }
}

/// The ids of the spans that a filter keeps.
fn kept(filter: &TraceFilter, trace: &Columns) -> Vec<u8> {
    let rows = filter.rows(trace).unwrap();
    let some = only(trace, &rows);
    assert_eq!(some.check(), Ok(()));
    some.spans.id.iter().map(|id| id.0[0]).collect()
}

#[test]
fn levels_are_counted_from_each_match() {
    // 1 ─ 2 ─ 3 ─ 4, 2 ─ 5, 1 ─ 6 ─ 7; 9 is below what is lost.
    let trace = tree(&[(1, 0), (2, 1), (3, 2), (4, 3), (5, 2), (6, 1), (7, 6), (9, 8)]);
    let all = usize::MAX;
    let table: [(&str, usize, usize, &[u8]); 10] = [
        ("{}", 0, 0, &[1, 2, 3, 4, 5, 6, 7, 9]),
        (r#"{ name = "none" }"#, all, all, &[]),
        (r#"{ name = "2" }"#, 0, 0, &[2]),
        (r#"{ name = "2" }"#, 0, 1, &[2, 3, 5]),
        (r#"{ name = "2" }"#, 0, all, &[2, 3, 4, 5]),
        (r#"{ name = "4" }"#, 1, 0, &[3, 4]),
        (r#"{ name = "4" }"#, all, 0, &[1, 2, 3, 4]),
        (r#"{ name = "3" }"#, all, all, &[1, 2, 3, 4]),
        (r#"{ name = "4" || name = "7" }"#, 2, 0, &[1, 2, 3, 4, 6, 7]),
        (r#"{ name = "9" }"#, all, all, &[9]),
    ];
    for (query, above, below, expected) in table {
        let filter = of(query, above, below);
        assert_eq!(kept(&filter, &trace), expected, "{query} {above} {below}");
    }
}

#[test]
fn spans_in_a_circle_end_the_walk() {
    let trace = tree(&[(1, 2), (2, 1), (3, 2), (4, 4)]);
    assert_eq!(kept(&of(r#"{ name = "3" }"#, usize::MAX, usize::MAX), &trace), [2, 3]);
    assert_eq!(kept(&of(r#"{ name = "4" }"#, usize::MAX, usize::MAX), &trace), [4]);
    assert!(kept(&of("{}", 1, 1), &Columns::default()).is_empty());
}

#[test]
fn what_spans_do_not_say_is_named() {
    let table = [
        (r#"{ .a = 1 && span:id = "x" && event:name = "y" && kind = server }"#, None),
        ("{ .a = 1 && trace:duration > 1s }", Some("trace:duration")),
        (r#"{ rootName = "x" }"#, Some("rootName")),
        (r#"{ trace:id = "x" }"#, Some("trace:id")),
        ("{ nestedSetParent < 0 }", Some("nestedSetParent")),
        ("{ span:childCount > 2 }", Some("span:childCount")),
    ];
    for (query, expected) in table {
        assert_eq!(of(query, 0, 0).beyond_spans(), expected, "{query}");
    }
}
