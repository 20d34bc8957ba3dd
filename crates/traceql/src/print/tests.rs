use crate::ast::{Attribute, Scope, Stage, Static};
use crate::ast::{Root, ScalarFilter};
use crate::parse;

#[test]
fn queries_print_canonically() {
    for (text, expected) in [
        ("{}", "{ true }"),
        ("{.a=\"x\"&&.b>=5}", "{ .a = `x` && .b >= 5 }"),
        ("{ .a = `x` && (.b || .c) && .d }", "{ .a = `x` && (.b || .c) && .d }"),
        ("{ (.b || .c) && .d }", "{ .b || .c && .d }"),
        ("{ ((.a)) = (1 + 2) * 3 }", "{ .a = (1 + 2) * 3 }"),
        ("{ .a - (.b - .c) = -.d }", "{ .a - (.b - .c) = -.d }"),
        ("{ (.a ^ .b) ^ .c = .d ^ (.e ^ .f) }", "{ (.a ^ .b) ^ .c = .d ^ .e ^ .f }"),
        ("{ -(.a + .b) > 1 && !(.a && .b) }", "{ -(.a + .b) > 1 && !(.a && .b) }"),
        ("{ nil != .a && nil = .b }", "{ .a != nil && .b = nil }"),
        ("{ (.a = 1) = (.b = nil) }", "{ (.a = 1) = (.b = nil) }"),
        ("{ name =~ \"a\\\\d\" && .b !~ `c` }", "{ name =~ `a\\d` && .b !~ `c` }"),
        ("{.a}>>{.b}||{.c}", "{ .a } >> { .b } || { .c }"),
        ("{.a} && ({.b} || {.c})", "{ .a } && ({ .b } || { .c })"),
        ("{.a}>({.b} ~ {.c})", "{ .a } > ({ .b } ~ { .c })"),
        ("({.a} && {.b}) !>> {.c}", "({ .a } && { .b }) !>> { .c }"),
        ("(({.a}|count()>1)) &> ({.b})", "({ .a } | count() > 1) &> ({ .b })"),
        (
            "{}|by ( name )|select(.a,span:id)|coalesce()",
            "{ true } | by(name) | select(.a, span:id) | coalesce()",
        ),
        ("{}|rate()by(name)|topk(3)>5ms", "{ true } | rate() by(name) | topk(3) > 0.005"),
        (
            "{}|quantile_over_time(duration,.5,1)",
            "{ true } | quantile_over_time(duration, 0.5, 1.0)",
        ),
        ("{}|compare({.a})", "{ true } | compare({ .a }, 10)"),
        ("2*({}|rate())/({}|rate()>1)", "(2.0 * ({ true } | rate())) / ({ true } | rate() > 1.0)"),
        ("{} with(a=1)with(b=`x`)", "{ true } with(a = 1, b = `x`)"),
    ] {
        let query = parse(text).unwrap();
        assert_eq!(query.to_string(), expected);
        assert_eq!(parse(expected).unwrap(), query);
    }
}

#[test]
fn constants_print_as_go_does() {
    let second = 1_000_000_000;
    for (value, expected) in [
        (Static::Duration(0), "0s"),
        (Static::Duration(7), "7ns"),
        (Static::Duration(1_500), "1.5µs"),
        (Static::Duration(50_000_000), "50ms"),
        (Static::Duration(383_265_178), "383.265178ms"),
        (Static::Duration(second), "1s"),
        (Static::Duration(60 * second), "1m0s"),
        (Static::Duration(3_600 * second), "1h0m0s"),
        (Static::Duration(90 * second + 1_000), "1m30.000001s"),
        (Static::Duration(-5_000_000), "-5ms"),
        (Static::Duration(86_400 * second), "24h0m0s"),
        (Static::Int(-5), "-5"),
        (Static::Float(2.0), "2.0"),
        (Static::Float(0.37), "0.37"),
        (Static::Float(1e300), "1e300"),
        (Static::Str("a\"b".into()), "`a\"b`"),
        (Static::Str("a`b\n".into()), "\"a`b\\n\""),
        (Static::Str("\u{1}\\".into()), "\"\\u0001\\\\\""),
        (Static::Bool(true), "true"),
        (Static::Nil, "nil"),
    ] {
        assert_eq!(value.to_string(), expected);
    }
}

#[test]
fn names_are_quoted_where_needed() {
    for (scope, key, expected) in [
        (None, "a", ".a"),
        (None, "5", ".\"5\""),
        (Some(Scope::Span), "5", "span.5"),
        (Some(Scope::Resource), "service.name", "resource.service.name"),
        (Some(Scope::Span), "my key", "span.\"my key\""),
        (Some(Scope::Span), "a/b-c:d", "span.a/b-c:d"),
        (Some(Scope::Event), "q\"\\", "event.\"q\\\"\\\\\""),
        (Some(Scope::Link), "a=b", "link.\"a=b\""),
        (Some(Scope::Instrumentation), ".x.", "instrumentation..x."),
    ] {
        assert_eq!(Attribute::named(scope, key).to_string(), expected);
    }
}

/// The keys that spansets and series have in answers.
#[test]
fn labels_show_expressions() {
    for (stage, expected) in [
        ("by(resource.service.name)", "by(resource.service.name)"),
        ("by(duration > 50ms)", "by(duration > 50ms)"),
        ("by(.txt)", "by(.txt)"),
        ("by(span:status)", "by(status)"),
        ("by(trace:rootName = \"x\")", "by(rootName = `x`)"),
        ("by(event:name)", "by(event:name)"),
        ("count() > 1", "count()"),
        ("avg(span.rule.weight) > 1", "avg(span.rule.weight)"),
        ("max(span.n*2) > 1", "max(span.n*2)"),
        ("max(span.n * 2) > 1", "max(span.n * 2)"),
        ("sum(span:duration + 1s) > 1", "sum(duration + 1s)"),
    ] {
        let query = parse(&format!("{{ }} | {stage}")).unwrap();
        let Root::Search(pipeline) = query.root else { panic!("{stage}") };
        let label = match pipeline.stages.last().unwrap() {
            Stage::GroupBy(expr) => format!("by({})", expr.label()),
            Stage::Scalar(ScalarFilter { aggregate, .. }) => aggregate.label(),
            other => panic!("{other:?}"),
        };
        assert_eq!(label, expected);
    }
}
