//! Kubernetes' Pod Security Standards, as far as a container can break them: what the sidecar is
//! must not be what keeps a pod out of a restricted namespace.

use crate::pods::{context, injected_by, pod};
use serde_json::json;
use tributary_inject::Context;
use tributary_testkit::pod_security::refusals;

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
