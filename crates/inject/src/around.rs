//! What a pod does not tell of itself.

use serde_json::Value;

/// What is known of a pod beside the pod.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Around<'a> {
    /// Its namespace, where the pod itself does not say it: admission requests do.
    pub namespace: Option<&'a str>,
    /// The namespace's label [`INJECT`](crate::names::INJECT).
    pub label: Option<&'a str>,
    /// What the pod will belong to, kind and name, where `ownerReferences` do not say it yet.
    pub owner: Option<(&'a str, &'a str)>,
}

impl<'a> Around<'a> {
    /// The pod's namespace.
    pub(crate) fn namespace_of(&self, pod: &'a Value) -> Option<&'a str> {
        let own = pod.pointer("/metadata/namespace").and_then(Value::as_str);
        own.filter(|name| !name.is_empty()).or(self.namespace)
    }
}

/// The attribute that names what a pod belongs to, and its value. A Deployment's pods belong to a
/// ReplicaSet whose name is the Deployment's and a hash that stands in the pod's labels as well, so
/// that no look-up is needed.
pub(crate) fn owner_attribute(pod: &Value, around: &Around<'_>) -> Option<(&'static str, String)> {
    let owners = pod.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let text = |value: &Value, key: &str| Some(value.get(key)?.as_str()?.to_owned());
    let controller = owners
        .into_iter()
        .flatten()
        .find(|owner| owner.get("controller").and_then(Value::as_bool).unwrap_or_default());
    let (kind, name) = match controller {
        Some(owner) => (text(owner, "kind")?, text(owner, "name")?),
        None => around.owner.map(|(kind, name)| (kind.to_owned(), name.to_owned()))?,
    };
    let hash = pod.pointer("/metadata/labels/pod-template-hash").and_then(Value::as_str);
    let deployment = hash.and_then(|hash| name.strip_suffix(hash)?.strip_suffix('-'));
    let deployment = deployment.map(str::to_owned);
    Some(match (kind.as_str(), deployment) {
        ("ReplicaSet", Some(deployment)) => ("k8s.deployment.name", deployment),
        ("ReplicaSet", None) => ("k8s.replicaset.name", name),
        ("Deployment", _) => ("k8s.deployment.name", name),
        ("StatefulSet", _) => ("k8s.statefulset.name", name),
        ("DaemonSet", _) => ("k8s.daemonset.name", name),
        ("Job", _) => ("k8s.job.name", name),
        ("CronJob", _) => ("k8s.cronjob.name", name),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn owners_are_named_without_a_look_up() {
        let pod = |kind: &str, name: &str, hash: &str| {
            json!({"metadata": {
                "labels": {"pod-template-hash": hash},
                "ownerReferences": [{"kind": "Node", "name": "x"}, {"kind": kind, "name": name, "controller": true}],
            }})
        };
        let table = [
            (pod("ReplicaSet", "shop-5d9f", "5d9f"), Some(("k8s.deployment.name", "shop"))),
            (pod("ReplicaSet", "shop-x", "5d9f"), Some(("k8s.replicaset.name", "shop-x"))),
            (pod("Job", "once", ""), Some(("k8s.job.name", "once"))),
            (pod("Workflow", "w", ""), None),
            (
                json!({"metadata": {"ownerReferences": "none"}}),
                Some(("k8s.cronjob.name", "nightly")),
            ),
            (json!(null), Some(("k8s.cronjob.name", "nightly"))),
        ];
        let around = Around { owner: Some(("CronJob", "nightly")), ..Around::default() };
        for (pod, expected) in table {
            let expected = expected.map(|(key, value)| (key, value.to_owned()));
            assert_eq!(owner_attribute(&pod, &around), expected, "{pod}");
        }
    }
}
