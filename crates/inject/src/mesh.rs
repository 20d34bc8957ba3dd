//! Service meshes: where the sidecar stands beside them, and what they must let through.

use crate::names::CONTAINER;
use serde_json::Value;

/// A service mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mesh {
    Istio,
    Linkerd,
}

/// Containers of meshes. The sidecar stands behind the last of them: it needs the network that they
/// make, and the rest of the pod needs the sidecar.
pub(crate) const CONTAINERS: [(&str, Mesh); 6] = [
    ("istio-validation", Mesh::Istio),
    ("istio-init", Mesh::Istio),
    ("istio-proxy", Mesh::Istio),
    ("linkerd-init", Mesh::Linkerd),
    ("linkerd-network-validator", Mesh::Linkerd),
    ("linkerd-proxy", Mesh::Linkerd),
];

/// Istio's list of ports that its proxy leaves alone, for traffic to the pod.
pub(crate) const ISTIO_INBOUND: &str = "traffic.sidecar.istio.io/excludeInboundPorts";
/// The same for traffic from the pod.
pub(crate) const ISTIO_OUTBOUND: &str = "traffic.sidecar.istio.io/excludeOutboundPorts";
/// Linkerd's list of ports that its proxy leaves alone, for traffic from the pod.
pub(crate) const LINKERD_OUTBOUND: &str = "config.linkerd.io/skip-outbound-ports";

fn of(name: &str) -> Option<Mesh> {
    CONTAINERS.iter().find(|(known, _)| *known == name).map(|(_, mesh)| *mesh)
}

/// The containers of a pod's list; none if the list is none.
pub(crate) fn containers<'a>(pod: &'a Value, list: &str) -> &'a [Value] {
    let found = pod.get("spec").and_then(|spec| spec.get(list)).and_then(Value::as_array);
    found.map(Vec::as_slice).unwrap_or_default()
}

/// A container's name.
pub(crate) fn name(container: &Value) -> &str {
    container.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// Where the sidecar goes among the init containers.
pub(crate) fn position(pod: &Value) -> usize {
    let list = containers(pod, "initContainers");
    list.iter().rposition(|container| of(name(container)).is_some()).map_or(0, |last| last + 1)
}

/// Whether a pod has containers of this mesh already.
pub(crate) fn is_seen(mesh: Mesh, pod: &Value) -> bool {
    let lists = ["initContainers", "containers"];
    let mut all = lists.iter().flat_map(|list| containers(pod, list));
    all.any(|container| of(name(container)) == Some(mesh))
}

/// Annotations by which the mesh leaves the sidecar's metrics and, with TLS of its own, its stream
/// alone: the keys, and the lists with these ports in them.
pub(crate) fn annotations(
    mesh: Mesh,
    pod: &Value,
    admin: u16,
    upstream: Option<&[u16]>,
) -> Vec<(&'static str, String)> {
    let outbound = upstream.unwrap_or_default();
    let wanted: &[(&str, &[u16])] = match mesh {
        Mesh::Istio => &[(ISTIO_INBOUND, &[admin]), (ISTIO_OUTBOUND, outbound)],
        Mesh::Linkerd => &[(LINKERD_OUTBOUND, outbound)],
    };
    wanted.iter().filter_map(|(key, ports)| Some((*key, with(pod, key, ports)?))).collect()
}

/// The list behind `key` with these ports as well; none when they are in it.
fn with(pod: &Value, key: &str, ports: &[u16]) -> Option<String> {
    let had = annotation(pod, key).unwrap_or_default();
    let mut list: Vec<&str> = had.split(',').map(str::trim).filter(|p| !p.is_empty()).collect();
    let all: Vec<String> = ports.iter().map(u16::to_string).collect();
    let before = list.len();
    // A star stands for all ports already.
    let new = all.iter().filter(|port| !list.contains(&port.as_str()) && !list.contains(&"*"));
    let new: Vec<&str> = new.map(String::as_str).collect();
    list.extend(new);
    (list.len() > before).then(|| list.join(","))
}

/// An annotation of a pod.
pub(crate) fn annotation<'a>(pod: &'a Value, key: &str) -> Option<&'a str> {
    pod.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

/// The sidecar in a list of containers.
pub(crate) fn ours(containers: &[Value]) -> Option<usize> {
    containers.iter().position(|container| name(container) == CONTAINER)
}
