use super::*;
use crate::yaml::documents;

/// Names of variables that an expression uses.
fn used(expression: &str) -> Vec<&str> {
    let after = expression.split("variables.").skip(1);
    after.map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()).collect()
}

#[test]
fn variables_use_those_above_them() {
    let context = Context::default();
    let mut known = Vec::new();
    for variable in variables(&context) {
        for name in used(&variable.expression) {
            assert!(known.contains(&name), "{} uses {name}", variable.name);
        }
        assert!(!known.contains(&variable.name), "{} is there twice", variable.name);
        known.push(variable.name);
    }
    for name in used(&mutation::mutation(&context)) {
        assert!(known.contains(&name), "the mutation uses {name}");
    }
}

#[test]
fn expressions_close_what_they_open() {
    let identity = crate::Identity::Token;
    let istio = crate::MeshSetting::Istio;
    for context in [Context::default(), Context { identity, mesh: istio, ..Context::default() }] {
        let text = policy(&context);
        let read = documents(&text).unwrap();
        assert_eq!(read.len(), 2);
        let mut expressions: Vec<String> =
            variables(&context).into_iter().map(|variable| variable.expression).collect();
        expressions.push(mutation::mutation(&context));
        for expression in expressions {
            let mut open = Vec::new();
            let mut quoted = false;
            for letter in expression.chars() {
                match letter {
                    '"' => quoted = !quoted,
                    _ if quoted => {}
                    '(' => open.push(')'),
                    '[' => open.push(']'),
                    '{' => open.push('}'),
                    ')' | ']' | '}' => assert_eq!(open.pop(), Some(letter), "{expression}"),
                    _ => {}
                }
            }
            assert!(open.is_empty() && !quoted, "{expression}");
        }
    }
}
