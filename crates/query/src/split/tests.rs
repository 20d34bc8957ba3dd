use super::*;
use tributary_span::SpanId;
use tributary_span::columns::{Builder, SpanFields};
use tributary_traceql::ast::Root;
use tributary_traceql::parse;

fn pipeline(query: &str) -> Pipeline {
    match parse(query).unwrap().root {
        Root::Search(pipeline) => pipeline,
        Root::Metrics(_) => panic!("no search: {query}"),
    }
}

fn met(filters: &[usize]) -> Met {
    let mut all = Met::default();
    filters.iter().for_each(|filter| all.add(Met::of(*filter)));
    all
}

#[test]
fn a_trace_may_match_when_its_parts_meet_what_each_operator_needs() {
    /// A query, filters with which a trace may match it, and filters with which it may not.
    type Case = (&'static str, &'static [&'static [usize]], &'static [&'static [usize]]);
    let table: [Case; 9] = [
        ("{ name = `a` }", &[&[0]], &[&[]]),
        ("{ name = `a` } >> { name = `b` }", &[&[0, 1]], &[&[], &[0], &[1]]),
        ("{ name = `a` } &>> { name = `b` }", &[&[0, 1]], &[&[0], &[1]]),
        ("{ name = `a` } !>> { name = `b` }", &[&[1], &[0, 1]], &[&[0]]),
        ("{ name = `a` } || { name = `b` }", &[&[0], &[1]], &[&[]]),
        ("{ name = `a` } && { name = `b` }", &[&[0, 1]], &[&[0], &[1]]),
        (
            "({ name = `a` } || { name = `b` }) > { name = `c` }",
            &[&[0, 2], &[1, 2]],
            &[&[2], &[0, 1]],
        ),
        ("{ name = `a` } | count() > 2 | { name = `b` }", &[&[0, 1]], &[&[0], &[1]]),
        ("({ name = `a` } | count() > 1) ~ ({ name = `b` })", &[&[0, 1]], &[&[0]]),
    ];
    for (query, may, may_not) in table {
        let pipeline = pipeline(query);
        for filters in may {
            assert!(may_match(&[&pipeline], met(filters)), "{query} with {filters:?}");
        }
        for filters in may_not {
            assert!(!may_match(&[&pipeline], met(filters)), "{query} with {filters:?}");
        }
    }
}

#[test]
fn several_queries_count_their_filters_on() {
    let (first, second) = (pipeline("{ name = `a` } > { name = `b` }"), pipeline("{ name = `c` }"));
    let both = [&first, &second];
    assert!(may_match(&both, met(&[2])) && may_match(&both, met(&[0, 1])));
    assert!(!may_match(&both, met(&[0])) && !may_match(&both, met(&[1])));
}

#[test]
fn more_filters_than_bits_let_rather_too_many_through() {
    let query = (0..70).map(|n| format!("{{ name = `{n}` }}")).collect::<Vec<_>>().join(" && ");
    let pipeline = pipeline(&query);
    let all: Vec<usize> = (0..70).collect();
    assert!(may_match(&[&pipeline], met(&all)));
    assert!(may_match(&[&pipeline], met(&all[..64])));
    assert!(!may_match(&[&pipeline], met(&all[..63])));
}

/// Traces with the names of their spans.
fn spans(traces: &[(u8, &[&str])]) -> Columns {
    let mut b = Builder::new();
    let resource = b.end_resource(0, Default::default(), Default::default());
    let scope = b.end_scope(Default::default(), Default::default(), 0, Default::default());
    for (trace, names) in traces {
        for (n, name) in names.iter().enumerate() {
            let name = b.text(name.as_bytes());
            b.end_span(SpanFields {
                trace: TraceId([*trace; 16]),
                id: SpanId([n as u8 + 1; 8]),
                name,
                resource,
                scope,
                ..Default::default()
            });
        }
    }
    b.take()
}

#[test]
fn parts_say_what_they_meet() {
    let columns = spans(&[(1, &["a", "x"]), (2, &["x"]), (3, &["b", "a"]), (4, &["b"])]);
    let told = |query: &str| {
        let pipeline = pipeline(query);
        let mut all: Vec<(u8, Met)> = met_in_memory(&columns, &[&pipeline])
            .unwrap()
            .into_iter()
            .map(|(trace, met)| (trace.0[0], met))
            .collect();
        all.sort_by_key(|(trace, _)| *trace);
        all
    };
    assert_eq!(
        told("{ name = `a` } >> { name = `b` }"),
        [(1, met(&[0])), (3, met(&[0, 1])), (4, met(&[1]))]
    );
    // What is said of the whole trace is not asked of its parts.
    assert_eq!(
        told("{ name = `b` && traceDuration > 1s } > { span:childCount > 5 }"),
        [(1, met(&[1])), (2, met(&[1])), (3, met(&[0, 1])), (4, met(&[0, 1]))]
    );
}
