use super::*;
use crate::answer::{TagsAnswer, ValuesAnswer};
use crate::api::metrics::tests::full as full_metrics;
use crate::api::requests::*;
use crate::api::search::tests::full as full_search;
use crate::api::{Accept, Call, MetricsForm, SearchQuestion, TimeRange, Version};
use http::StatusCode;
use proptest::prelude::*;
use std::time::{Duration, SystemTime};
use tributary_span::protobuf::{Field, Fields, Value};
use tributary_traceql::ast::Scope;

fn fields(bytes: &[u8]) -> Vec<Field<'_>> {
    let mut fields = Fields::new(bytes);
    std::iter::from_fn(|| fields.next_field().unwrap()).collect()
}

fn inner<'m>(field: &Field<'m>) -> Vec<Field<'m>> {
    fields(field.bytes().unwrap())
}

fn numbers(fields: &[Field<'_>]) -> Vec<u32> {
    fields.iter().map(|field| field.number).collect()
}

#[test]
fn a_search_s_answer() {
    let bytes = search_response(&full_search());
    let response = fields(&bytes);
    assert_eq!(numbers(&response), [1, 1, 2]);
    let trace = inner(&response[0]);
    assert_eq!(numbers(&trace), [1, 2, 3, 4, 5, 6, 7, 7, 8, 8]);
    assert_eq!((trace[0].text(), trace[1].text()), (Ok("abc"), Ok("shop")));
    assert_eq!((trace[3].varint(), trace[4].varint()), (Ok(1_795_344_000_000_000_001), Ok(2)));
    assert_eq!(trace[5].bytes(), trace[6].bytes(), "spanSet is the first of spanSets");
    let stats = inner(&trace[8]);
    assert_eq!(stats[0].text(), Ok("a \"quoted\" one"));
    let counts = inner(&stats[1]);
    assert_eq!((counts[0].varint(), counts[1].varint()), (Ok(3), Ok(1)));

    let set = inner(&trace[5]);
    assert_eq!(numbers(&set), [1, 2, 3]);
    assert_eq!(set[1].varint(), Ok(7));
    let by = inner(&set[2]);
    assert_eq!((by[0].text(), inner(&by[1])[0].text()), (Ok("by(.x)"), Ok("nil")));
    let span = inner(&set[0]);
    assert_eq!(numbers(&span), [1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 5]);
    assert_eq!((span[0].text(), span[3].varint()), (Ok("0000000000000001"), Ok(2_999_999)));
    let value = |i: usize| inner(&inner(&span[4 + i])[1])[0];
    assert_eq!(value(0), Field { number: 1, value: Value::Bytes(b"") });
    assert_eq!(value(1), Field { number: 3, value: Value::Varint((-5i64).cast_unsigned()) });
    assert_eq!(value(2), Field { number: 4, value: Value::Fixed64(0.5f64.to_bits()) });
    assert_eq!(value(4), Field { number: 2, value: Value::Varint(0) });
    assert_eq!(numbers(&inner(&value(5))), [1, 1]);
    assert_eq!(value(6), Field { number: 5, value: Value::Bytes(b"") });

    let lost = inner(&response[1]);
    assert_eq!(numbers(&lost), [1, 2]);
    assert_eq!(lost[1].text(), Ok("<root span not yet received>"));
    let cost: Vec<_> = inner(&response[2]).iter().map(|f| f.varint().unwrap()).collect();
    assert_eq!(cost, [2, 300, 1, 3, 4, 400, 7, 5]);
    assert_eq!(search_response(&Default::default()), [18, 0], "metrics are always there");
    assert_eq!(search_messages(&full_search()), [bytes]);
    assert_eq!(search_messages(&Default::default()), [[18, 0]]);
}

#[test]
fn an_answer_that_is_long_is_several_messages() {
    let mut many = full_search();
    let all = 20_000;
    many.traces = many.traces.iter().cloned().cycle().take(all).collect();
    let messages = search_messages(&many);
    assert!(messages.len() > 2, "{} messages", messages.len());
    let mut traces = 0;
    for message in &messages {
        assert!(message.len() <= portions::LONGEST);
        let numbers = numbers(&fields(message));
        let (last, before) = numbers.split_last().unwrap();
        assert!(*last == 2 && before.iter().all(|number| *number == 1));
        traces += before.len();
    }
    assert_eq!(traces, all);
}

#[test]
fn answers_to_metrics_queries() {
    let messages = range_messages(&full_metrics());
    let [bytes] = &messages[..] else { panic!("it is short") };
    let response = fields(bytes);
    assert_eq!(numbers(&response), [1, 2, 3, 4]);
    assert_eq!(response[2].varint(), Ok(1));
    assert_eq!(response[3].text(), Ok("1000 series are the limit"));
    let series = inner(&response[0]);
    assert_eq!(numbers(&series), [1, 1, 2, 2, 2, 4]);
    let sample = inner(&series[2]);
    assert_eq!(sample[0].fixed64(), Ok(3.2f64.to_bits()));
    assert_eq!(sample[1].varint(), Ok(1_690_000_000_000));
    assert_eq!(numbers(&inner(&series[3])), [2]);
    assert_eq!(numbers(&inner(&series[5])), [1, 2, 3]);

    let messages = instant_messages(&full_metrics());
    let [bytes] = &messages[..] else { panic!("it is short") };
    let response = fields(bytes);
    assert_eq!(numbers(&response), [1, 2, 3, 4]);
    let series = inner(&response[0]);
    assert_eq!(numbers(&series), [1, 1, 2]);
    assert_eq!(series[2].fixed64(), Ok(f64::INFINITY.to_bits()));
}

#[test]
fn answers_about_names_and_values() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let scopes = vec![("span", names(&["b", "a"])), ("link", names(&["a"]))];
    let tags = TagsAnswer { scopes, cost: Cost { bytes: 3, ..Cost::default() } };
    let bytes = tags_response(&tags);
    let response = fields(&bytes);
    assert_eq!(numbers(&response), [1, 1, 2]);
    assert_eq!((response[0].text(), response[1].text()), (Ok("a"), Ok("b")));
    assert_eq!(inner(&response[2])[0].varint(), Ok(3));
    let bytes = tags_v2_response(&tags);
    let response = fields(&bytes);
    assert_eq!(numbers(&response), [1, 1, 2]);
    let span = inner(&response[0]);
    assert_eq!(numbers(&span), [1, 2, 2]);
    assert_eq!((span[0].text(), span[1].text()), (Ok("span"), Ok("b")));

    let values = vec![("string", String::new()), ("int", "5".to_owned())];
    let values = ValuesAnswer { values, ..ValuesAnswer::default() };
    let bytes = values_response(&values);
    assert_eq!(numbers(&fields(&bytes)), [1, 1, 2]);
    assert_eq!(fields(&bytes)[0].text(), Ok(""));
    let bytes = values_v2_response(&values);
    let response = fields(&bytes);
    assert_eq!(numbers(&response), [1, 1, 2]);
    let five = inner(&response[1]);
    assert_eq!((five[0].text(), five[1].text()), (Ok("int"), Ok("5")));
}

