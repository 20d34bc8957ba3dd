use super::*;
use crate::patch;
use serde_json::json;

fn done(text: &str, operation: Operation) -> Result<String, String> {
    let read = documents(text).unwrap();
    apply(text, read[0].root.as_ref().unwrap(), &[operation])
}

fn add_list(text: &str) -> Result<String, String> {
    done(text, patch::add(["s", "initContainers"], json!([{"name": "c"}])))
}

#[test]
fn a_list_comes_where_it_is_looked_for() {
    let table = [
        (
            "s:\n  # them\n  containers:\n    - a # b\nt: 1\n",
            "s:\n  initContainers:\n    - name: c\n  # them\n  containers:\n    - a # b\nt: 1\n",
        ),
        (
            "s:\n  containers:\n  - a\n  x: |\n    t\n\n\n# end\n",
            "s:\n  initContainers:\n  - name: c\n  containers:\n  - a\n  x: |\n    t\n\n\n# end\n",
        ),
        (
            "s:\n  x: |\n    t\n\n# end\n",
            "s:\n  x: |\n    t\n  initContainers:\n    - name: c\n\n# end\n",
        ),
        ("s:\n  x: 1", "s:\n  x: 1\n  initContainers:\n    - name: c\n"),
        ("s:\n  initContainers: [] # [none]\n", "s:\n  initContainers: # [none]\n    - name: c\n"),
        ("s:\n  initContainers:\n  x: 1\n", "s:\n  initContainers:\n    - name: c\n  x: 1\n"),
        (
            "s:\n  initContainers:  # no\n  x: 1\n",
            "s:\n  initContainers: # no\n    - name: c\n  x: 1\n",
        ),
        ("s:\n  initContainers: ~\n", "s:\n  initContainers:\n    - name: c\n"),
        ("s: {x: 1}\n", "s: {\"initContainers\": [{\"name\":\"c\"}], x: 1}\n"),
        ("s: { }\n", "s: { \"initContainers\": [{\"name\":\"c\"}]}\n"),
        (
            "{\"s\": {\n  \"initContainers\": []\n}}",
            "{\"s\": {\n  \"initContainers\": [{\"name\":\"c\"}]\n}}",
        ),
        ("s:\r\n  x: é\r\n", "s:\r\n  x: é\r\n  initContainers:\r\n    - name: c\r\n"),
        ("- s: 1\n", ""),
        ("s: *x\n", ""),
    ];
    for (text, expected) in table {
        if documents(text).is_err() || expected.is_empty() {
            assert!(documents(text).is_err() || add_list(text).is_err(), "{text}");
            continue;
        }
        assert_eq!(add_list(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn an_item_comes_before_the_comment_of_the_next() {
    let text = "l:\n  # one\n  - name: a\n    v: 1 # x\n\n  # two\n  - name: b\n";
    let item = || json!({"name": "c", "k": ["v"]});
    let new = "  - name: c\n    k:\n      - v\n";
    let at = |i: &str| done(text, patch::add(["l", i], item())).unwrap();
    assert_eq!(at("0"), text.replacen("  # one", &format!("{new}  # one"), 1));
    assert_eq!(at("1"), text.replacen("  # two", &format!("{new}  # two"), 1));
    assert_eq!(at("2"), format!("{text}{new}"));
    let flow = |text: &str, i: &str| done(text, patch::add(["l", i], json!(0)));
    assert_eq!(flow("l: [1, 2]", "1").unwrap(), "l: [1, 0, 2]");
    assert_eq!(flow("l: [1, 2]", "2").unwrap(), "l: [1, 2, 0]");
    assert_eq!(flow("l: []", "0").unwrap(), "l: [0]");
    assert_eq!(flow("l:\n- 1\n", "0").unwrap(), "l:\n- 0\n- 1\n");
    flow("l:\n- 1\n", "5").unwrap_err();
}

#[test]
fn what_was_added_can_be_removed() {
    let text =
        "a:\n  l:\n    - name: x\n      v: 1\n    # y\n    - name: y\n  m: {p: 1, q: 2}\nb: 1\n";
    let gone = |path: &[&str]| done(text, patch::remove(path.iter().copied()));
    assert_eq!(
        gone(&["a", "l", "0"]).unwrap(),
        text.replacen("    - name: x\n      v: 1\n", "", 1)
    );
    assert_eq!(gone(&["a", "l", "1"]).unwrap(), text.replacen("    - name: y\n", "", 1));
    assert_eq!(gone(&["a", "m", "p"]).unwrap(), text.replacen("p: 1, ", "", 1));
    assert_eq!(gone(&["a", "m", "q"]).unwrap(), text.replacen(", q: 2", "", 1));
    assert_eq!(gone(&["a", "m"]).unwrap(), text.replacen("  m: {p: 1, q: 2}\n", "", 1));
    assert_eq!(gone(&["a"]).unwrap(), "b: 1\n");
    gone(&["c"]).unwrap_err();
}

#[test]
fn what_is_meant_twice_is_not_changed_in_place() {
    let anchored = "a: &x\n  l:\n    - 1\nb: *x\n";
    done(anchored, patch::add(["a", "l", "0"], json!(0))).unwrap_err();
    done(anchored, patch::add(["b", "l", "0"], json!(0))).unwrap_err();
    let merged = "a: &x {k: v}\nb:\n  <<: *x\n";
    assert_eq!(
        done(merged, patch::add(["b", "l"], json!("w"))).unwrap(),
        "a: &x {k: v}\nb:\n  <<: *x\n  l: w\n"
    );
    done(merged, patch::remove(["b", "k"])).unwrap_err();
}

#[test]
fn texts_are_replaced() {
    let replaced = |text: &str| done(text, patch::replace(["a", "k"], json!("1,2")));
    assert_eq!(replaced("a:\n  k: \"1\" # c\n").unwrap(), "a:\n  k: \"1,2\" # c\n");
    assert_eq!(replaced("a: {k: 1}\n").unwrap(), "a: {k: \"1,2\"}\n");
    replaced("a:\n  k: [1]\n").unwrap_err();
    replaced("a:\n  l: 1\n").unwrap_err();
}
