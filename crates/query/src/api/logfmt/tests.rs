use super::*;
use proptest::prelude::*;

#[test]
fn pairs_are_read() {
    let table: [(&str, &[(&str, &str)]); 10] = [
        ("", &[]),
        ("  \n", &[]),
        ("service.name=fraud", &[("service.name", "fraud")]),
        ("a=1  b=2\nc=3", &[("a", "1"), ("b", "2"), ("c", "3")]),
        (r#"name="POST /orders" b=2"#, &[("name", "POST /orders"), ("b", "2")]),
        (r#"a="say \"ü\"\n\\""#, &[("a", "say \"ü\"\n\\")]),
        (r"my\ key=val", &[(r"my\", ""), ("key", "val")]),
        ("flag", &[("flag", "")]),
        ("a= b=2", &[("a", ""), ("b", "2")]),
        (r#"a="" b=ü"#, &[("a", ""), ("b", "ü")]),
    ];
    for (text, expected) in table {
        let expected: Vec<_> =
            expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(parse(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_logfmt_is_refused() {
    let table = [
        (r#"a="b"#, "unterminated"),
        (r#"a="b\""#, "unterminated"),
        (r#"a="\q""#, "escapes"),
        ("=b", "equals sign"),
        (r#""a"=b"#, "quote"),
        (r#"a"=b"#, "quote"),
        ("a=b=c", "behind"),
        (r#"a="b"c"#, "behind"),
        (r#"a=b"c""#, "behind"),
        ("a=1 a=2", "twice"),
    ];
    for (text, expected) in table {
        let why = parse(text).unwrap_err();
        assert!(why.contains(expected), "{text}: {why}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in r#"[a="\\ ü]{0,20}"#) {
        parse(&text).ok();
    }
}
