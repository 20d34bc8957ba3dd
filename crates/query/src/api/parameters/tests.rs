use super::*;

#[test]
fn the_first_of_a_name_counts_without_its_escapes() {
    let table = [
        ("q=a&q=b", Some("a")),
        ("x=1&q=%7B+%7D", Some("{ }")),
        ("q=a%2Bb=c", Some("a+b=c")),
        ("%71=a", Some("a")),
        ("q=%C3%BC", Some("ü")),
        ("q=", None),
        ("q", None),
        ("", None),
        ("%zz=1&bad=%&q=a", Some("a")),
    ];
    for (query, expected) in table {
        let text = Parameters::new(query).text("q");
        assert_eq!(text.as_ref().map(|t| t.as_deref()), Ok(expected), "{query}");
    }
}

#[test]
fn bad_escapes_are_refused_where_they_are_asked_for() {
    for query in ["q=%", "q=%4", "q=%zz", "q=%ff"] {
        assert!(Parameters::new(query).text("q").unwrap_err().contains("escapes"), "{query}");
    }
}

#[test]
fn numbers_and_flags() {
    let parameters = Parameters::new("a=12&b=-1&c=x&d=true&e=0&f=");
    assert_eq!(parameters.number::<u32>("a"), Ok(Some(12)));
    assert_eq!(parameters.number::<u32>("f"), Ok(None));
    assert!(parameters.number::<u32>("b").unwrap_err().contains("invalid b"));
    assert!(parameters.number::<u32>("c").is_err());
    assert_eq!((parameters.flag("d"), parameters.flag("e")), (Ok(true), Ok(false)));
    assert_eq!(parameters.flag("none"), Ok(false));
    assert!(parameters.flag("a").is_err());
}

#[test]
fn all_that_have_a_value() {
    let all: Vec<_> = Parameters::new("a=1&b&c=&%64=x+y&e=%&=5").all().collect();
    let expected = [("a", "1"), ("d", "x y")].map(|(k, v)| (k.into(), v.into()));
    assert_eq!(all, expected);
}
