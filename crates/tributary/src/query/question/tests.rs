use super::*;
use clap::Parser;
use std::time::Duration;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

const NOW: Duration = Duration::from_secs(10_000);

fn question(line: &[&str]) -> Result<Question, String> {
    let line = std::iter::once(&"query").chain(line);
    Question::new(&Line::try_parse_from(line).unwrap().options, NOW)
}

#[test]
fn flags_become_routes_and_parameters() {
    let table: [(&[&str], Kind, &str); 9] = [
        (
            &["{ status = error }", "--limit", "5", "--spss", "9"],
            Kind::Search,
            "/api/search q={ status = error } start=6400 end=10000 limit=5 spss=9",
        ),
        (
            &["{ } | rate()", "--since", "100s"],
            Kind::Range,
            "/api/metrics/query_range q={ } | rate() start=9900 end=10000",
        ),
        (
            &["--metrics", "{ } | rate()", "--step", "1m30s", "--start", "1", "--end", "9"],
            Kind::Range,
            "/api/metrics/query_range q={ } | rate() start=1 end=9 step=90000ms",
        ),
        (
            &["{ } | rate()", "--instant"],
            Kind::Instant,
            "/api/metrics/query q={ } | rate() start=6400 end=10000",
        ),
        (&["{ }", "--follow"], Kind::Search, "/api/search q={ } start=9940 end=10000"),
        (&["--tags"], Kind::Tags, "/api/v2/search/tags start=6400 end=10000"),
        (
            &["{ name = `a` }", "--tags", "span"],
            Kind::Tags,
            "/api/v2/search/tags q={ name = `a` } start=6400 end=10000 scope=span",
        ),
        (
            &["--values", "span.\"a/b\"", "--limit", "3"],
            Kind::Values,
            "/api/v2/search/tag/span.%22a%2Fb%22/values start=6400 end=10000 limit=3",
        ),
        (
            &["--trace", "2a"],
            Kind::Trace(TraceId::from_hex("2a").unwrap()),
            "/api/v2/traces/0000000000000000000000000000002a",
        ),
    ];
    for (line, kind, expected) in table {
        let question = question(line).unwrap();
        let parameters = question.parameters.iter().map(|(name, value)| format!(" {name}={value}"));
        let told = question.path.clone() + &parameters.collect::<String>();
        assert_eq!((question.kind, told.as_str()), (kind, expected), "{line:?}");
    }
}

#[test]
fn what_makes_no_sense_is_told_before_it_is_asked() {
    let table: [(&[&str], &str); 9] = [
        (&[], "what is asked?"),
        (&["{ statsu = error }"], "  { statsu = error }\n    ^"),
        (&["--values", "resource"], "  resource\n  "),
        (&["--metrics", "{ }"], "--metrics is for numbers"),
        (&["{ }", "--step", "1m"], "--step is for numbers"),
        (&["{ } | rate()", "--follow"], "--follow is for traces"),
        (&["{ } | rate()", "--limit", "1"], "--limit is for traces"),
        (&["{ } | rate()", "--tags"], "take one filter"),
        (&["{ }", "--start", "20000"], "the time begins at 20000"),
    ];
    for (line, expected) in table {
        let why = question(line).unwrap_err();
        assert!(why.contains(expected), "{line:?}: {why}");
    }
}
