use super::*;
use crate::api::TimeRange;
use crate::trace_filter::TraceFilter;
use tributary_span::columns::{Builder, SpanFields};
use tributary_span::{SpanId, TraceId};

const ID: TraceId = TraceId([0xab; 16]);
const MINUTE: u64 = SETTLED;

fn call(now: u64) -> TraceCall {
    TraceCall {
        version: Version::V2,
        id: ID,
        tenants: vec!["single-tenant".to_owned()],
        time: TimeRange::ALL,
        filter: None,
        accept: Accept::Json,
        now,
    }
}

/// Id, start and end.
type Span = (u64, u64, u64);

fn part(spans: &[Span]) -> Columns {
    let mut b = Builder::new();
    let resource = b.end_resource(0, Default::default(), Default::default());
    let scope = b.end_scope(Default::default(), Default::default(), 0, Default::default());
    for &(id, start, end) in spans {
        let id = SpanId(id.to_be_bytes());
        b.end_span(SpanFields { trace: ID, id, resource, scope, start, end, ..Default::default() });
    }
    b.take()
}

fn found(parts: &[&[Span]]) -> Found {
    Found { parts: parts.iter().map(|spans| part(spans)).collect(), ..Found::default() }
}

fn tag_of(call: &TraceCall, found: Found) -> Option<String> {
    call.shown(found).unwrap().tag().map(str::to_owned)
}

#[test]
fn what_is_whole_and_over_has_a_tag() {
    // Starts and ends, now, and whether there is a tag.
    type Row = (&'static [(u64, u64)], u64, bool);
    let table: [Row; 8] = [
        (&[], u64::MAX, false),
        (&[(1, 2)], 2 + MINUTE, false),
        (&[(1, 2)], 3 + MINUTE, true),
        (&[(1, 9), (3, 4)], 5 + MINUTE, false),
        (&[(1, 9), (3, 4)], 10 + MINUTE, true),
        // A span that has not ended, or whose end lies before its start.
        (&[(9, 0)], 5 + MINUTE, false),
        (&[(9, 0)], 10 + MINUTE, true),
        (&[(1, u64::MAX)], u64::MAX, false),
    ];
    for (spans, now, expected) in table {
        let spans: Vec<_> = (1..).zip(spans).map(|(id, &(start, end))| (id, start, end)).collect();
        for version in [Version::V1, Version::V2] {
            let call = TraceCall { version, ..call(now) };
            assert_eq!(tag_of(&call, found(&[&spans])).is_some(), expected, "{spans:?} {now}");
            let missing = vec!["a is away".to_owned()];
            let partial = Found { missing, ..found(&[&spans]) };
            assert_eq!(tag_of(&call, partial), None, "{spans:?} {now}");
        }
    }
}

#[test]
fn where_it_was_found_is_not_in_the_tag() {
    let (one, two, three) = ((1, 5, 6), (2, 5, 7), (3, 1, 9));
    let call = call(u64::MAX);
    let wanted = tag_of(&call, found(&[&[one, two, three]]));
    let table: [&[&[Span]]; 4] = [
        &[&[three, two, one]],
        &[&[two], &[three, one]],
        &[&[one, two, three], &[two]],
        &[&[one], &[], &[two, three]],
    ];
    for parts in table {
        let found = Found { inspected_bytes: 9, ..found(parts) };
        assert_eq!(tag_of(&call, found), wanted, "{parts:?}");
    }
    assert_ne!(tag_of(&call, found(&[&[one, two]])), wanted);
}

#[test]
fn a_filtered_trace_has_a_tag_when_all_of_it_is_over() {
    let query = tributary_traceql::parse("{ duration < 5ns }").unwrap();
    let matching = query.lone_filter().unwrap().clone();
    let filter = Some(TraceFilter { matching, below: 0, above: 0 });
    let filtered = |now| TraceCall { filter: filter.clone(), ..call(now) };
    let spans: &[&[Span]] = &[&[(1, 1, 2), (2, 1, 1000)]];
    assert_eq!(tag_of(&filtered(1000 + MINUTE), found(spans)), None);
    let tag = tag_of(&filtered(1001 + MINUTE), found(spans));
    assert!(tag.is_some());
    let alone = tag_of(&filtered(1001 + MINUTE), found(&[&[(1, 1, 2)]]));
    assert_ne!(tag, alone, "the same span, of which nothing was left out");
}

#[test]
fn both_ways_to_write_a_trace_come_from_one_that_has_its_tag() {
    let spans: Vec<Span> = (1..=PORTION as u64 + 1).map(|n| (n, n, n)).collect();
    let shown = call(u64::MAX).shown(found(&[&spans])).unwrap();
    let (tag, whole) = (shown.tag().map(str::to_owned), shown.whole());
    assert_eq!(tag, tag_of(&call(u64::MAX), found(&[&spans[7..], &spans[..7]])));
    let TraceAnswer::InPortions { body, .. } = shown.in_portions() else { panic!("as a whole") };
    let spans = |body: &[u8]| String::from_utf8_lossy(body).matches("\"spanId\"").count();
    assert_eq!(spans(&body.collect::<Vec<_>>().concat()), spans(&whole.body));
}
