use super::{MAX_DEPTH, MAX_PATTERNS};
use crate::ast::{MetricsExpr, Root, SecondStage};
use crate::{MAX_QUERY_BYTES, QueryError, parse, parse_attribute};

#[test]
fn the_whole_language_is_taken() {
    for text in [
        "{}",
        "{ true }",
        "{ .a }",
        "{ !.a && !(.b || .c) }",
        "{.foo=\"bar\"&&.n>=5}",
        "{.foo=~\"b.*\"}>>{.n=1}||{.n=5}",
        "{ nil = nil }",
        "{ span.list =~ `a` && `x` =~ `x` }",
        "{ status != nil && nestedSetParent = -1 }",
        "{ -.a > -(-5) }",
        "({ .a } > { .b }) && ({ .c } >> { .d })",
        "({ .a } | count() > 5) || ({ .b } | max(duration) > 3s)",
        "({ .a } | count() > 0) && ({ .b })",
        "({ .a } && { .b }) >> ({ .c } | count() > 0)",
        "(({ .a } | count() > 5))",
        "(({ .a }))",
        "count() > 2",
        "by(name) | count() > 2",
        "select(name) | { .a }",
        "{ } | count() > 2 * 3 - (1 + 1)",
        "{ } | max(duration) >= 1.5 * 100ms",
        "{ } | by(name) | coalesce() | select(.a, span:id) | { .b } | avg(.c + 1) != 2",
        "{ } | by(.a > 1 || .b)",
        "{ } | ({ .a } || { .b }) && { .c }",
        "{ } | rate() by(name) | topk(3) > 5 | bottomk(2) != 0",
        "{ } | quantile_over_time(duration, 0, .5, 1) by(.a, .b, .c, .d)",
        "{ } | rate() by(.a, .b, .c, .d, .e)",
        "{ } | compare({ status = error })",
        "{ } | compare({ status = error }, 1000, 1, 2)",
        "({ } | rate()) / ({ .a } | rate()) * 100 > 5 | topk(3)",
        "100 * ({ } | rate() by(name) > 1) + 2 * 3",
        "-1 * ({ } | rate())",
        "(({ } | rate()) + ({ } | rate())) / 2",
        "({ } | rate()) | topk(3)",
        "{ } | rate() > -5ms",
        "{ } with(most_recent=true, x = `y`) with(z=-1.5s)",
        "{ .a } // comment\n | /* another */ count() > 1",
    ] {
        if let Err(error) = parse(text) {
            panic!("{text}: {error}");
        }
    }
}

