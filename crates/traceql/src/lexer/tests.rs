use super::*;

fn kinds(text: &str) -> Vec<TokenKind<'_>> {
    let mut kinds: Vec<_> = tokens(text).unwrap().into_iter().map(|token| token.kind).collect();
    assert_eq!(kinds.pop(), Some(TokenKind::End));
    kinds
}

fn lone(text: &str) -> TokenKind<'_> {
    let mut kinds = kinds(text);
    assert_eq!(kinds.len(), 1, "{text}: {kinds:?}");
    kinds.remove(0)
}

fn message(text: &str) -> String {
    tokens(text).unwrap_err().to_string()
}

#[test]
fn texts_lose_quotes_and_escapes() {
    let table = [
        (r#""""#, ""),
        (r#""plain""#, "plain"),
        (r#""a\"b\\c""#, "a\"b\\c"),
        (r#""\a\b\f\n\r\t\v""#, "\x07\x08\x0c\n\r\t\x0b"),
        (r#""\x41\102\u00e9\U0001F680""#, "ABé🚀"),
        (r#""\xc3\xa9""#, "é"),
        ("`raw \\n \"quotes\"`", "raw \\n \"quotes\""),
        ("`two\r\nlines`", "two\nlines"),
        ("\"tab\there\"", "tab\there"),
        ("\"日本\"", "日本"),
    ];
    for (text, expected) in table {
        assert_eq!(lone(text), TokenKind::Str(expected.into()), "{text}");
    }
    for (text, part) in [
        ("\"open", "not closed"),
        ("`open", "not closed"),
        ("\"a\nb\"", "not closed on its line"),
        ("\"open\\\"", "not closed"),
        ("\"open\\", "not closed"),
        (r#""\q""#, "invalid escape \\q"),
        (r#""\'""#, "invalid escape \\\\'"),
        (r#""\x4""#, "invalid escape \\x"),
        (r#""\400""#, "invalid escape \\4"),
        (r#""\ud800""#, "invalid escape \\u"),
        (r#""\xff""#, "no valid UTF-8"),
        ("'a'", "double quotes"),
    ] {
        assert!(message(text).contains(part), "{text}: {}", message(text));
    }
}

#[test]
fn numbers_are_gos() {
    for (text, expected) in [
        ("0", 0),
        ("007", 7),
        ("1_000", 1_000),
        ("0x1F", 31),
        ("0b101", 5),
        ("0o17", 15),
        ("9223372036854775807", i64::MAX.unsigned_abs()),
        ("9223372036854775808", 1 << 63),
    ] {
        assert_eq!(lone(text), TokenKind::Int(expected), "{text}");
    }
    for (text, expected) in
        [("1.5", 1.5), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("25E-1", 2.5), ("1_0.5", 10.5)]
    {
        assert_eq!(lone(text), TokenKind::Float(expected), "{text}");
    }
    for text in ["5xx", "1e", "0x", "0xg", "1.5abc", "9223372036854775809", "1e999", "0b12"] {
        assert!(tokens(text).is_err(), "{text}");
    }
}

#[test]
fn durations_are_of_prometheus_or_go() {
    const SECOND: u64 = 1_000_000_000;
    for (text, expected) in [
        ("0s", 0),
        ("5ns", 5),
        ("3us", 3_000),
        ("3µs", 3_000),
        ("3μs", 3_000),
        ("20ms", 20_000_000),
        ("1.5s", 1_500_000_000),
        (".5s", 500_000_000),
        ("1.000001ms", 1_000_001),
        ("0.3s", 300_000_000),
        ("89.9s", 89_900_000_000),
        ("1ms1ns", 1_000_001),
        ("1m30s", 90 * SECOND),
        ("1h0m0s", 3_600 * SECOND),
        ("1d2h", 26 * 3_600 * SECOND),
        ("100d", 8_640_000 * SECOND),
        ("1w", 604_800 * SECOND),
        ("1y", 31_536_000 * SECOND),
        // Go allows any order, and one unit twice.
        ("30s1m", 90 * SECOND),
        ("1s1s", 2 * SECOND),
        ("1.9ns", 1),
    ] {
        assert_eq!(lone(text), TokenKind::Duration(expected), "{text}");
    }
    for text in ["1h2d", "1.5d", "1d1ns", "1s5", "5sx", "5s_", "300y", "9999999999999h", "1d1d"] {
        assert!(tokens(text).is_err(), "{text}");
    }
}

#[test]
fn keys_go_on_to_the_next_blank_or_operator() {
    use Scope::{Event, Instrumentation, Link, Resource, Span};
    for (text, scope, key) in [
        (".a", None, "a"),
        ("span.a", Some(Span), "a"),
        ("resource.service.name", Some(Resource), "service.name"),
        ("event.a", Some(Event), "a"),
        ("link.a", Some(Link), "a"),
        ("instrumentation.a", Some(Instrumentation), "a"),
        ("span.resource.id", Some(Span), "resource.id"),
        ("span.status", Some(Span), "status"),
        ("span.parent.id", Some(Span), "parent.id"),
        (".name", None, "name"),
        (".a-1", None, "a-1"),
        (".a/b*c+d:e%f", None, "a/b*c+d:e%f"),
        ("span..lead", Some(Span), ".lead"),
        ("span.trail.", Some(Span), "trail."),
        ("span.123", Some(Span), "123"),
        ("span.`tick`", Some(Span), "`tick`"),
        ("span.apo'strophe", Some(Span), "apo'strophe"),
        ("span.ünï🚀", Some(Span), "ünï🚀"),
        ("span.\"my key\"", Some(Span), "my key"),
        ("span.\"a\".b.\"c d\"", Some(Span), "a.b.c d"),
        (".\"q\\\"\\\\\"", None, "q\"\\"),
        ("span.\"{}()=~!<>&|^,\"", Some(Span), "{}()=~!<>&|^,"),
    ] {
        let prefix = scope.map_or(Prefix::None, Prefix::Scope);
        assert_eq!(lone(text), TokenKind::Attribute(prefix, key.into()), "{text}");
    }
    assert_eq!(lone("parent.a"), TokenKind::Attribute(Prefix::Parent, "a".into()));
    for end in ["{", "}", "(", ")", "=", "~", "!", "<", ">", "^", ",", "&&", "||", " ", "\t"] {
        let text = format!(".a{end}");
        let first = kinds(&text).remove(0);
        assert_eq!(first, TokenKind::Attribute(Prefix::None, "a".into()), "{end}");
    }
    for text in
        ["span.", "span. a", ".", ". a", "span.\"\"", "span.\"open", "span.\"\\n\"", "span.="]
    {
        assert!(tokens(text).is_err(), "{text}");
    }
}

#[test]
fn words_and_scoped_names() {
    assert_eq!(lone("duration"), TokenKind::Word("duration"));
    assert_eq!(lone("trace:id"), TokenKind::Scoped("trace", "id"));
    assert_eq!(lone("event:nosuch"), TokenKind::Scoped("event", "nosuch"));
    assert_eq!(lone("span:"), TokenKind::Scoped("span", ""));
    let expected = [TokenKind::Word("trace"), TokenKind::Attribute(Prefix::None, "id".into())];
    assert_eq!(kinds("trace.id"), expected);
    assert!(tokens("resource:x").is_err());
}

#[test]
fn the_longest_operator_counts() {
    use Symbol as S;
    for (text, expected) in [
        ("!>>", vec![S::NotDescendant]),
        ("! >>", vec![S::Not, S::Descendant]),
        ("&&>", vec![S::And, S::Greater]),
        ("&>>", vec![S::UnionDescendant]),
        ("|||", vec![S::Or, S::Pipe]),
        ("<=<<", vec![S::LessEqual, S::Ancestor]),
        ("!~!=", vec![S::NotMatch, S::NotEqual]),
        ("==", vec![S::Equal, S::Equal]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(TokenKind::Symbol).collect();
        assert_eq!(kinds(text), expected, "{text}");
    }
    for text in ["&", "#", "@", ";", "[", "\u{0}", "\\"] {
        assert!(tokens(text).is_err(), "{text}");
    }
}

#[test]
fn comments_are_blanks() {
    assert_eq!(kinds("// one\n/* two\nlines */name// three"), [TokenKind::Word("name")]);
    assert!(message("/* open").contains("not closed"));
    // Within a key they are part of it.
    assert_eq!(lone(".a//b"), TokenKind::Attribute(Prefix::None, "a//b".into()));
}

#[test]
fn places_are_lines_and_characters() {
    let found = tokens("{ é\n  .ü = \"日本\" }").unwrap();
    let places: Vec<_> = found.iter().map(|t| (t.at.line, t.at.column)).collect();
    assert_eq!(places, [(1, 1), (1, 3), (2, 3), (2, 6), (2, 8), (2, 13), (2, 14)]);
}

#[test]
fn a_mistake_is_one_broken_token() {
    let kinds = |text: &'static str| -> Vec<_> {
        tokens_leniently(text).into_iter().map(|token| token.kind).collect()
    };
    let (a, broken) = (TokenKind::Attribute(Prefix::None, "a".into()), TokenKind::Broken);
    assert_eq!(kinds(".a \"open && .a"), [a.clone(), broken.clone()]);
    assert_eq!(kinds("5xx .a"), [broken.clone(), a.clone()]);
    assert_eq!(kinds("# .a"), [broken.clone(), a]);
    assert_eq!(kinds("/* open"), [broken]);
}
