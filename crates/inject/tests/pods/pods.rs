//! Pods, and what is done to them.

use serde_json::{Value, json};
use tributary_inject::{Around, Change, Context, Outcome, inject};

pub(crate) const ENABLED: Around<'static> =
    Around { namespace: Some("shop"), label: Some("enabled"), owner: None };

/// A pod with these fields over the usual ones.
pub(crate) fn pod(more: Value) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shop"},
        "spec": {"containers": [{"name": "shop", "image": "shop:1"}]},
    });
    json_patch::merge(&mut pod, &more);
    pod
}

pub(crate) fn annotated(key: &str, value: &str) -> Value {
    pod(json!({"metadata": {"annotations": {key: value}}}))
}

pub(crate) fn labelled(key: &str, value: &str) -> Value {
    pod(json!({"metadata": {"labels": {key: value}}}))
}

pub(crate) fn context(value: Value) -> Context {
    serde_json::from_value(value).unwrap()
}

pub(crate) fn changed_by(pod: &Value, context: &Context) -> Change {
    match inject(pod, context, &ENABLED) {
        Outcome::Injected(change) => change,
        other => panic!("{other:?}: {pod}"),
    }
}

/// The pod with the sidecar. That it is done once and no more is checked each time.
pub(crate) fn injected_by(pod: &Value, context: &Context) -> Value {
    let change = changed_by(pod, context);
    let mut after = pod.clone();
    json_patch::patch(&mut after, &change.operations).unwrap();
    assert_eq!(changed_by(&after, context), Change::default(), "twice is not once: {after}");
    after
}

pub(crate) fn injected(pod: &Value) -> Value {
    injected_by(pod, &Context::default())
}

/// The sidecar in a pod.
pub(crate) fn sidecar(pod: &Value) -> &Value {
    let inits = pod["spec"]["initContainers"].as_array().unwrap();
    inits.iter().find(|container| container["name"] == "tributary-sidecar").unwrap()
}

pub(crate) fn variable<'v>(sidecar: &'v Value, name: &str) -> Option<&'v str> {
    let all = sidecar["env"].as_array().unwrap();
    all.iter().find(|one| one["name"] == name).and_then(|one| one["value"].as_str())
}

/// Why there is no sidecar.
pub(crate) fn why_not(pod: &Value, context: &Context) -> String {
    match inject(pod, context, &ENABLED) {
        Outcome::Injected(change) => panic!("{change:?}"),
        Outcome::Skipped(skip) => skip.to_string(),
        Outcome::Refused(refusal) => refusal.to_string(),
    }
}
