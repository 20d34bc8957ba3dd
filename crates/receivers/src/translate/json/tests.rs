use super::*;
use proptest::prelude::*;

/// A value as serde_json reads it, by this reader.
fn read(json: &mut Json<'_>) -> Result<serde_json::Value, Bad> {
    let mut text = Vec::new();
    match json.peek() {
        Some(b'[') => {
            let mut all = Vec::new();
            json.array(|json| {
                all.push(read(json)?);
                Ok::<_, Bad>(())
            })?;
            Ok(all.into())
        }
        Some(b'{') => {
            let mut all = serde_json::Map::new();
            json.object(&mut text, |json, key| {
                all.insert(String::from_utf8_lossy(key).into_owned(), read(json)?);
                Ok::<_, Bad>(())
            })?;
            Ok(all.into())
        }
        _ => Ok(match json.given(&mut text)? {
            Given::Null => serde_json::Value::Null,
            Given::Bool(value) => value.into(),
            Given::Number(number) => match (number.parse::<i64>(), double(number)) {
                (Ok(int), _) => int.into(),
                (_, double) => double.into(),
            },
            // Where a text is written, it is mended when it is not UTF-8.
            Given::Text(text) => String::from_utf8_lossy(text).into(),
            Given::Nested(_) => panic!("peeked"),
        }),
    }
}

fn values() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".*".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            proptest::collection::hash_map(".*", inner, 0..8)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_writes_is_read_as_it_was(value in values(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) };
        let text = text.unwrap();
        let mut json = Json::new(&text);
        prop_assert_eq!(read(&mut json).unwrap(), value);
        prop_assert!(json.is_done());
        let mut json = Json::new(&text);
        json.skip().unwrap();
        prop_assert!(json.is_done());
    }

    #[test]
    fn no_text_panics(text in proptest::collection::vec(
        prop_oneof![any::<u8>(), Just(b'"'), Just(b'\\'), Just(b'u'), Just(b'['), Just(b'{'), Just(b'1')], 0..60,
    )) {
        read(&mut Json::new(&text)).ok();
        Json::new(&text).skip().ok();
    }
}

#[test]
fn a_comma_behind_the_last_item_is_nothing() {
    for (text, expected) in [("[1,]", "[1]"), ("[ ]", "[]"), (r#"{"a":[{},] , }"#, r#"{"a":[{}]}"#)]
    {
        let mut json = Json::new(text.as_bytes());
        assert_eq!(read(&mut json).map(|value| value.to_string()).ok().as_deref(), Some(expected));
        let mut skipped = Json::new(text.as_bytes());
        assert!(skipped.skip().is_ok(), "{text}");
    }
    for text in ["[,]", "[1,,]", "[1 1]", "{,}", r#"{"a":1,,}"#, r#"{"a":1 "b":1}"#] {
        assert!(read(&mut Json::new(text.as_bytes())).is_err(), "{text}");
    }
}

#[test]
fn escapes() {
    let table: [(&str, Option<&[u8]>); 10] = [
        (r#""a\"\\\/\b\f\n\r\tb""#, Some(b"a\"\\/\x08\x0c\n\r\tb")),
        (r#""\u00fc\ud83d\ude00""#, Some("ü😀".as_bytes())),
        // Half of a pair is what UTF-8 would have for it, and no text.
        (r#""\ud83dx\ude00""#, Some(b"\xed\xa0\xbdx\xed\xb8\x80")),
        (r#""\ud83d\u0041""#, Some(b"\xed\xa0\xbdA")),
        // What is no escape is kept, and no text either.
        (r#""a\x41""#, Some(b"a\xffx41")),
        (r#""\u12""#, Some(b"\xffu12")),
        ("\"\\é\"", Some(b"\xff\xc3\xa9")),
        ("\"a\nb\0\"", Some(b"a\nb\0")),
        ("\"a", None),
        ("\"a\\", None),
    ];
    for (text, expected) in table {
        let mut into = Vec::new();
        let read = Json::new(text.as_bytes()).text(&mut into).ok();
        assert_eq!(read, expected, "{text}");
    }
}

#[test]
fn values_as_the_nearest_type() {
    let table: [(&str, Value<'_>); 14] = [
        ("null", Value::Empty),
        ("true", Value::Bool(true)),
        ("-7", Value::Int(-7)),
        ("1.5", Value::Double(1.5)),
        ("18446744073709551616", Value::Double(18_446_744_073_709_551_616.0)),
        ("Infinity", Value::Double(f64::INFINITY)),
        ("1e400", Value::Str(b"1e400")),
        ("undefined", Value::Str(b"undefined")),
        ("None", Value::Str(b"None")),
        ("0x1F", Value::Str(b"0x1F")),
        ("1_000", Value::Str(b"1_000")),
        (r#""a\n""#, Value::Str(b"a\n")),
        ("[1, {}] ", Value::Str(b"[1, {}]")),
        (r#"{"a":null}"#, Value::Str(br#"{"a":null}"#)),
    ];
    for (text, expected) in table {
        let mut buffer = Vec::new();
        let given = Json::new(text.as_bytes()).given(&mut buffer).unwrap();
        assert_eq!(given.nearest(), expected, "{text}");
    }
    for text in ["", "'x'", "nullx", "x y", "]"] {
        let mut json = Json::new(text.as_bytes());
        let read = json.given(&mut Vec::new()).is_ok() && json.is_done();
        assert!(!read, "{text}");
    }
}

#[test]
fn deep_nesting_costs_no_stack() {
    let text = [vec![b'['; 1_000_000], vec![b']'; 1_000_000]].concat();
    let mut json = Json::new(&text);
    json.skip().unwrap();
    assert!(json.is_done());
}
