use super::*;
use serde_json::json;

fn context(value: Value) -> Context {
    serde_json::from_value(value).unwrap()
}

fn mistakes(value: Value) -> Vec<String> {
    match context(value).check() {
        Ok(()) => vec![],
        Err(InjectError::Context(mistakes)) => mistakes,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn the_defaults_are_well() {
    assert_eq!(Context::default().check(), Ok(()));
    assert_eq!(context(json!({})), Context::default());
}

#[test]
fn a_file_says_what_differs() {
    let text = "image: x@sha256:1\nsettings:\n  buffer: 16777216 # bytes\n  batch_age: 1s\nprofiles:\n  a: {}\n";
    let context = Context::read(text).unwrap();
    assert_eq!(context.image, "x@sha256:1");
    let names: Vec<&str> = context.settings.keys().map(String::as_str).collect();
    assert_eq!(names, ["batch-age", "buffer", "upstream"]);
    assert_eq!(Context::read("# nothing\n"), Ok(Context::default()));
    for wrong in ["a", "imgae: x", "image: [", "settings: {buffer: [1]}"] {
        Context::read(wrong).unwrap_err();
    }
}

#[test]
fn names_that_are_not_known_are_mistakes() {
    for wrong in
        [json!({"imgae": "x"}), json!({"resources": {"cpu": "1"}}), json!({"identity": "x"})]
    {
        serde_json::from_value::<Context>(wrong).unwrap_err();
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let told = mistakes(json!({
        "image": " ",
        "settings": {"upstream": "a", "bufer": "1MiB", "batch_age": "soon"},
        "resources": {"memory_request": "64Mi"},
        "most": {"cpu": "all"},
        "allow": ["bufer"],
        "identity": "token",
        "profiles": {"large": {"settings": {"batch-age": "1s", "bufer": "", "buffer": "1"}}},
    }));
    let expected = [
        "image: needs a value",
        "allow: `bufer` is none of",
        "most.cpu: `all` is no quantity",
        "TRIBUTARY_BUFER: unknown; did you mean `TRIBUTARY_BUFFER`?",
        "TRIBUTARY_BATCH_AGE: `soon` is no time",
        "identity: a token is sent over TLS only",
        "resources: the memory request 64Mi is above the limit 32Mi",
        "profiles.large: TRIBUTARY_BUFER",
        "profiles.large: TRIBUTARY_BUFFER: ",
        "profiles.large: identity",
        "profiles.large: resources",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told} {expected}");
    }
}

#[test]
fn what_only_the_pod_can_tell_is_not_looked_for_here() {
    let settings = json!({
        "upstream": "https://a", "upstream-tls-ca": "/no/such/file", "upstream-tls-name": "a",
        "upstream-token-file": "/no/such/file", "upstream-tls-cert": "/x", "upstream-tls-key": "/y",
    });
    assert_eq!(mistakes(json!({"settings": settings, "identity": "token"})), [""; 0]);
    let by_ca = json!({"upstream": "a", "upstream-tls-ca": "/x", "upstream-tls-name": "a"});
    assert_eq!(mistakes(json!({"settings": by_ca, "identity": "token"})), [""; 0]);
    let mixed = json!({"settings": {"upstream": "https://a,b"}});
    assert_eq!(mistakes(mixed).len(), 1);
}

#[test]
fn profiles_are_chosen_by_name_or_by_namespace() {
    let context = context(json!({"profiles": {
        "any": {}, "pay": {"namespaces": ["pay-*", "bank"]}, "shop": {"namespaces": ["shop"]},
    }}));
    let found = |named, namespace| {
        let found = context.profile(named, namespace).map_err(|_| ());
        found.map(|profile| {
            context
                .profiles
                .iter()
                .find(|(_, p)| Some(*p) == profile)
                .map(|(name, _)| name.as_str())
        })
    };
    let table = [
        (None, None, Ok(None)),
        (None, Some("pay-eu"), Ok(Some("pay"))),
        (None, Some("bank"), Ok(Some("pay"))),
        (None, Some("banks"), Ok(None)),
        (Some("any"), Some("bank"), Ok(Some("any"))),
        (Some("pay"), Some("shop"), Err(())),
        (Some("pay"), None, Err(())),
        (Some("none"), Some("shop"), Err(())),
    ];
    for (named, namespace, expected) in table {
        assert_eq!(found(named, namespace), expected, "{named:?} {namespace:?}");
    }
}
