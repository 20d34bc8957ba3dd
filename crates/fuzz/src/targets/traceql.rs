//! TraceQL: text of any kind, and bytes that decide what stands in a valid query.

use std::fmt::Debug;
use tributary_traceql::ast::{FieldExpr, Static};
use tributary_traceql::{Query, QueryError, generate, parse, parse_attribute, simplify};
use tributary_traceql::{parse_filter_leniently, simplify_field};

/// What trees, messages and compiled patterns of an input may take.
pub(super) const TREES: usize = 256 << 20;

/// Queries of all kinds that there are, short ones.
pub(super) fn queries() -> Vec<Vec<u8>> {
    const QUERIES: [&str; 9] = [
        "{ }",
        "{ span.http.status_code >= 500 && status = error }",
        "{ name =~ `get.*` || .a = nil } >> { kind = server } | by(name) | count() > 2",
        "{ -duration * 2 > 1.5s } &>> ({ .\"a b\" != \"\\x41\" } !~ { !.c }) | avg(.x + 1) < 1h30m",
        "({ } | select(event:name)) && ({ link.a } | coalesce() | max(.x) = 0x1F)",
        "{ resource.service.name = \"a\" } | rate() by(span:kind, .b) | topk(5) > 0.5",
        "{ } | quantile_over_time(duration, .5, 0.99) by(.a) with(exemplars=true)",
        "({ .a } | rate()) / ({ } | count_over_time()) * 100",
        "{ } | compare({ status = error }, 10, 1, 2) // end",
    ];
    QUERIES.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Choices for [`generated`].
pub(super) fn choices() -> Vec<Vec<u8>> {
    let of = |n: u8| (0..40u8).map(|i| (n * 19).wrapping_add(i.wrapping_mul(11))).collect();
    (0..12).map(of).collect()
}

/// Reads any text as all that it may be.
pub(super) fn text(input: &[u8]) -> String {
    let text = String::from_utf8_lossy(input);
    let query = parse(&text);
    if let Ok(query) = &query {
        whole(query);
    }
    let attribute = parse_attribute(&text);
    if let Ok(attribute) = &attribute {
        same(attribute, &parse_attribute(&attribute.to_string()), &text);
    }
    let lenient = parse_filter_leniently(&text);
    match (query, attribute, lenient) {
        (Ok(query), ..) => shape(&query),
        (_, Ok(_), _) => "attribute".to_owned(),
        (Err(error), _, Ok(_)) => format!("{}; leniently read", kind(&error)),
        (Err(error), _, Err(lenient)) => format!("{}; {}", kind(&error), kind(&lenient)),
    }
}

/// Writes the query that the bytes decide on, and a filter: both must be valid.
pub(super) fn generated(input: &[u8]) -> String {
    let text = generate::query(&mut input.iter().copied());
    let query = valid(&text);
    whole(&query);
    let filter = format!("{{ {} }}", generate::filter(&mut input.iter().copied()));
    lenient(&filter, &valid(&filter));
    shape(&query)
}

fn valid(text: &str) -> Query {
    match parse(text) {
        Ok(query) => query,
        Err(error) => panic!("{text}\nis refused: {error}"),
    }
}

/// A query prints as itself, and simplifying it is done at once.
fn whole(query: &Query) {
    let printed = query.to_string();
    same(query, &parse(&printed), &printed);
    let mut once = query.clone();
    simplify(&mut once);
    let mut twice = once.clone();
    simplify(&mut twice);
    assert!(
        once == twice,
        "{printed}\nis simpler the second time: {once}\nthan the first: {twice}"
    );
}

/// A complete filter is read leniently as it is.
fn lenient(text: &str, query: &Query) {
    let Some(filter) = query.lone_filter() else { return };
    let mut expected = filter.clone();
    simplify_field(&mut expected);
    let everything = FieldExpr::Static(Static::Bool(true));
    match parse_filter_leniently(text) {
        Ok(read) => {
            let read = read.unwrap_or(everything).to_string();
            assert_eq!(read, expected.to_string(), "{text}\nis read leniently otherwise");
        }
        Err(error) => panic!("{text}\nis refused leniently: {error}"),
    }
}

fn same<T: PartialEq + Debug>(first: &T, again: &Result<T, QueryError>, printed: &str) {
    assert!(again.as_ref() == Ok(first), "{printed}\nis read back as {again:?}\nnot as {first:?}");
}

/// What a query is made of, without its names and numbers.
fn shape(query: &Query) -> String {
    let text = format!("{:?}", query.root);
    let words = text.split(|c: char| !c.is_ascii_alphabetic());
    let is_name = |word: &&str| word.starts_with(|c: char| c.is_ascii_uppercase());
    let mut words: Vec<&str> = words.filter(is_name).collect();
    words.sort_unstable();
    words.dedup();
    words.join(" ")
}

/// What is wrong, without its place and what is quoted.
fn kind(error: &QueryError) -> String {
    let text = super::unquoted(error);
    text.chars().take(70).collect()
}
