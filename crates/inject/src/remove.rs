//! Taking the sidecar out again.

use crate::mesh::{self, containers};
use crate::names::{STATUS, VOLUME};
use crate::patch::{self, Operation};
use serde_json::Value;

/// Takes out of a pod what [`inject`](crate::inject) has put in: the container, the volume and the
/// status. None of it is there: no operation. What a mesh was told stays: it may be the pod's own
/// wish as well.
pub fn remove(pod: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    let inits = containers(pod, "initContainers");
    operations.extend(mesh::ours(inits).map(|at| from_list("initContainers", at, inits.len())));
    let volumes = containers(pod, "volumes");
    let volume = volumes.iter().position(|volume| mesh::name(volume) == VOLUME);
    operations.extend(volume.map(|at| from_list("volumes", at, volumes.len())));
    let annotations = pod.pointer("/metadata/annotations").and_then(Value::as_object);
    if let Some(all) = annotations.filter(|all| all.contains_key(STATUS)) {
        let alone = all.len() == 1;
        let metadata = pod.get("metadata").and_then(Value::as_object);
        operations.push(match alone {
            true if metadata.is_some_and(|metadata| metadata.len() == 1) => {
                patch::remove(["metadata"])
            }
            true => patch::remove(["metadata", "annotations"]),
            false => patch::remove(["metadata", "annotations", STATUS]),
        });
    }
    operations
}

/// A list that would be left empty goes as a whole.
fn from_list(list: &str, at: usize, count: usize) -> Operation {
    match count {
        1 => patch::remove(["spec", list]),
        _ => patch::remove(["spec", list, &at.to_string()]),
    }
}