/// Text; which error; its line and column; a part of what it says.
type Refused = (&'static str, &'static str, (usize, usize), &'static str);

#[track_caller]
fn refused(table: &[Refused]) {
    for (text, kind, at, part) in table {
        let error = parse(text).expect_err(text);
        let found = match &error {
            QueryError::Parse { .. } => "parse",
            QueryError::Validation { .. } => "validation",
            QueryError::Unsupported { .. } => "unsupported",
            QueryError::TooLong { .. } => "long",
        };
        let place = error.position().unwrap();
        assert_eq!((found, (place.line, place.column)), (*kind, *at), "{text}: {error}");
        assert!(error.to_string().contains(part), "{text}: {error}");
    }
}

#[test]
fn mistakes_of_grammar_have_their_place() {
    refused(&[
        ("", "parse", (1, 1), "unexpected end of the query, expected a filter in braces"),
        ("{", "parse", (1, 2), "expected an attribute or a value"),
        ("{ .a = 1", "parse", (1, 9), "expected an operator or }"),
        ("{ .a = 1 }}", "parse", (1, 11), "unexpected \"}\""),
        ("{ .a = \n}", "parse", (2, 1), "unexpected \"}\", expected an attribute or a value"),
        ("{ .a == 1 }", "parse", (1, 7), "a single ="),
        ("{ .a & .b }", "parse", (1, 6), "did you mean \"&&\"?"),
        ("{ foo = 1 }", "parse", (1, 3), "unknown name \"foo\", expected an attribute or a value"),
        ("{ statu = error }", "parse", (1, 3), "did you mean \"status\"?"),
        ("{ status = eror }", "parse", (1, 12), "did you mean \"error\"?"),
        ("{ service.name = `x` }", "parse", (1, 3), "did you mean \".service.name\"?"),
        ("{ trace:status = error }", "parse", (1, 3), "one of rootName, rootService, duration, id"),
        ("{ trace:rootNam = `x` }", "parse", (1, 3), "did you mean \"rootName\"?"),
        ("{ span:rootName = `x` }", "parse", (1, 3), "after \"span:\""),
        ("{ childCount = 1 }", "parse", (1, 3), "unknown name"),
        ("{ 1 second }", "parse", (1, 5), "unexpected \"second\""),
        ("{ status = 5xx }", "parse", (1, 12), "\"5xx\" is neither a number nor a duration"),
        ("{ count() > 1 }", "parse", (1, 3), "unknown name \"count\""),
        ("{ } | count()", "parse", (1, 14), "expected a comparison, such as > 2"),
        ("count()", "parse", (1, 8), "expected a comparison"),
        ("{ } | cuont() > 1", "parse", (1, 7), "did you mean \"count\"?"),
        ("{ } | count() > `x`", "parse", (1, 17), "unexpected \"`x`\""),
        ("{ } | max() > 1", "parse", (1, 11), "expected an attribute"),
        ("{ } | by()", "parse", (1, 10), "expected an attribute"),
        ("{ } | select()", "parse", (1, 14), "expected an attribute"),
        ("{ } | select(.a .b)", "parse", (1, 17), "expected , or )"),
        ("{ } | coalesce", "parse", (1, 15), "expected ("),
        ("coalesce()", "parse", (1, 1), "cannot begin with coalesce()"),
        ("rate()", "parse", (1, 1), "needs spans before it"),
        ("3 > 2", "parse", (1, 3), "asks for no span"),
        ("3", "parse", (1, 2), "expected a comparison"),
        ("{ } &&", "parse", (1, 7), "expected a filter in braces"),
        ("{ } > > { }", "parse", (1, 7), "unexpected \">\""),
        ("({ } | count() > 1) && { }", "parse", (1, 21), "must stand in parentheses"),
        ("({ } | by(name)) | count() > 2", "parse", (1, 18), "cannot go on"),
        ("{ } | ({ } | count() > 1)", "parse", (1, 7), "can only begin a query"),
        ("count() > 1 && { }", "parse", (1, 13), "within a pipeline in parentheses"),
        ("{ } | rate", "parse", (1, 11), "expected ("),
        ("{ } | rate(duration)", "parse", (1, 12), "expected )"),
        ("{ } | rate() by(a)", "parse", (1, 17), "unknown name \"a\""),
        ("{ } | rate() | count() > 1", "parse", (1, 16), "topk"),
        ("{ } | topk(2)", "parse", (1, 7), "works on metrics"),
        ("{ } | rate() | topk(-1)", "parse", (1, 21), "a whole number"),
        ("{ } | rate() > `a`", "parse", (1, 16), ""),
        ("{ } | quantile_over_time(duration)", "parse", (1, 34), "a quantile"),
        ("{ } | compare()", "parse", (1, 15), "expected {"),
        ("{ } | compare({ }, 1, 2)", "parse", (1, 24), "the end"),
        ("({ } | rate()) / ", "parse", (1, 18), ""),
        ("({ } | rate()) % 2", "parse", (1, 16), "+ - * /"),
        ("{ } + { }", "parse", (1, 5), "means nothing"),
        ("{ } with()", "parse", (1, 10), "a hint's name"),
        ("{ } with(a=b)", "parse", (1, 12), "a value"),
        ("{ 9223372036854775808 = .a }", "parse", (1, 3), "out of range"),
    ]);
}

#[test]
fn types_must_fit() {
    refused(&[
        ("{ duration }", "validation", (1, 3), "duration is a number"),
        ("{ 1 + 1 }", "validation", (1, 3), "must be true or false"),
        ("{ .a + 1 }", "validation", (1, 3), "must be true or false"),
        ("{ nil }", "validation", (1, 3), "nil is nil"),
        ("{ `a` && true }", "validation", (1, 7), "`a` is a text"),
        ("{ true && name }", "validation", (1, 8), "name is a text"),
        ("{ duration = `1s` }", "validation", (1, 12), "of one type"),
        ("{ name > 1 }", "validation", (1, 8), "of one type"),
        ("{ kind = error }", "validation", (1, 8), "error is a status"),
        ("{ kind > server }", "validation", (1, 8), "no order"),
        ("{ .a > true }", "validation", (1, 6), "no order"),
        ("{ .a + `x` = 1 }", "validation", (1, 6), "right side of +"),
        ("{ !name }", "validation", (1, 3), "operand of !"),
        ("{ -name = `x` }", "validation", (1, 3), "operand of -"),
        ("{ status =~ `err.*` }", "validation", (1, 10), "only texts match"),
        ("{ name =~ 5 }", "validation", (1, 8), "in quotes"),
        ("{ name =~ name }", "validation", (1, 8), "in quotes"),
        ("{ name =~ `[` }", "validation", (1, 8), "invalid regular expression \"[\""),
        ("{ status = nil }", "validation", (1, 10), "always have a value"),
        ("{ nil = event:name }", "validation", (1, 7), "always have a value"),
        ("{ resource.service.name = nil }", "validation", (1, 25), "never true"),
        ("{ .a > nil }", "validation", (1, 6), "only = and !="),
        ("{ .a + 1 = nil }", "validation", (1, 10), "only an attribute can be nil"),
        ("{ } | avg(name) > 1", "validation", (1, 11), "name is a text"),
        ("{ } | sum(1) > 1", "validation", (1, 11), "of the span"),
        ("{ } | by(1 + 1)", "validation", (1, 10), "of the span"),
        ("{ } | count() > 1 / 0", "validation", (1, 19), "no number"),
        ("{ } | quantile_over_time(duration, 1.5)", "validation", (1, 7), "within 0 and 1"),
        ("{ } | rate() by(.a, .b, .c, .d, .e, .f)", "validation", (1, 7), "at most 5"),
        ("{ } | avg_over_time(.x) by(.a, .b, .c, .d, .e)", "validation", (1, 7), "at most 4"),
        ("{ } | rate() | topk(0)", "validation", (1, 21), "greater than 0"),
        ("{ } | compare({ }, 0)", "validation", (1, 7), "1 to 1000"),
        ("{ } | compare({ }, 1001)", "validation", (1, 7), "1 to 1000"),
        ("{ } | compare({ }, 5, 2, 2)", "validation", (1, 7), "end after its start"),
        ("{ } | compare({ }) | topk(1)", "validation", (1, 20), "nothing can follow"),
        ("({ } | compare({ })) / 2", "validation", (1, 22), "arithmetic"),
    ]);
}

#[test]
fn what_no_engine_has_is_said_so() {
    refused(&[
        ("{ parent.a = 1 }", "unsupported", (1, 3), "parent"),
        ("{ parent.span.a = 1 }", "unsupported", (1, 3), "parent"),
        ("{ parent = nil }", "unsupported", (1, 3), "parent"),
        ("3 < count()", "unsupported", (1, 3), "to its right"),
        ("{ } | count() + 1 > 8", "unsupported", (1, 19), "only an aggregate"),
        ("{ } | max(.a) - min(.a) > 1", "unsupported", (1, 25), ""),
        ("{ } | max(duration) > 2 * avg(duration)", "unsupported", (1, 21), ""),
        ("{ } | count() > count()", "unsupported", (1, 15), ""),
        ("{ } | -count() > 1", "unsupported", (1, 16), ""),
    ]);
}

#[test]
fn operators_bind_as_they_should() {
    // Pairs that are the same tree.
    for (text, same) in [
        (".a || .b && .c", "(.a || .b) && .c"),
        (".a && .b || .c", "(.a && .b) || .c"),
        (".a && (.b && .c)", ".a && .b && .c"),
        (".a = 1 && .b = 2", "(.a = 1) && (.b = 2)"),
        (".a + 1 * 2 = 3", "(.a + (1 * 2)) = 3"),
        (".a - 1 - 2 = 3", "((.a - 1) - 2) = 3"),
        (".a ^ 2 ^ 3 = 1", "(.a ^ (2 ^ 3)) = 1"),
        ("-.a ^ 2 = 1", "((-.a) ^ 2) = 1"),
        ("-.a * 2 = 1", "((-.a) * 2) = 1"),
        ("!.a = .b", "(!.a) = .b"),
        ("!.a && .b", "(!.a) && .b"),
        (".a = .b = true", "(.a = .b) = true"),
        ("!(.a = nil)", "!(nil = .a)"),
        (".a = - -1", ".a = 1"),
        (".a = -(1)", ".a = -1"),
        (".a = -9223372036854775808", ".a = minInt"),
    ] {
        let [a, b] = [text, same].map(|text| parse(&format!("{{ {text} }}")).unwrap());
        assert_eq!(a, b, "{text}");
    }
    for (text, other) in [
        (".a && (.b || .c)", ".a && .b || .c"),
        (".a - (1 - 2) = 3", ".a - 1 - 2 = 3"),
        ("(.a ^ 2) ^ 3 = 1", ".a ^ 2 ^ 3 = 1"),
        ("!(.a = .b)", "!.a = .b"),
    ] {
        let [a, b] = [text, other].map(|text| parse(&format!("{{ {text} }}")).unwrap());
        assert_ne!(a, b, "{text}");
    }
    for (text, same) in [
        ("{ .a } || { .b } && { .c }", "({ .a } || { .b }) && { .c }"),
        ("{ .a } >> { .b } && { .c }", "({ .a } >> { .b }) && { .c }"),
        ("{ .a } > { .b } > { .c }", "({ .a } > { .b }) > { .c }"),
        ("({ } | rate()) - 1 * 2", "({ } | rate()) - (1 * 2)"),
        ("({ } | rate()) - 1 > 2", "(({ } | rate()) - 1) > 2"),
    ] {
        assert_eq!(parse(text).unwrap(), parse(same).unwrap(), "{text}");
    }
}

#[test]
fn durations_beside_metrics_are_seconds() {
    for (text, expected) in [
        ("{ } | max_over_time(duration) > 150ms", 0.15),
        ("{ } | max_over_time(duration) > 1.5 * 2s", 3.0),
        ("{ } | max_over_time(duration) > 1m30s", 90.0),
        ("{ } | rate() > 10 + 5", 15.0),
    ] {
        let query = parse(text).unwrap();
        let Root::Metrics(MetricsExpr::Query(query)) = query.root else { panic!("{text}") };
        let [SecondStage::Filter(comparison)] = query.then.as_slice() else { panic!("{text}") };
        assert_eq!(comparison.value, expected, "{text}");
    }
}

#[test]
fn lone_attributes() {
    for text in [
        "resource.service.name",
        ".foo",
        "name",
        "span:kind",
        "event:name",
        "span.\"with space\"",
        "span.a/b",
        ".\"5\"",
    ] {
        assert_eq!(parse_attribute(text).unwrap().to_string(), text);
    }
    for text in [
        "",
        "nosuch",
        "span.",
        "span.a b",
        "service.name",
        "5",
        "`x`",
        "true",
        "{ .a }",
        "parent.a",
    ] {
        assert!(parse_attribute(text).is_err(), "{text}");
    }
}

#[test]
fn nothing_is_too_deep_or_too_long() {
    let half = MAX_QUERY_BYTES / 2;
    for text in [
        "(".repeat(half),
        format!("{{ {}", "(".repeat(half)),
        format!("{{ {}", "!".repeat(half)),
        format!("{{ {}.a }}", "- ".repeat(half - 10)),
        format!("{{ {}1 }}", "-".repeat(half)),
        format!("{{ .a {} }}", "+ 1 ".repeat(half / 4)),
        format!("{{ .a {} = 1 }}", "^ 1 ".repeat(half / 4)),
        format!("{{ .a {} }}", "= 1 ".repeat(half / 4)),
        format!("{{ .a {} }}", "&& .b || .c ".repeat(half / 12)),
        format!("{{}} {}", "> {} ".repeat(half / 5)),
        format!("{{}} {}", "&& {} || {} ".repeat(half / 12)),
        format!("count() > {}", "- ".repeat(half / 2)),
        format!("({{}}|rate()) {}", "* 1 + 1 ".repeat(half / 8)),
        "max(".repeat(half / 4),
    ] {
        let start: String = text.chars().take(20).collect();
        assert!(parse(&text).is_err(), "{start}");
    }
    // Lists may be as long as the text.
    for text in [
        format!("{{ .a {} }}", "|| .b ".repeat(half / 6)),
        format!("{{ }} {}", "&& { } ".repeat(half / 7)),
        format!("{{ }} {}", "| { } ".repeat(half / 6)),
        format!("{{ .a {} }}", "+ 1 ".repeat(MAX_DEPTH - 5).trim()).replace(" }", " = 1 }"),
    ] {
        let query = parse(&text).unwrap();
        assert_eq!(parse(&query.to_string()).unwrap(), query);
    }
    let patterns = |count| format!("{{ {} }}", vec![".a =~ `x.*`"; count].join(" || "));
    assert!(parse(&patterns(MAX_PATTERNS)).is_ok());
    assert!(parse(&patterns(MAX_PATTERNS + 1)).is_err());
    let long = format!("{{ }}{}", " ".repeat(MAX_QUERY_BYTES));
    assert!(matches!(parse(&long), Err(QueryError::TooLong { .. })));
}
