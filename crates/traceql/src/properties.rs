//! What holds for every text and every query.

use crate::{
    Query, generate, parse, parse_attribute, parse_filter_leniently, simplify, simplify_field,
};
use proptest::prelude::*;

fn generated(bytes: Vec<u8>) -> (String, Query) {
    let text = generate::query(&mut bytes.into_iter());
    let query = parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    (text, query)
}

/// Text with much of the language in it, but in no order.
fn soup() -> impl Strategy<Value = String> {
    let words = vec![
        "{",
        "}",
        "(",
        ")",
        "|",
        "||",
        "&&",
        "&",
        "!",
        "!~",
        "=~",
        "=",
        "!=",
        "<",
        ">",
        ">>",
        "~",
        "+",
        "-",
        "*",
        "/",
        "%",
        "^",
        ",",
        ".",
        "\"",
        "`",
        "\\",
        "'",
        " ",
        "\n",
        "//",
        "/*",
        "*/",
        ".a",
        "span.",
        "span.b",
        "parent.c",
        "name",
        "status",
        "trace:",
        "trace:id",
        "event:x",
        "nil",
        "true",
        "error",
        "5",
        "1.5",
        "1h",
        "5x",
        "0x",
        "1e",
        "rate()",
        "by(",
        "select(",
        "count()",
        "max(",
        "coalesce()",
        "topk(",
        "compare(",
        "with(",
        "quantile_over_time(",
        "é",
        "\u{0}",
        "minInt",
        "\"x\"",
        "`[`",
    ];
    prop::collection::vec(prop::sample::select(words), 0..40).prop_map(|words| words.concat())
}

/// All that can be done with a text must end without a panic.
fn try_all(text: &str) {
    if let Ok(mut query) = parse(text) {
        assert_eq!(parse(&query.to_string()).as_ref(), Ok(&query), "{text}");
        simplify(&mut query);
    }
    if let Ok(attribute) = parse_attribute(text) {
        assert_eq!(parse_attribute(&attribute.to_string()), Ok(attribute), "{text}");
    }
    if let Err(error) = parse_filter_leniently(text) {
        assert!(error.position().is_some(), "{text}: {error}");
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn generated_queries_read_back(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let (text, query) = generated(bytes);
        let printed = query.to_string();
        let again = parse(&printed).unwrap_or_else(|error| panic!("{error}\n{text}\n{printed}"));
        prop_assert_eq!(&query, &again, "{} printed as {}", text, printed);
        prop_assert_eq!(printed, again.to_string());
    }

    #[test]
    fn simplifying_twice_is_simplifying_once(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let (_, mut once) = generated(bytes);
        simplify(&mut once);
        let mut twice = once.clone();
        simplify(&mut twice);
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn a_complete_filter_is_read_leniently_as_it_is(
        bytes in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let text = format!("{{ {} }}", generate::filter(&mut bytes.into_iter()));
        let mut expected = parse(&text).unwrap().lone_filter().unwrap().clone();
        simplify_field(&mut expected);
        let read = parse_filter_leniently(&text).unwrap();
        let found = read.unwrap_or(crate::ast::FieldExpr::Static(crate::ast::Static::Bool(true)));
        prop_assert_eq!(found.to_string(), expected.to_string(), "{}", text);
    }

    #[test]
    fn no_text_is_too_odd(text in soup()) {
        try_all(&text);
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        try_all(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_query_cut_short_is_no_trouble(
        bytes in prop::collection::vec(any::<u8>(), 0..60),
        cut in any::<prop::sample::Index>(),
    ) {
        let (text, _) = generated(bytes);
        let cut: String = text.chars().take(cut.index(text.len().max(1))).collect();
        try_all(&cut);
    }
}
