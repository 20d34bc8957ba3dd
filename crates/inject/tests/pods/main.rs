//! Pods in, pods out: what [`tributary_inject::inject`] does to every kind of pod.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "code of a test fails it by panicking"
)]

mod asked;
mod beside;
mod container;
mod pod_security;
mod schema;

use serde_json::{Value, json};
use tributary_inject::names::INJECT;
use tributary_inject::{Around, Change, Context, Outcome, inject};

const ENABLED: Around<'static> =
    Around { namespace: Some("shop"), label: Some("enabled"), owner: None };

/// A pod with these fields over the usual ones.
fn pod(more: Value) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shop"},
        "spec": {"containers": [{"name": "shop", "image": "shop:1"}]},
    });
    json_patch::merge(&mut pod, &more);
    pod
}

fn annotated(key: &str, value: &str) -> Value {
    pod(json!({"metadata": {"annotations": {key: value}}}))
}

fn labelled(key: &str, value: &str) -> Value {
    pod(json!({"metadata": {"labels": {key: value}}}))
}

fn context(value: Value) -> Context {
    serde_json::from_value(value).unwrap()
}

fn changed_by(pod: &Value, context: &Context) -> Change {
    match inject(pod, context, &ENABLED) {
        Outcome::Injected(change) => change,
        other => panic!("{other:?}: {pod}"),
    }
}

/// The pod with the sidecar. That it is done once and no more is checked each time.
fn injected_by(pod: &Value, context: &Context) -> Value {
    let change = changed_by(pod, context);
    let mut after = pod.clone();
    json_patch::patch(&mut after, &change.operations).unwrap();
    assert_eq!(changed_by(&after, context), Change::default(), "twice is not once: {after}");
    after
}

fn injected(pod: &Value) -> Value {
    injected_by(pod, &Context::default())
}

/// The sidecar in a pod.
fn sidecar(pod: &Value) -> &Value {
    let inits = pod["spec"]["initContainers"].as_array().unwrap();
    inits.iter().find(|container| container["name"] == "tributary-sidecar").unwrap()
}

fn variable<'v>(sidecar: &'v Value, name: &str) -> Option<&'v str> {
    let all = sidecar["env"].as_array().unwrap();
    all.iter().find(|one| one["name"] == name).and_then(|one| one["value"].as_str())
}

/// Why there is no sidecar.
fn why_not(pod: &Value, context: &Context) -> String {
    match inject(pod, context, &ENABLED) {
        Outcome::Injected(change) => panic!("{change:?}"),
        Outcome::Skipped(skip) => skip.to_string(),
        Outcome::Refused(refusal) => refusal.to_string(),
    }
}

#[test]
fn no_input_makes_it_panic() {
    let inject_label = json!({INJECT: "enabled"});
    let odd = [
        json!(null),
        json!([]),
        json!("pod"),
        json!({"spec": null}),
        json!({"spec": []}),
        json!({"spec": {}}),
        json!({"spec": {"containers": {}}}),
        json!({"metadata": [], "spec": {}}),
        json!({"metadata": {"annotations": []}, "spec": {"initContainers": "x", "volumes": 1}}),
        json!({"spec": {"containers": [null, 1, {"ports": [{"containerPort": -1}, {"containerPort": 70000}, null]}]}}),
        json!({"spec": {"terminationGracePeriodSeconds": i64::MIN}}),
        json!({"spec": {"terminationGracePeriodSeconds": u64::MAX}}),
        json!({"metadata": {"labels": inject_label, "ownerReferences": [null, {"controller": true}]}, "spec": {}}),
    ];
    for pod in odd {
        let outcome = inject(&pod, &Context::default(), &ENABLED);
        outcome.status(&pod);
        if let Outcome::Injected(change) = outcome {
            // What is no list or no map where one belongs is refused by the API server anyway.
            json_patch::patch(&mut pod.clone(), &change.operations).ok();
        }
        tributary_inject::remove(&pod);
    }
}
