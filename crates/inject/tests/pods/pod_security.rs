//! Kubernetes' Pod Security Standards, as far as a container can break them: what the sidecar is
//! must not be what keeps a pod out of a restricted namespace.

use crate::pods::{context, injected_by, pod};
use serde_json::{Value, json};
use tributary_inject::Context;

/// Why the standard `restricted` would refuse a pod; the first rules are those of `baseline`.
fn refusals(pod: &Value) -> Vec<String> {
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

/// The refusals of a real API server become cases: seccomp at the pod alone is not enough when the
/// container is copied elsewhere.
#[test]
fn the_checker_finds_what_an_api_server_refuses() {
    let bare = pod(json!({}));
    assert_eq!(refusals(&bare).len(), 4, "{:?}", refusals(&bare));
    let snippet = json!({"name": "s", "securityContext": {
        "allowPrivilegeEscalation": false, "runAsNonRoot": true, "capabilities": {"drop": ["ALL"]},
    }});
    let copied = pod(json!({"spec": {"containers": [snippet]}}));
    assert_eq!(refusals(&copied), ["\"s\": seccompProfile"]);
    let host = pod(
        json!({"spec": {"hostNetwork": true, "containers": [], "volumes": [{"name": "h", "hostPath": {}}]}}),
    );
    assert_eq!(refusals(&host), ["hostNetwork", "volume \"h\""]);
}

/// A pod that is admitted is admitted with the sidecar, and one that is refused is refused for its own
/// faults alone.
#[test]
fn the_sidecar_is_never_what_is_refused() {
    let clean = json!({"name": "shop", "securityContext": {
        "allowPrivilegeEscalation": false, "runAsNonRoot": true, "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }});
    let token = context(json!({"settings": {"upstream": "https://a"}, "identity": "token"}));
    let openshift = context(json!({"fixed_user": false}));
    for context in [Context::default(), token, openshift] {
        let restricted = pod(json!({"spec": {"containers": [clean]}}));
        assert_eq!(refusals(&injected_by(&restricted, &context)), [""; 0]);
        // Whatever the pod says for all of its containers.
        let loose = json!({"spec": {"securityContext": {
            "runAsUser": 1000, "runAsNonRoot": false, "seccompProfile": {"type": "Unconfined"},
        }}});
        let loose = pod(loose);
        let after = refusals(&injected_by(&loose, &context));
        assert_eq!(after, refusals(&loose));
        assert!(!after.iter().any(|one| one.contains("tributary")));
    }
}
