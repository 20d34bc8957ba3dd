//! Kubernetes' Pod Security Standards, as far as the pods of this project can break them
//! (<https://kubernetes.io/docs/concepts/security/pod-security-standards/>).

#![expect(clippy::indexing_slicing, reason = "what is not there is `Value::Null`")]

use serde_json::Value;

/// Why the standard `restricted` would refuse a pod: an object with `spec`, such as a pod's or a
/// template's. The first rules are those of `baseline`.
pub fn refusals(pod: &Value) -> Vec<String> {
    let spec = &pod["spec"];
    let mut found = Vec::new();
    let mut refuse = |wrong: bool, what: &str| {
        if wrong {
            found.push(what.to_owned());
        }
    };
    for host in ["hostNetwork", "hostPID", "hostIPC"] {
        refuse(spec[host] == true, host);
    }
    let kinds = [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ];
    for volume in list(&spec["volumes"]) {
        let is_known = kinds.iter().any(|kind| volume.get(kind).is_some());
        refuse(!is_known, &format!("volume {}", volume["name"]));
    }
    for container in ["containers", "initContainers"].iter().flat_map(|key| list(&spec[key])) {
        let name = &container["name"];
        let own = &container["securityContext"];
        // A container's word goes before its pod's.
        let or_pod = |key: &str| match own.get(key) {
            Some(value) => value.clone(),
            None => spec["securityContext"][key].clone(),
        };
        refuse(own["privileged"] == true, &format!("{name}: privileged"));
        refuse(
            list(&container["ports"]).iter().any(|port| port["hostPort"].as_u64() > Some(0)),
            &format!("{name}: hostPort"),
        );
        refuse(
            own["procMount"] != Value::Null && own["procMount"] != "Default",
            &format!("{name}: procMount"),
        );
        let added = list(&own["capabilities"]["add"]);
        refuse(
            added.iter().any(|one| *one != "NET_BIND_SERVICE"),
            &format!("{name}: capabilities added"),
        );
        // From here on `restricted` alone.
        let dropped = list(&own["capabilities"]["drop"]);
        refuse(!dropped.iter().any(|one| *one == "ALL"), &format!("{name}: capabilities"));
        refuse(
            own["allowPrivilegeEscalation"] != false,
            &format!("{name}: allowPrivilegeEscalation"),
        );
        refuse(or_pod("runAsNonRoot") != true, &format!("{name}: runAsNonRoot"));
        refuse(or_pod("runAsUser") == 0, &format!("{name}: runAsUser"));
        let seccomp = or_pod("seccompProfile")["type"].clone();
        refuse(
            seccomp != "RuntimeDefault" && seccomp != "Localhost",
            &format!("{name}: seccompProfile"),
        );
    }
    found
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
