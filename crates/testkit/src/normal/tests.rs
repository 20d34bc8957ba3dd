use super::*;
use crate::otlp::json::{Dialect, read, write};
use crate::otlp::trace::v1::span;

fn attribute(key: &str, value: Otlp) -> otlp::KeyValue {
    otlp::KeyValue { key: key.to_owned(), value: Some(otlp::AnyValue { value: Some(value) }) }
}

fn sample(change: impl FnOnce(&mut otlp::Span)) -> Vec<NormalSpan> {
    let mut one = otlp::Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: "name".into(),
        attributes: vec![
            attribute("b", Otlp::IntValue(1)),
            attribute("a", Otlp::DoubleValue(f64::NAN)),
        ],
        events: vec![span::Event { name: "e".into(), ..span::Event::default() }],
        links: vec![span::Link { flags: 3, ..span::Link::default() }],
        ..otlp::Span::default()
    };
    change(&mut one);
    let scope_spans = vec![otlp::ScopeSpans { spans: vec![one], ..otlp::ScopeSpans::default() }];
    let batch = otlp::ResourceSpans { scope_spans, ..otlp::ResourceSpans::default() };
    let data = otlp::TracesData { resource_spans: vec![batch] };
    NormalSpan::parse(&data.encode_to_vec()).unwrap()
}

#[test]
fn order_of_attributes_is_no_difference() {
    let same = sample(|s| s.attributes.reverse());
    assert_eq!(compare(&sample(|_| {}), &same), Ok(()));
    let zero_parent = sample(|s| s.parent_span_id = vec![0; 8]);
    assert_eq!(compare(&sample(|_| {}), &zero_parent), Ok(()));
}

#[test]
fn every_field_is_compared() {
    type Change = fn(&mut otlp::Span);
    let changes: &[(&str, Change)] = &[
        ("parent_id", |s| s.parent_span_id = vec![3; 8]),
        ("name", |s| s.name.push('x')),
        ("start", |s| s.start_time_unix_nano = 1),
        ("end", |s| s.end_time_unix_nano = 1),
        ("trace_state", |s| s.trace_state = "k=v".into()),
        ("flags", |s| s.flags = 0x100),
        ("status_code", |s| s.status = Some(otlp::Status { code: 1, message: String::new() })),
        ("status_message", |s| s.status = Some(otlp::Status { code: 0, message: "m".into() })),
        ("attributes", |s| s.attributes.push(attribute("c", Otlp::BytesValue(vec![])))),
        ("dropped_attributes", |s| s.dropped_attributes_count = 1),
        ("events", |s| s.events[0].dropped_attributes_count = 1),
        ("dropped_events", |s| s.dropped_events_count = 1),
        ("links", |s| s.links[0].flags = 4),
        ("dropped_links", |s| s.dropped_links_count = 1),
    ];
    for (name, change) in changes {
        let (expected, got) = (sample(|_| {}), sample(change));
        let found = differences(&expected[0], &got[0]);
        assert!(found.len() == 1 && found[0].starts_with(&format!("{name}:")), "{name}: {found:?}");
        assert!(compare(&expected, &got).unwrap_err().contains(&found[0]), "{name}");
    }
}

#[test]
fn missing_and_repeated_spans_are_told() {
    let one = sample(|_| {});
    let other = sample(|s| s.kind = 2);
    let missing = compare(one.iter().chain(&other), &one).unwrap_err();
    assert!(missing.contains("kind 2: expected 1 times, got 0"), "{missing}");
    let repeated = compare(&one, one.iter().chain(&one)).unwrap_err();
    assert!(repeated.contains("expected 1 times, got 2"), "{repeated}");
}

#[test]
fn recordings_parse_to_what_was_counted() {
    let all = crate::recordings().unwrap();
    let totals = crate::data::totals().unwrap();
    let (mut spans, mut events, mut links, mut errors) = (0, 0, 0, 0);
    for record in all.iter().flat_map(|r| &r.records) {
        for span in NormalSpan::parse(record).unwrap() {
            spans += 1;
            events += span.events.len();
            links += span.links.len();
            errors += usize::from(span.status_code == 2);
        }
    }
    let expected = (totals.spans, totals.events, totals.links, totals.errors);
    assert_eq!((spans, events, links, errors), expected);
}

#[test]
fn json_that_is_written_is_read_back() {
    let request = crate::sample::request(1);
    let read = read(&write(&request.resource_spans), Dialect::Otlp).unwrap();
    assert_eq!(NormalSpan::of(read.resource_spans), NormalSpan::of(request.resource_spans));
}

#[test]
fn tempos_dialect_of_json() {
    let text = r#"{"batches":[{"scopeSpans":[{"spans":[{
        "traceId":"AQEBAQEBAQEBAQEBAQEBAQ==","spanId":"AgICAgICAgI=",
        "kind":"SPAN_KIND_SERVER","status":{"code":"STATUS_CODE_ERROR"},
        "startTimeUnixNano":"7"}]}]}]}"#;
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    let spans = NormalSpan::of(read(&value, Dialect::Tempo).unwrap().resource_spans);
    assert_eq!(spans[0].trace_id.0, [1; 16]);
    assert_eq!(spans[0].span_id.0, [2; 8]);
    assert_eq!((spans[0].kind, spans[0].status_code, spans[0].start), (2, 2, 7));
    let strange = serde_json::json!({"batches": [{"resource": {"colour": 1}}]});
    let error = read(&strange, Dialect::Tempo).unwrap_err();
    assert_eq!(format!("{error:#}"), "batches: resource: colour: unknown key");
}
