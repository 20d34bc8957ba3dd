//! The same rules for the API server to apply by itself: a MutatingAdmissionPolicy, Kubernetes 1.36
//! and newer. No server, no certificate, nothing that can be away.
//!
//! Its settings are literals. A ConfigMap as parameter would go stale in the API server when the
//! policy is deleted and made again, and refuse pods while it is missing.
//!
//! What it does not do as [`inject`](crate::inject) does: profiles, and the sidecar's own check of
//! values in annotations, of which it knows the form alone. It sees pods before any webhook does, so
//! that a mesh's containers are not there yet: where they come later they go to the front.

mod cel;
mod conditions;
mod container;
mod mutation;

use crate::context::Context;
use crate::wanted::{MIRROR, OF_THE_CLUSTER};
use crate::yaml::emit;
use cel::Variable;
use serde_json::{Value, json};

/// What the policy and its binding are called. The name sorts before those of meshes.
const NAME: &str = "injector.tributary.dev";

/// The policy and its binding, as YAML.
pub fn policy(context: &Context) -> String {
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": NAME},
        "spec": {
            // An application must not fail to start because tracing is away.
            "failurePolicy": "Ignore",
            // Webhooks that come later may take away what was put in.
            "reinvocationPolicy": "IfNeeded",
            "matchConstraints": constraints(context),
            "matchConditions": [{
                "name": "not-a-mirror-pod",
                "expression": format!(
                    "!(has(object.metadata.annotations) && {} in object.metadata.annotations)",
                    cel::text(MIRROR)
                ),
            }],
            "variables": variables(context).iter().map(Variable::value).collect::<Vec<_>>(),
            "mutations": [{
                "patchType": "JSONPatch",
                "jsonPatch": {"expression": mutation::mutation(context)},
            }],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": NAME},
        "spec": {"policyName": NAME},
    });
    let about = "# Puts Tributary's sidecar into pods: Kubernetes 1.36 and newer. Printed by `tributary inject policy`;\n\
        # to change a setting print it again.\n";
    [about, &emit::document(&policy), "---\n", &emit::document(&binding)].concat()
}

/// Pods as they are made, not in the cluster's own namespaces and not in Tributary's.
fn constraints(context: &Context) -> Value {
    let mut never: Vec<&str> = OF_THE_CLUSTER.to_vec();
    never.push(&context.namespace);
    json!({
        "namespaceSelector": {"matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": never},
        ]},
        "resourceRules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]},
        ],
    })
}

/// In the order in which they use each other.
fn variables(context: &Context) -> Vec<Variable> {
    let mut all = conditions::asked();
    all.extend(conditions::ports(context));
    all.extend(container::variables(context));
    all.push(conditions::skip(context));
    all
}

#[cfg(test)]
mod tests;
