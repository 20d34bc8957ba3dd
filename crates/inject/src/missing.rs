//! Pods that should have a sidecar and have none: injection that fails is silent by design.

use crate::around::Around;
use crate::context::Context;
use crate::error::InjectError;
use crate::inject::inject;
use crate::names::INJECT;
use crate::outcome::Outcome;
use crate::workload::{self, Name, workloads};
use crate::yaml::documents;
use serde_json::Value;
use std::collections::BTreeMap;

/// What was found in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// How many pods were looked at.
    pub pods: usize,
    /// Whether the listing tells the labels of namespaces. Where it does not, only pods that ask by
    /// themselves are known to want a sidecar.
    pub knows_namespaces: bool,
    /// Those that should have a sidecar and have none, in the listing's order.
    pub missing: Vec<Missing>,
}

/// A pod without the sidecar that it should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What it is called.
    pub name: Name,
    /// Why it has none.
    pub why: String,
}

/// Looks through what `kubectl get namespaces,pods -A -o json` prints, or through manifests.
///
/// # Errors
/// When the text cannot be read.
pub fn missing(text: &str, context: &Context) -> Result<Listing, InjectError> {
    let documents = values(text)?;
    let objects = documents.iter().flat_map(workload::objects);
    let namespaces: BTreeMap<String, Option<String>> = objects
        .filter_map(|(_, object)| {
            let name = workload::name(object).filter(|name| name.kind == "Namespace")?;
            let labels = object.pointer("/metadata/labels");
            let label = labels.and_then(|labels| labels.get(INJECT)?.as_str());
            Some((name.name, label.map(str::to_owned)))
        })
        .collect();
    let mut listing =
        Listing { pods: 0, knows_namespaces: !namespaces.is_empty(), missing: Vec::new() };
    for workload in documents.iter().flat_map(workloads) {
        let phase = workload.pod.pointer("/status/phase").and_then(Value::as_str);
        if matches!(phase, Some("Succeeded" | "Failed")) {
            continue;
        }
        listing.pods += 1;
        let namespace = workload.name.namespace.as_deref();
        let label = namespace.and_then(|name| namespaces.get(name)?.as_deref());
        let around = Around { namespace, label, owner: None };
        let why = match inject(workload.pod, context, &around) {
            Outcome::Injected(change) if change.operations.is_empty() => continue,
            Outcome::Injected(change) if !change.notes.is_empty() && has(workload.pod) => {
                "its sidecar has lost restartPolicy: Always, and holds the pod".to_owned()
            }
            Outcome::Injected(_) => "it was made when injection was off or away".to_owned(),
            Outcome::Skipped(skip) if !skip.is_failure() => continue,
            Outcome::Skipped(skip) => skip.to_string(),
            Outcome::Refused(refusal) => refusal.to_string(),
        };
        listing.missing.push(Missing { name: workload.name, why });
    }
    Ok(listing)
}

fn has(pod: &Value) -> bool {
    crate::mesh::ours(crate::mesh::containers(pod, "initContainers")).is_some()
}

/// JSON is read as such: listings of whole clusters are large.
fn values(text: &str) -> Result<Vec<Value>, InjectError> {
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(vec![value]);
    }
    let read = documents(text)?;
    Ok(read.into_iter().filter_map(|one| Some(one.root?.value())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(namespace: &str, name: &str, more: Value) -> Value {
        let mut pod = json!({
            "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
            "spec": {"containers": [{"name": "c"}]}, "status": {"phase": "Running"},
        });
        json_patch::merge(&mut pod, &more);
        pod
    }

    fn found(items: Value) -> (usize, Vec<String>) {
        let text = json!({"kind": "List", "items": items}).to_string();
        let listing = missing(&text, &Context::default()).unwrap();
        let lines = listing.missing.iter().map(|one| format!("{}: {}", one.name, one.why));
        (listing.pods, lines.collect())
    }

    #[test]
    fn those_that_should_have_one_are_told_with_the_reason() {
        let ours = |policy: Value| json!({"name": "tributary-sidecar", "restartPolicy": policy, "image": Context::default().image});
        let namespace = |name: &str, label: &str| json!({"kind": "Namespace", "metadata": {"name": name, "labels": {INJECT: label}}});
        let asks = json!({"metadata": {"labels": {INJECT: "enabled"}}});
        let (pods, lines) = found(json!([
            namespace("on", "enabled"),
            namespace("kube-system", "enabled"),
            namespace("off", "disabled"),
            pod("on", "without", json!({})),
            pod("on", "has", json!({"spec": {"initContainers": [ours(json!("Always"))]}})),
            pod("on", "stripped", json!({"spec": {"initContainers": [ours(json!(null))]}})),
            pod("on", "done", json!({"status": {"phase": "Succeeded"}})),
            pod("on", "host", json!({"spec": {"hostNetwork": true}})),
            pod("on", "wrong", json!({"metadata": {"annotations": {"tributary.dev/buffer": "1"}}})),
            pod("on", "not", json!({"metadata": {"labels": {INJECT: "disabled"}}})),
            pod("off", "asks", asks.clone()),
            pod("other", "asks", asks),
            pod("other", "quiet", json!({})),
            pod("kube-system", "dns", json!({})),
        ]));
        assert_eq!(pods, 10);
        let expected = [
            "Pod on/without: it was made when injection was off or away",
            "Pod on/stripped: its sidecar has lost restartPolicy: Always, and holds the pod",
            "Pod on/host: host network",
            "Pod on/wrong: TRIBUTARY_BUFFER: ",
            "Pod other/asks: it was made when injection was off or away",
        ];
        assert_eq!(lines.len(), expected.len(), "{lines:#?}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(expected), "{line}");
        }
    }

    #[test]
    fn yaml_is_read_too() {
        let listing = missing("kind: Pod\nspec:\n  containers: []\n---\n", &Context::default());
        let expected = Listing { pods: 1, knows_namespaces: false, missing: vec![] };
        assert_eq!(listing, Ok(expected));
        missing("{", &Context::default()).unwrap_err();
    }
}
