use super::*;
use std::collections::{BTreeMap, BTreeSet};

fn some() -> impl Iterator<Item = StoryTrace> {
    (0..500).map(|n| trace(7, n))
}

#[test]
fn a_number_tells_always_the_same() {
    assert_eq!(trace(7, 3), trace(7, 3));
    assert_ne!(trace(7, 3), trace(8, 3));
    let ids: BTreeSet<_> = some().map(|t| t.id).collect();
    assert_eq!(ids.len(), 500);
    assert!(!ids.contains(&TraceId::default()));
}

#[test]
fn parents_are_in_the_trace_before_their_children() {
    for trace in some() {
        let mut seen = BTreeMap::new();
        for (i, span) in trace.spans.iter().enumerate() {
            assert!(!span.id.is_zero());
            assert_eq!(span.parent.is_zero(), i == 0, "only the first is a root");
            assert!(i == 0 || seen.contains_key(&span.parent), "{trace:?}");
            assert!(span.link.is_none_or(|link| seen.contains_key(&link)));
            assert!(seen.insert(span.id, span).is_none(), "ids are distinct");
        }
    }
}

#[test]
fn children_lie_within_their_parents_unless_a_message_is_between() {
    for trace in some() {
        let by_id: BTreeMap<_, _> = trace.spans.iter().map(|s| (s.id, s)).collect();
        for span in &trace.spans {
            assert!(span.start < span.end);
            let Some(parent) = by_id.get(&span.parent) else { continue };
            assert!(parent.start < span.start, "{span:?}");
            assert!(span.kind == SpanKind::Consumer || span.end < parent.end, "{span:?}");
        }
    }
}

#[test]
fn every_service_and_every_turn_of_the_story_occurs() {
    let (mut errors, mut slow, mut messages, mut databases) = (0, 0, 0, 0);
    for trace in some() {
        for service in Service::ALL {
            assert!(trace.spans.iter().any(|s| s.service == service));
        }
        let has = |key: &str| trace.spans.iter().any(|s| s.attributes.iter().any(|a| a.0 == key));
        errors += u32::from(trace.spans[0].error);
        slow += u32::from(trace.spans[0].end > Duration::from_secs(1));
        messages += u32::from(has("messaging.system"));
        databases += u32::from(has("db.query.text"));
    }
    assert!((10..50).contains(&errors), "{errors} of 500 fail");
    assert!((2..30).contains(&slow), "{slow} of 500 are slow");
    assert!((100..250).contains(&messages), "{messages} of 500 send a message");
    assert_eq!(databases, 500);
    assert!(trace(99, 0).spans[0].error, "the first trace is the one that is shown");
}

#[test]
fn an_error_goes_up_to_the_root_from_one_exception() {
    for trace in some().filter(|t| t.spans.iter().any(|s| s.error)) {
        let failed: Vec<_> = trace.spans.iter().filter(|s| s.failure.is_some()).collect();
        assert_eq!(failed.len(), 1);
        let mut at = failed[0];
        while !at.parent.is_zero() {
            assert!(at.error, "{at:?}");
            at = trace.spans.iter().find(|s| s.id == at.parent).unwrap();
        }
        assert!(at.error);
    }
}