fn tenants() -> Vec<String> {
    vec!["a".to_owned()]
}

#[test]
fn search_requests() {
    let mut message = Vec::new();
    put::uint(&mut message, 4, 7);
    put::uint(&mut message, 5, 10);
    put::uint(&mut message, 6, 20);
    put::bytes(&mut message, 8, b"{}");
    put::uint(&mut message, 9, 5);
    put::uint(&mut message, 99, 5);
    let call = search_request(&message, tenants()).unwrap();
    assert!(matches!(call.question, SearchQuestion::TraceQl(_)));
    assert_eq!((call.limit, call.spans_per_set, call.accept), (7, 5, Accept::Protobuf));
    assert_eq!((call.time, call.tenants), (Some(TimeRange { start: 10, end: 20 }), tenants()));

    let mut message = Vec::new();
    for (key, value) in [("a", "1"), ("b", "2"), ("a", "3")] {
        put::message(&mut message, 1, |out| {
            put::bytes(out, 1, key.as_bytes());
            put::bytes(out, 2, value.as_bytes());
        });
    }
    put::uint(&mut message, 2, 5);
    let call = search_request(&message, tenants()).unwrap();
    let SearchQuestion::Tags(tags) = call.question else { panic!("tags") };
    assert_eq!(tags.tags, [("a".to_owned(), "3".to_owned()), ("b".to_owned(), "2".to_owned())]);
    assert_eq!((tags.min_duration, tags.max_duration), (Some(5_000_000), None));
    assert_eq!((call.limit, call.spans_per_set, call.time), (20, 3, None));

    let (mut wrong, mut long) = (Vec::new(), Vec::new());
    put::bytes(&mut wrong, 8, b"{");
    put::bytes(&mut long, 8, &[b' '; tributary_traceql::MAX_QUERY_BYTES + 1]);
    for message in [&wrong[..], &long, &[10], &[66, 1, 0xff], &[69, 0, 0, 0, 0]] {
        let answer = search_request(message, tenants()).unwrap_err();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    }
}

