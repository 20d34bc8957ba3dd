use super::*;
use clap::Parser;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

fn read(line: &[&str]) -> Result<Options, String> {
    let line = std::iter::once(&"query").chain(line);
    Line::try_parse_from(line).map(|line| line.options).map_err(|error| error.to_string())
}

#[test]
fn what_can_be_asked_for_together() {
    let fine: [&[&str]; 9] = [
        &["{ status = error }", "--since", "1h30m", "--limit", "5", "--spss", "9", "--json"],
        &["--metrics", "{ } | rate()", "--since", "1h", "--step", "1m"],
        &["{ } | rate()", "--instant", "--start", "2026-11-29T12:00:00Z", "--end", "1796040000"],
        &["--tags"],
        &["--tags", "resource"],
        &["{ name = `a` }", "--tags"],
        &["--values", "name", "{ status = error }"],
        &["--trace", "abc", "--json", "--url", "h:1", "--tenant", "t", "--token", "x"],
        &["{ }", "--follow", "--start", "1"],
    ];
    for line in fine {
        assert!(read(line).is_ok(), "{line:?}: {:?}", read(line));
    }
    let wrong: [(&[&str], &str); 11] = [
        (&["{ }", "--since", "1h", "--start", "5"], "cannot be used with"),
        (&["--trace", "xyz"], "`xyz` is no trace id"),
        (&["--trace", "1", "{ }"], "cannot be used with"),
        (&["--trace", "1", "--since", "1h"], "cannot be used with"),
        (&["--tags", "{ }"], "a query stands before --tags"),
        (&["--tags", "spam"], "did you mean `span`?"),
        (&["--tags", "--values", "name"], "cannot be used with"),
        (&["{ }", "--follow", "--end", "5"], "cannot be used with"),
        (&["{ }", "--since", "0s"], "no time at all"),
        (&["{ }", "--since", "10"], "needs a unit of time"),
        (&["{ }", "--limit", "0"], "0 is not in"),
    ];
    for (line, expected) in wrong {
        let why = read(line).unwrap_err();
        assert!(why.contains(expected), "{line:?}: {why}");
    }
}

#[test]
fn tls_goes_by_the_url() {
    let tls = |line: &[&str]| {
        let options = read(&[&["--tags"], line].concat()).unwrap();
        options.caller.tls(options.url.is_secure())
    };
    assert!(tls(&["--tls-ca", "/no/such/file"]).unwrap().is_none(), "it is not needed");
    let why = tls(&["--url", "https://a", "--tls-ca", "/no/such/file"]).unwrap_err();
    assert!(why.contains("cannot read /no/such/file"), "{why}");
}

#[test]
fn a_token_of_a_file_is_for_tls_alone() {
    let file = |line: &[&str]| {
        let options = read(&[&["--tags"], line].concat()).unwrap();
        options.caller.token_file(&options.url)
    };
    let why = file(&["--token-file", "/t"]).unwrap_err();
    assert!(why.contains("inside TLS alone, and http://127.0.0.1:3200 has none"), "{why}");
    let secure = ["--url", "https://a", "--token-file"];
    assert_eq!(file(&[&secure[..], &["/t"]].concat()), Ok(Some("/t".into())));
    assert_eq!(file(&[&secure[..], &[""]].concat()), Ok(None));
    assert_eq!(file(&["--token-file", ""]), Ok(None));
}

#[test]
fn secrets_are_trimmed_and_not_shown() {
    let options = read(&["--tags", "--tenant", " a \n", "--token", "s3cret\n"]).unwrap();
    assert_eq!(options.caller.tenant().unwrap(), "a");
    assert_eq!(options.caller.token().unwrap(), "Bearer s3cret");
    assert!(!format!("{options:?}").contains("s3cret"));
    let options = read(&["--tags", "--tenant", "", "--token", " "]).unwrap();
    assert_eq!((options.caller.tenant(), options.caller.token()), (None, None));
}
