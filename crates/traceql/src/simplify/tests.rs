use super::*;
use crate::ast::Attribute;
use crate::parse;

/// What is left of the filter `{ text }`.
fn of(text: &str) -> FieldExpr {
    let mut query = parse(&format!("{{ {text} }}")).unwrap();
    simplify(&mut query);
    query.lone_filter().unwrap().clone()
}

#[test]
fn comparisons_with_constants_are_joined() {
    let expr = of("name = `a` || kind = server || name = `b` || `c` = name");
    let (name, values) = match &expr {
        FieldExpr::Binary { op: BinaryOp::Or, left, .. } => match &**left {
            FieldExpr::In { attribute, values, negated: false } => (attribute, values),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert!(matches!(name, Attribute::Intrinsic { written: "name", .. }));
    assert_eq!(values.len(), 3);
    let table = [
        (".a = 1 || .a = 2.5 || .a = 1s", 3, false),
        (".a != 1 && .a != 2", 2, true),
        ("(.a != `x` && .a != `y`) && .a != `z`", 3, true),
        ("status = ok || (status = error || status = unset)", 3, false),
        ("event.x = 1 || event.x = 2", 2, false),
    ];
    for (text, count, wanted) in table {
        match of(text) {
            FieldExpr::In { values, negated, .. } => {
                assert_eq!((values.len(), negated), (count, wanted), "{text}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    match of(".a =~ `x` || .a =~ `y.*`") {
        FieldExpr::Match { patterns, negated: false, .. } => assert_eq!(patterns.len(), 2),
        other => panic!("{other:?}"),
    }
    match of(".a !~ `x` && .a !~ `y.*`") {
        FieldExpr::Match { patterns, negated: true, .. } => assert_eq!(patterns.len(), 2),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_would_change_answers_is_left_alone() {
    for text in [
        ".a = 1 || .a = `x`",
        ".a = 1 && .a = 2",
        ".a != 1 || .a != 2",
        ".a = 1 || .b = 1",
        ".a = 1 || span.a = 1",
        ".a = true || .a = 1",
        "!(.a = 1)",
        "!(.a = 1) && !(.a = 2)",
        "!(!.a)",
        "true && .a",
        "event.x != 1 && event.x != 2",
        "event:name !~ `a` && event:name !~ `b`",
        ".a =~ `x` || .a !~ `y`",
        ".a = 1 || .b / 0 = 1 || .a = 2",
        "true || 1 / .a = 1",
        "1 / 0 = 1",
        "9223372036854775807 + 1 = .a",
        ".a + (1s + 1s) = .b + 1",
    ] {
        // Constants within comparisons may be computed; nothing else.
        let text = text.replace("(1s + 1s)", "2s");
        let plain = parse(&format!("{{ {text} }}")).unwrap();
        assert_eq!(of(&text), *plain.lone_filter().unwrap(), "{text}");
    }
}

#[test]
fn constants_are_computed() {
    let table = [
        ("1 + 1 = 2 && duration > 10ms * 50", "duration > 500ms"),
        ("duration > 0.3s - 50ms", "duration > 250ms"),
        ("duration > 1m30s - 89.9s", "duration > 100ms"),
        (".a > 1 + 2 * 2", ".a > 5"),
        (".a > 7 / 2", ".a > 3"),
        ("\"a\" = \"a\" && status = error", "status = error"),
        ("\"abc\" =~ \"a.*\"", "true"),
        ("\"abc\" !~ \"a.*\"", "false"),
        ("!(1 > 2)", "true"),
        ("!(!(.a = 1))", ".a = 1"),
        ("!(!(.a = nil))", ".a = nil"),
        (".a = 1 || true", "true"),
        (".a = 1 && false", "false"),
        (".a = 1 && true && .b = 2", ".a = 1 && .b = 2"),
        ("true && true", "true"),
        ("false || false", "false"),
        ("nil = nil || .a = 1", ".a = 1"),
        ("1 = 1.0", "true"),
        ("1s > 999999999", "true"),
        ("status = error || 1.5 + 1.5 = 3", "true"),
    ];
    for (text, expected) in table {
        assert_eq!(of(text).to_string(), expected, "{text}");
    }
}

#[test]
fn names_of_groups_and_aggregates_stay() {
    let text = "{ true } | by(.a > 1 + 1) | max(.b + 2 * 3) > 1 | { .a > 2 }";
    let mut query =
        parse("{ 1 < 2 } | by(.a > 1 + 1) | max(.b + 2 * 3) > 1 | { .a > 1 + 1 }").unwrap();
    simplify(&mut query);
    assert_eq!(query.to_string(), text);
}

#[test]
fn every_filter_of_a_query_is_reached() {
    let table = [
        (
            "({ 1 = 1 } | rate()) / ({ 1 = 2 } | rate())",
            "({ true } | rate()) / ({ false } | rate())",
        ),
        ("{ 1 = 1 } | compare({ 1 = 2 }, 5)", "{ true } | compare({ false }, 5)"),
        ("({ 1 = 1 } | count() > 1) && ({ 1 = 2 })", "({ true } | count() > 1) && ({ false })"),
        ("{ 1 = 1 } >> { 1 = 2 }", "{ true } >> { false }"),
    ];
    for (text, expected) in table {
        let mut query = parse(text).unwrap();
        simplify(&mut query);
        assert_eq!(query.to_string(), expected);
    }
}

#[test]
fn thousands_of_values_are_one_list() {
    let ids: Vec<_> = (0..2500).map(|i| format!("trace:id = \"{i:032x}\"")).collect();
    match of(&ids.join(" || ")) {
        FieldExpr::In { values, .. } => assert_eq!(values.len(), 2500),
        other => panic!("{other:?}"),
    }
}
