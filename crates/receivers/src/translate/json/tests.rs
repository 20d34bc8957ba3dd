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
        _ => Ok(match json.scalar(&mut text)? {
            Scalar::Null => serde_json::Value::Null,
            Scalar::Bool(value) => value.into(),
            Scalar::Int(value) => value.into(),
            Scalar::Double(value) => value.into(),
            // Where a text is written, it is mended when it is not UTF-8.
            Scalar::Text => String::from_utf8_lossy(&text).into(),
            Scalar::Nested => panic!("peeked"),
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
fn escapes() {
    let table: [(&str, Option<&str>); 8] = [
        (r#""a\"\\\/\b\f\n\r\tb""#, Some("a\"\\/\u{8}\u{c}\n\r\tb")),
        (r#""\u00fc\ud83d\ude00""#, Some("ü😀")),
        (r#""\ud83dx\ude00""#, Some("\u{fffd}x\u{fffd}")),
        (r#""\ud83d\u0041""#, Some("\u{fffd}A")),
        (r#""\x""#, None),
        (r#""\u12""#, None),
        ("\"a\nb\"", None),
        ("\"a", None),
    ];
    for (text, expected) in table {
        let mut into = Vec::new();
        let read = Json::new(text.as_bytes()).string(&mut into);
        assert_eq!(read.ok().map(|()| into), expected.map(|e| e.as_bytes().to_vec()), "{text}");
    }
}

#[test]
fn deep_nesting_costs_no_stack() {
    let text = [vec![b'['; 1_000_000], vec![b']'; 1_000_000]].concat();
    let mut json = Json::new(&text);
    json.skip().unwrap();
    assert!(json.is_done());
}
