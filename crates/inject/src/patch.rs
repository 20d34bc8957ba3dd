//! JSON Patch: what is done to a pod.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, RemoveOperation, ReplaceOperation};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub use json_patch::PatchOperation as Operation;

/// A pointer; `~` and `/` in tokens are escaped.
pub(crate) fn pointer<'a>(tokens: impl IntoIterator<Item = &'a str>) -> PointerBuf {
    PointerBuf::from_tokens(tokens)
}

pub(crate) fn add<'a>(tokens: impl IntoIterator<Item = &'a str>, value: Value) -> Operation {
    Operation::Add(AddOperation { path: pointer(tokens), value })
}

pub(crate) fn replace<'a>(tokens: impl IntoIterator<Item = &'a str>, value: Value) -> Operation {
    Operation::Replace(ReplaceOperation { path: pointer(tokens), value })
}

pub(crate) fn remove<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Operation {
    Operation::Remove(RemoveOperation { path: pointer(tokens) })
}

/// The same operation on a pod that stands below `prefix` in something larger.
pub(crate) fn below(prefix: &PointerBuf, operation: &Operation) -> Operation {
    let mut moved = operation.clone();
    let path = match &mut moved {
        Operation::Add(one) => &mut one.path,
        Operation::Remove(one) => &mut one.path,
        Operation::Replace(one) => &mut one.path,
        Operation::Move(one) => &mut one.path,
        Operation::Copy(one) => &mut one.path,
        Operation::Test(one) => &mut one.path,
    };
    let mut whole = prefix.clone();
    whole.append(&*path);
    *path = whole;
    moved
}

/// Adds to a list of the pod's spec: the whole list where there is none.
pub(crate) fn add_to_list(pod: &Value, list: &str, at: usize, item: Value) -> Operation {
    let had = pod.get("spec").and_then(|spec| spec.get(list));
    match had.and_then(Value::as_array) {
        Some(_) => add(["spec", list, &at.to_string()], item),
        None => add(["spec", list], Value::Array(vec![item])),
    }
}

/// Sets annotations of a pod that may have none.
pub(crate) fn annotate(pod: &Value, all: BTreeMap<String, String>) -> Vec<Operation> {
    let metadata = pod.get("metadata").filter(|metadata| metadata.is_object());
    let had = metadata.and_then(|metadata| metadata.get("annotations")).and_then(Value::as_object);
    let texts = |all: BTreeMap<String, String>| -> Map<String, Value> {
        all.into_iter().map(|(key, text)| (key, Value::String(text))).collect()
    };
    match (metadata, had) {
        _ if all.is_empty() => Vec::new(),
        (_, Some(had)) => {
            let one = |(key, text): (String, Value)| match had.get(&key) {
                Some(same) if *same == text => None,
                Some(_) => Some(replace(["metadata", "annotations", &key], text)),
                None => Some(add(["metadata", "annotations", &key], text)),
            };
            texts(all).into_iter().filter_map(one).collect()
        }
        (Some(_), None) => vec![add(["metadata", "annotations"], Value::Object(texts(all)))],
        (None, None) => {
            let annotations =
                Map::from_iter([("annotations".to_owned(), Value::Object(texts(all)))]);
            vec![add(["metadata"], Value::Object(annotations))]
        }
    }
}
