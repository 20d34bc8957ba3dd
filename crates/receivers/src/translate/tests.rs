use super::*;

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
