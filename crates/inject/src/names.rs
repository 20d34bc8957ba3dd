//! Names that users see: labels, annotations, what is added to pods.

macro_rules! ours {
    ($name:literal) => {
        concat!("tributary.dev/", $name)
    };
}

/// What all keys of ours begin with. It stands in no second place.
pub const PREFIX: &str = ours!("");
/// Label of a namespace, label or annotation of a pod: `enabled` or `disabled`.
pub const INJECT: &str = ours!("inject");
/// Annotation of a pod: which of the platform team's sets of settings it takes.
pub const PROFILE: &str = ours!("profile");
/// Annotation of a pod, written by us: what became of it.
pub const STATUS: &str = ours!("status");

/// The sidecar's container.
pub const CONTAINER: &str = "tributary-sidecar";
/// The volume with the identity's token.
pub const VOLUME: &str = "tributary-identity";
/// The audience of that token.
pub const AUDIENCE: &str = "tributary";
/// The port of `/live`, `/ready` and `/metrics`.
pub const ADMIN_PORT: &str = "tributary-admin";
/// Where the token is mounted: nothing else is mounted there then, so that the application's own
/// token for the API server stays out of the sidecar.
pub const TOKEN_FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Annotations that configure the sidecar, named as its settings are.
pub(crate) const SETTINGS: [&str; 6] =
    ["batch-age", "buffer", "log-level", "receivers", "resource-attributes", "tenant"];
/// Annotations that size its container.
pub(crate) const QUANTITIES: [&str; 4] =
    ["cpu-limit", "cpu-request", "memory-limit", "memory-request"];

/// The annotation for a setting or a quantity.
pub(crate) fn annotation(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// The variable of a setting.
pub(crate) fn variable(setting: &str) -> String {
    format!("TRIBUTARY_{}", setting.to_ascii_uppercase().replace('-', "_"))
}
