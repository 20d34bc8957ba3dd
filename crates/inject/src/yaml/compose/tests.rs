use super::*;
use serde_json::json;

fn values(text: &str) -> Vec<Value> {
    let read = documents(text).unwrap();
    read.iter().map(|document| document.root.as_ref().map_or(Value::Null, Node::value)).collect()
}

#[test]
fn documents_follow_each_other_without_a_gap() {
    let text = "# first\na: 1\n---\n# é\nb: [x, 'y']\n...\n---\n---\nc: |\n  t\n";
    let read = documents(text).unwrap();
    let parts: Vec<&str> =
        read.iter().map(|document| text.get(document.at.clone()).unwrap()).collect();
    assert_eq!(parts.concat(), text);
    assert_eq!(
        values(text),
        [json!({"a": 1}), json!({"b": ["x", "y"]}), json!(null), json!({"c": "t\n"})]
    );
    assert_eq!(values(""), [json!(null); 0]);
}

#[test]
fn nodes_know_where_they_stand() {
    let text = "ä: &x\n  # é\n  - n: é \"q\"  # tail\n    v: |\n      b\n\n  - {d: e, \"f\": [1]}\nz: *x\n";
    let read = documents(text).unwrap();
    let Kind::Map { entries, .. } = &read[0].root.as_ref().unwrap().kind else { panic!() };
    let Kind::List { items, flow: false } = &entries[0].1.kind else { panic!() };
    let at = |node: &Node| text.get(node.at.clone()).unwrap();
    let Kind::Map { entries: first, flow: false } = &items[0].kind else { panic!() };
    assert_eq!((at(&first[0].0), at(&first[0].1)), ("n", "é \"q\""));
    assert_eq!(at(&first[1].1), "b");
    assert_eq!(at(&items[1]), "{d: e, \"f\": [1]}");
    let aliased = json!([{"n": "é \"q\"", "v": "b\n"}, {"d": "e", "f": [1]}]);
    assert_eq!(entries[1].1.kind, Kind::Alias(aliased));
}

#[test]
fn what_is_merged_stands_below_what_is_written() {
    let text = "a: &a {x: 1, y: 1}\nb: {y: 2, <<: *a}\nc: {<<: [*a, {z: 3, x: 4}]}\n";
    let expected =
        json!({"a": {"x": 1, "y": 1}, "b": {"x": 1, "y": 2}, "c": {"x": 1, "y": 1, "z": 3}});
    assert_eq!(values(text), [expected]);
}

#[test]
fn what_cannot_be_read_is_told_by_its_line() {
    let deep = "[".repeat(5000);
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let aliases = vec![format!("*a{}", i - 1); 10].join(", ");
        laughs += &format!("a{i}: &a{i} [{aliases}]\n");
    }
    for (text, line) in [
        ("a: 1\nb: [1\n", 3),
        ("a: 1\na: 2\n", 2),
        ("a: *b\n", 1),
        ("? [a]\n: b\n", 1),
        (deep.as_str(), 1),
        (laughs.as_str(), 5),
    ] {
        let Err(InjectError::Text { line: found, .. }) = documents(text) else { panic!("{text}") };
        assert_eq!(found, line, "{text:.60}");
    }
}
