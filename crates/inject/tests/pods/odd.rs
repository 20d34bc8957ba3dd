//! What is no pod.

use crate::pods::ENABLED;
use serde_json::json;
use tributary_inject::names::INJECT;
use tributary_inject::{Context, Outcome, inject};

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
