//! Small examples, each of which was answered otherwise in one place or the other once.

use crate::asked::{count, search};
use crate::data::{Attributes, Event, MS, Raw, Scope, Span, TIME, span_id, trace_id};
use crate::metrics::Times;
use crate::places::Places;
use crate::world::World;
use tributary_query::search::{SearchPlan, Window};
use tributary_traceql::ast::Root;

fn span(n: usize, attributes: Attributes) -> Span {
    Span {
        trace: trace_id(0),
        id: span_id(n),
        parent: span_id(0),
        name: "",
        kind: 1,
        status: 0,
        message: "",
        start: TIME,
        end: TIME + MS,
        attributes,
        resource: Vec::new(),
        scope: Scope::default(),
        events: Vec::new(),
        links: Vec::new(),
    }
}

fn with_events(events: Vec<Attributes>) -> Span {
    let event = |attributes| Event { time: TIME, name: "", attributes };
    Span { events: events.into_iter().map(event).collect(), ..span(1, Vec::new()) }
}

/// Asks in both places, which must say what the interpreter does, how many spans match.
fn matched(spans: &[Span], text: &str) -> u32 {
    let places = Places::new([spans, &[]]);
    let query = tributary_traceql::parse(text).unwrap();
    search(&World::new(spans.to_vec()), &places, query.clone(), Window::ALL).unwrap();
    let Root::Search(pipeline) = query.root else { panic!("{text} is no search") };
    let plan = SearchPlan::new(pipeline, Window::ALL, 10, 10);
    let hits = places.search_memory(&plan).unwrap();
    hits.iter().flat_map(|hit| &hit.sets).map(|set| set.matched).sum()
}

#[test]
fn a_span_that_ends_before_it_starts_takes_no_time() {
    let backwards = Span { end: TIME - 5, ..span(1, Vec::new()) };
    assert_eq!(matched(std::slice::from_ref(&backwards), "{ duration = 0 }"), 1);
    assert_eq!(matched(&[backwards], "{ } | by(duration) | min(duration) < 0"), 0);
}

#[test]
fn values_of_a_key_that_stands_there_twice_are_judged_together() {
    let twice = [span(1, vec![("a", Raw::Int(2)), ("a", Raw::Bool(false))])];
    assert_eq!(matched(&twice, "{ span.a = 2 }"), 1);
    assert_eq!(matched(&twice, "{ span.a != 3 }"), 0);
    let own = [span(1, vec![("http.route", Raw::Str("x")), ("http.route", Raw::Int(2))])];
    assert_eq!(matched(&own, "{ span.http.route != 3 }"), 0);
    assert_eq!(matched(&own, "{ span.http.route != \"y\" }"), 0);
}

#[test]
fn what_no_comparison_sees_is_not_missing() {
    let pairs = [span(1, vec![("a", Raw::Pairs)])];
    assert_eq!(matched(&pairs, "{ .a = nil || .a != nil }"), 0);
    assert_eq!(matched(&pairs, "{ (.a = nil) = true }"), 0);
    let events = [with_events(vec![vec![("a", Raw::Pairs)], Vec::new()])];
    assert_eq!(matched(&events, "{ event.a = nil || event.a != nil }"), 0);
}

#[test]
fn one_event_meets_all_conditions() {
    let apart = [with_events(vec![vec![("a", Raw::Int(1))], vec![("b", Raw::Int(2))]])];
    assert_eq!(matched(&apart, "{ event.a = 1 && event.b = 2 }"), 0);
    assert_eq!(matched(&apart, "{ event.a = 1 && (event.b = 2 || event.b = 3) }"), 0);
    assert_eq!(matched(&apart, "{ event.a = 1 || event.b = 3 }"), 1);
}

#[test]
fn a_condition_on_events_is_the_same_wherever_it_stands() {
    let second = [with_events(vec![vec![("a", Raw::Int(5))], vec![("a", Raw::Int(1))]])];
    assert_eq!(matched(&second, "{ event.a = 1 }"), 1);
    assert_eq!(matched(&second, "{ (event.a = 1) = true }"), 1);
    assert_eq!(matched(&second, "{ } | by(event.a = 1) | { !(event.a = 1) }"), 0);
}

#[test]
fn the_first_event_that_has_something_is_measured() {
    let text = with_events(vec![vec![("a", Raw::Str("x"))], vec![("a", Raw::Int(1))]]);
    let places = Places::new([std::slice::from_ref(&text), &[]]);
    let query = tributary_traceql::parse("{ } | min_over_time(event.a)").unwrap();
    let times = Times { start: TIME, end: TIME + MS, step: MS };
    count(&World::new(vec![text]), &places, query, times).unwrap();
}

#[test]
fn what_is_no_number_is_a_group_and_no_extreme() {
    let nan = |n| span(n, vec![("b", Raw::Float(f64::NAN))]);
    let five = span(3, vec![("b", Raw::Float(5.0))]);
    assert_eq!(matched(&[nan(1), nan(2)], "{ } | by(span.b) | count() = 2"), 2);
    assert_eq!(matched(&[nan(1), five.clone()], "{ } | max(span.b) > 4"), 2);
    assert_eq!(matched(&[five, nan(4)], "{ } | min(span.b) > 4"), 2);
}

#[test]
fn of_roots_that_start_together_the_lowest_id_counts() {
    let resource = vec![("a", Raw::Int(1))];
    let low = Span { name: "x", resource, ..span(2, Vec::new()) };
    let spans = [Span { name: "y", ..span(1, Vec::new()) }, low, span(3, Vec::new())];
    assert_eq!(matched(&spans, "{ rootName = \"y\" }"), 3);
    let spans = [span(3, Vec::new()), spans[1].clone(), span(4, Vec::new())];
    assert_eq!(matched(&spans, "{ rootName = \"x\" }"), 3);
}
