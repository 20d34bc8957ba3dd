//! The same change as a component of Kustomize.

use super::{Name, Object};
use crate::yaml::emit;
use serde_json::{Value, json};

/// A `kustomization.yaml` with a patch for each object that is to be changed. A kustomization that
/// names its folder under `components` has the sidecar in these objects. Those whose names are not
/// known yet ([`Name::is_generated`]) are not in it: it finds objects by their names.
pub fn component(objects: &[Object]) -> String {
    let changed = objects.iter().filter(|o| !o.operations.is_empty() && !o.name.is_generated);
    let patches: Vec<Value> = changed.map(patch).collect();
    let whole = json!({
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "patches": patches,
    });
    emit::document(&whole)
}

fn patch(object: &Object) -> Value {
    let operations = serde_json::to_value(&object.operations).unwrap_or_default();
    let lines = operations.as_array().into_iter().flatten();
    let text: Vec<String> =
        lines.flat_map(|one| emit::item(one, emit::Style { dash: 2 })).collect();
    json!({"target": target(&object.name), "patch": text.join("\n")})
}

fn target(name: &Name) -> Value {
    let (group, version) = match name.api_version.split_once('/') {
        Some((group, version)) => (Some(group), version),
        None => (None, name.api_version.as_str()),
    };
    let mut target = json!({"version": version, "kind": name.kind, "name": name.name});
    if let Some(fields) = target.as_object_mut() {
        for (key, text) in [("group", group), ("namespace", name.namespace.as_deref())] {
            fields.extend(text.map(|text| (key.to_owned(), json!(text))));
        }
    }
    target
}
