//! The container that is added, complete in itself: what the pod says for all of its containers does
//! not matter to it.

use crate::context::{Context, Identity, Resources};
use crate::names::{ADMIN_PORT, AUDIENCE, CONTAINER, TOKEN_FOLDER, VOLUME};
use serde_json::{Map, Value, json};

/// What differs from pod to pod.
pub(crate) struct Parts<'a> {
    /// Variables with their values, in this order.
    pub(crate) variables: &'a [(String, String)],
    /// The port of its metrics.
    pub(crate) admin: u16,
    pub(crate) resources: &'a Resources,
}

/// Variables that the downward API fills. They stand before those that use them.
pub(crate) const FIELDS: [(&str, &str); 4] = [
    ("POD_NAME", "metadata.name"),
    ("POD_UID", "metadata.uid"),
    ("POD_NAMESPACE", "metadata.namespace"),
    ("NODE_NAME", "spec.nodeName"),
];

/// The user and the group that the image's program runs as.
pub(crate) const USER: u32 = 65532;

/// The container. It has no probes: one that must pass costs each application seconds of its start,
/// and one that fails keeps it from starting or the buffer from being kept.
pub(crate) fn container(context: &Context, parts: &Parts<'_>) -> Value {
    let fields = FIELDS
        .map(|(name, path)| json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}));
    let texts = parts.variables.iter().map(|(name, value)| json!({"name": name, "value": value}));
    let variables: Vec<Value> = fields.into_iter().chain(texts).collect();
    let mut container = json!({
        "name": CONTAINER,
        "image": context.image,
        "imagePullPolicy": "IfNotPresent",
        "restartPolicy": "Always",
        "env": variables,
        "ports": [{"name": ADMIN_PORT, "containerPort": parts.admin, "protocol": "TCP"}],
        "resources": resources(parts.resources),
        "securityContext": security(context),
        "terminationMessagePolicy": "FallbackToLogsOnError",
    });
    if let (Identity::Token, Some(fields)) = (context.identity, container.as_object_mut()) {
        let mount = json!([{"name": VOLUME, "mountPath": TOKEN_FOLDER, "readOnly": true}]);
        fields.insert("volumeMounts".to_owned(), mount);
    }
    container
}

/// The volume with the token of the pod's ServiceAccount that is for Tributary alone.
pub(crate) fn volume() -> Value {
    let token = json!({"audience": AUDIENCE, "expirationSeconds": 3600, "path": "token"});
    json!({"name": VOLUME, "projected": {"sources": [{"serviceAccountToken": token}]}})
}

fn resources(resources: &Resources) -> Value {
    let requests = json!({"cpu": resources.cpu_request, "memory": resources.memory_request});
    let mut limits = Map::from_iter([("memory".to_owned(), json!(resources.memory_limit))]);
    if let Some(cpu) = &resources.cpu_limit {
        limits.insert("cpu".to_owned(), json!(cpu));
    }
    json!({"requests": requests, "limits": limits})
}

/// All that a restricted namespace asks for.
fn security(context: &Context) -> Value {
    let mut security = json!({
        "allowPrivilegeEscalation": false,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": true,
        "runAsNonRoot": true,
        "seccompProfile": {"type": "RuntimeDefault"},
    });
    if let (true, Some(fields)) = (context.fixed_user, security.as_object_mut()) {
        fields.insert("runAsUser".to_owned(), json!(USER));
        fields.insert("runAsGroup".to_owned(), json!(USER));
    }
    security
}
