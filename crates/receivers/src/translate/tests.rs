use super::*;

#[test]
fn broken_texts_are_mended() {
    let table: [(&[u8], &str); 4] = [
        ("größe".as_bytes(), "größe"),
        (b"a\xffb", "a?b"),
        (b"\xed\xa0\xbd", "\u{fffd}"),
        (b"", ""),
    ];
    for (bytes, expected) in table {
        let mut out = Vec::new();
        text(&mut out, 1, bytes);
        assert_eq!(&out[2..], expected.as_bytes());
    }
}

#[test]
fn names_of_enums() {
    for (name, number) in [("client", Some(3)), ("SERVER", Some(2)), ("", None), ("x", None)] {
        assert_eq!(kind::named(name.as_bytes()), number, "{name}");
    }
    for (name, number) in
        [("OK", Some(1)), ("STATUS_CODE_ERROR", Some(2)), ("Unset", Some(0)), ("1", None)]
    {
        assert_eq!(status::named(name.as_bytes()), number, "{name}");
    }
}