#[test]
fn metrics_requests() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let second = 1_000_000_000;
    let mut message = Vec::new();
    put::bytes(&mut message, 1, b"{} | rate()");
    put::uint(&mut message, 2, 100_000_000 * second);
    put::uint(&mut message, 3, 100_000_600 * second);
    put::uint(&mut message, 4, 10 * second);
    put::uint(&mut message, 16, 5);
    put::uint(&mut message, 17, 6);
    let call = range_request(&message, tenants(), now).unwrap();
    let range = (100_000_000 * second, 100_000_600 * second);
    assert_eq!((call.start, call.end, call.step), (range.0, range.1, 10 * second));
    assert_eq!((call.exemplars, call.max_series, call.instant), (5, 6, false));
    let call = instant_request(&message, tenants(), now).unwrap();
    assert_eq!((call.start, call.end, call.step), (range.0, range.1, 600 * second));
    assert_eq!((call.instant, call.form), (true, MetricsForm::Instant));

    let mut message = Vec::new();
    put::bytes(&mut message, 1, b"{} | rate()");
    let call = range_request(&message, tenants(), now).unwrap();
    assert_eq!((call.start, call.end), (999_996_400 * second, 1_000_000_000 * second));
    assert_eq!((call.exemplars, call.max_series), (100, 1_000));
    put::uint(&mut message, 2, 10);
    put::uint(&mut message, 3, 20);
    let call = range_request(&message, tenants(), now).unwrap();
    assert_eq!((call.start, call.end), (10 * second, 20 * second));
    put::uint(&mut message, 3, 5);
    let answer = range_request(&message, tenants(), now).unwrap_err();
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[test]
fn requests_for_names() {
    let mut message = Vec::new();
    put::bytes(&mut message, 1, b"span");
    put::bytes(&mut message, 2, b"{ .a = 1 }");
    put::uint(&mut message, 3, 10);
    put::uint(&mut message, 4, 20);
    put::uint(&mut message, 5, 30);
    put::uint(&mut message, 6, 40);
    let Ok(Call::Tags(call)) = tags_request(Version::V2, &message, tenants()) else { panic!() };
    assert_eq!((call.scope, call.limit), (Some(Scope::Span), Some(30)));
    assert_eq!(call.time, Some(TimeRange { start: 10, end: 20 }));
    assert!(call.filter.is_some());
    let Ok(Call::Tags(call)) = tags_request(Version::V1, &[], tenants()) else { panic!() };
    assert_eq!((call.scope, call.limit, call.time, call.filter), (None, None, None, None));
    assert_eq!((call.accept, call.tenants), (Accept::Protobuf, tenants()));

    let mut message = Vec::new();
    put::bytes(&mut message, 1, b"intrinsic");
    let Ok(Call::Ready(answer)) = tags_request(Version::V2, &message, tenants()) else { panic!() };
    assert_eq!(numbers(&fields(&answer.body)), [1, 2]);
    put::bytes(&mut message, 1, b"nowhere");
    let answer = tags_request(Version::V2, &message, tenants()).unwrap_err();
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[test]
fn requests_for_values() {
    let mut message = Vec::new();
    put::bytes(&mut message, 1, b"resource.service.name");
    put::bytes(&mut message, 2, b"{ .a = 1 }");
    put::uint(&mut message, 4, 10);
    put::uint(&mut message, 5, 20);
    put::uint(&mut message, 6, 30);
    let read = |version| values_request(version, &message, tenants());
    let Ok(Call::Values(call)) = read(Version::V2) else { panic!() };
    assert_eq!(call.attribute.to_string(), "resource.service.name");
    assert_eq!((call.limit, call.time), (Some(30), Some(TimeRange { start: 10, end: 20 })));
    assert!(call.filter.is_some());
    let Ok(Call::Values(call)) = read(Version::V1) else { panic!() };
    assert_eq!(call.attribute.to_string(), ".resource.service.name");

    let mut message = Vec::new();
    let answer = values_request(Version::V2, &message, tenants()).unwrap_err();
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    put::bytes(&mut message, 1, b"kind");
    let read = values_request(Version::V2, &message, tenants());
    let Ok(Call::Ready(answer)) = read else { panic!() };
    assert_eq!(inner(&fields(&answer.body)[0])[0].text(), Ok("keyword"));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let now = SystemTime::UNIX_EPOCH;
        search_request(&bytes, tenants()).ok();
        range_request(&bytes, tenants(), now).ok();
        instant_request(&bytes, tenants(), now).ok();
        tags_request(Version::V2, &bytes, tenants()).ok();
        values_request(Version::V2, &bytes, tenants()).ok();
    }
}
