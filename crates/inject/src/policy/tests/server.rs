//! What stands in for the API server: the policy's variables and its mutation, evaluated by an
//! interpreter of CEL that is not Kubernetes' own. Objects are maps to it.

use super::super::{mutation, variables};
use crate::context::Context;
use crate::names::INJECT;
use crate::quantity::thousandths;
use cel::extractors::This;
use cel::{Env, Program, extensions};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// A policy, compiled.
pub(super) struct Server {
    env: Arc<Env>,
    variables: Vec<(&'static str, Program)>,
    mutation: Program,
}

impl Server {
    pub(super) fn new(context: &Context) -> Self {
        let mut env = Env::stdlib();
        env.add_extension(extensions::strings).unwrap();
        let compiled = |expression: &str| {
            let text = plain(expression);
            env.compile(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
        };
        let all = variables(context).into_iter();
        Server {
            variables: all.map(|one| (one.name, compiled(&one.expression))).collect(),
            mutation: compiled(&mutation::mutation(context)),
            env: Arc::new(env),
        }
    }

    /// The operations that the policy answers with.
    pub(super) fn answer(&self, pod: &Value, label: Option<&str>) -> Value {
        let mut known = Map::new();
        for (name, program) in &self.variables {
            let value = evaluate(&self.env, name, program, pod, label, &known);
            known.insert((*name).to_owned(), value);
        }
        evaluate(&self.env, "the mutation", &self.mutation, pod, label, &known)
    }
}

fn evaluate(
    env: &Arc<Env>,
    name: &str,
    program: &Program,
    pod: &Value,
    label: Option<&str>,
    known: &Map<String, Value>,
) -> Value {
    let mut context = cel::Context::with_env(Arc::clone(env));
    let labels = match label {
        Some(label) => json!({INJECT: label, "kubernetes.io/metadata.name": "shop"}),
        None => json!({"kubernetes.io/metadata.name": "shop"}),
    };
    context.add_variable_from_value("object", value(pod));
    context.add_variable_from_value(
        "namespaceObject",
        value(&json!({"metadata": {"labels": labels}})),
    );
    context.add_variable_from_value("variables", value(&Value::Object(known.clone())));
    let place = |list: &Value, item: &Value, from_end: bool| {
        let is = |one: &Value| one == item;
        let list = list.as_array().unwrap();
        let found = if from_end { list.iter().rposition(is) } else { list.iter().position(is) };
        found.map_or(-1, |at| i64::try_from(at).unwrap())
    };
    let json = |value: &cel::Value| value.json().unwrap();
    let first = move |This(list): This<cel::Value>, item: cel::Value| {
        place(&json(&list), &json(&item), false)
    };
    let last = move |This(list): This<cel::Value>, item: cel::Value| {
        place(&json(&list), &json(&item), true)
    };
    context.add_function("firstIndexOfItem", first).unwrap();
    context.add_function("lastIndexOfItem", last).unwrap();
    let amount = |text: &str| match text.strip_prefix('-') {
        Some(text) => thousandths(text).map(|amount| -i64::try_from(amount).unwrap()),
        None => thousandths(text).map(|amount| i64::try_from(amount).unwrap()),
    };
    context.add_function("isQuantity", move |text: Arc<String>| amount(&text).is_some()).unwrap();
    context.add_function("quantity", move |text: Arc<String>| amount(&text).unwrap()).unwrap();
    context.add_function("sign", |This(amount): This<i64>| amount.signum()).unwrap();
    let compare = |This(one): This<i64>, other: i64| (one - other).signum();
    context.add_function("compareTo", compare).unwrap();
    let escape = |text: Arc<String>| text.replace('~', "~0").replace('/', "~1");
    context.add_function("escapeKey", escape).unwrap();
    let found = program.execute(&context).unwrap_or_else(|error| panic!("{name}: {error}"));
    found.json().unwrap()
}

/// Whole numbers are `int` to the API server, whatever their sign.
fn value(json: &Value) -> cel::Value {
    match json {
        Value::Null => cel::Value::Null,
        Value::Bool(is) => cel::Value::Bool(*is),
        Value::Number(number) => cel::Value::Int(number.as_i64().unwrap()),
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Array(items) => cel::Value::List(Arc::new(items.iter().map(value).collect())),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, one)| (key.clone(), value(one)));
            cel::Value::Map(entries.collect::<HashMap<String, cel::Value>>().into())
        }
    }
}

/// The same with maps for objects, and with functions of lists apart from those of texts.
fn plain(expression: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    let mut quoted = false;
    let mut letters = expression.chars().peekable();
    while let Some(letter) = letters.next() {
        if quoted || !(letter.is_alphanumeric() || letter == '.' || letter == '_') {
            let is_type = word.starts_with("Object") || word == "JSONPatch";
            if letter == '{' && is_type {
                word.clear();
            } else if letter == ':' && !quoted && !word.is_empty() && !out.ends_with('"') {
                word = format!("\"{word}\"");
            }
            out.push_str(&word);
            word.clear();
            out.push(letter);
            if letter == '\\' && quoted {
                out.extend(letters.next());
            } else if letter == '"' {
                quoted = !quoted;
            }
        } else {
            word.push(letter);
        }
    }
    out.push_str(&word);
    out.replace(".lastIndexOf(", ".lastIndexOfItem(")
        .replace(".indexOf(", ".firstIndexOfItem(")
        .replace("jsonpatch.escapeKey(", "escapeKey(")
}
