//! Which pods get the sidecar.

use crate::around::Around;
use crate::context::Context;
use crate::mesh::{self, annotation};
use crate::names::INJECT;
use crate::outcome::Skip;
use serde_json::Value;

/// Namespaces of the cluster itself: a fault here must not keep it from mending.
pub(crate) const OF_THE_CLUSTER: [&str; 3] = ["kube-node-lease", "kube-public", "kube-system"];

/// The annotation of pods that the kubelet made of files.
pub(crate) const MIRROR: &str = "kubernetes.io/config.mirror";
/// The label of nodes that tells their system.
pub(crate) const SYSTEM: &str = "kubernetes.io/os";

/// Why a pod gets no sidecar; none if it gets one.
pub(crate) fn skip(pod: &Value, context: &Context, around: &Around<'_>) -> Option<Skip> {
    not_asked(pod, context, around).or_else(|| cannot(pod))
}

/// The truth table: the pod's word counts, unless its namespace says `disabled`.
fn not_asked(pod: &Value, context: &Context, around: &Around<'_>) -> Option<Skip> {
    let label = pod.pointer("/metadata/labels").and_then(|labels| labels.get(INJECT)?.as_str());
    let own = label.or_else(|| annotation(pod, INJECT));
    let namespace = around.namespace_of(pod);
    let is_excluded =
        |name: &str| OF_THE_CLUSTER.contains(&name) || name == context.namespace.as_str();
    match (around.label, own) {
        _ if namespace.is_some_and(is_excluded) => Some(Skip::Excluded),
        (Some("disabled"), _) => Some(Skip::NamespaceDisabled),
        (_, Some("disabled")) => Some(Skip::PodDisabled),
        (_, Some("enabled")) | (Some("enabled"), None) => None,
        (_, Some(_)) => Some(Skip::Switch),
        (_, None) => Some(Skip::NotWanted),
    }
}

fn cannot(pod: &Value) -> Option<Skip> {
    let spec = pod.get("spec")?;
    let is_foreign = mesh::ours(mesh::containers(pod, "containers")).is_some();
    let is_windows = |value: Option<&Value>| value.and_then(Value::as_str) == Some("windows");
    let selector = spec.get("nodeSelector").and_then(|selector| selector.get(SYSTEM));
    if annotation(pod, MIRROR).is_some() {
        Some(Skip::Mirror)
    } else if is_foreign {
        Some(Skip::Foreign)
    } else if spec.get("hostNetwork").and_then(Value::as_bool) == Some(true) {
        Some(Skip::HostNetwork)
    } else if is_windows(spec.pointer("/os/name")) || is_windows(selector) {
        Some(Skip::Windows)
    } else {
        None
    }
}
