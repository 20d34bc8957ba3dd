//! Who gets the sidecar, and who does not.

use crate::pods::{ENABLED, annotated, context, injected, labelled, pod, why_not};
use serde_json::{Value, json};
use tributary_inject::names::INJECT;
use tributary_inject::{Around, Context, Outcome, Skip, inject};

#[test]
fn the_truth_table() {
    use Skip::{NamespaceDisabled, NotWanted, PodDisabled, Switch};
    let table = [
        (Some("enabled"), None, None),
        (Some("enabled"), Some("enabled"), None),
        (Some("enabled"), Some("disabled"), Some(PodDisabled)),
        (Some("enabled"), Some("yes"), Some(Switch)),
        (None, None, Some(NotWanted)),
        (None, Some("enabled"), None),
        (None, Some("disabled"), Some(PodDisabled)),
        (None, Some("true"), Some(Switch)),
        (Some("disabled"), None, Some(NamespaceDisabled)),
        (Some("disabled"), Some("enabled"), Some(NamespaceDisabled)),
        (Some("disabled"), Some("disabled"), Some(NamespaceDisabled)),
        (Some("other"), None, Some(NotWanted)),
        (Some("other"), Some("enabled"), None),
    ];
    for (label, own, expected) in table {
        let pods = match own {
            Some(value) => vec![labelled(INJECT, value), annotated(INJECT, value)],
            None => vec![pod(json!({}))],
        };
        for pod in pods {
            let around = Around { label, ..ENABLED };
            let found = match inject(&pod, &Context::default(), &around) {
                Outcome::Injected(_) => None,
                Outcome::Skipped(skip) => Some(skip),
                Outcome::Refused(refusal) => panic!("{refusal}"),
            };
            assert_eq!(found, expected, "{label:?} {pod}");
        }
    }
}

#[test]
fn a_pods_label_goes_before_its_annotation() {
    let both = pod(
        json!({"metadata": {"labels": {INJECT: "disabled"}, "annotations": {INJECT: "enabled"}}}),
    );
    assert!(matches!(
        inject(&both, &Context::default(), &ENABLED),
        Outcome::Skipped(Skip::PodDisabled)
    ));
}

#[test]
fn namespaces_of_the_cluster_and_of_the_ingesters_are_left_alone() {
    for name in ["kube-system", "kube-public", "kube-node-lease", "tracing"] {
        let around = Around { namespace: Some(name), ..ENABLED };
        let asks = labelled(INJECT, "enabled");
        for pod in [asks, pod(json!({"metadata": {"namespace": name}}))] {
            let outcome = inject(&pod, &Context::default(), &around);
            assert_eq!(outcome, Outcome::Skipped(Skip::Excluded), "{name}");
            assert!(!outcome.is_failure());
        }
    }
}

/// What is asked for and cannot be is told in the pod's own annotations, but for mirror pods: those
/// are as their file has them.
#[test]
fn whom_it_cannot_help() {
    let ours = json!([{"name": "tributary-sidecar"}]);
    let table: [(Value, &str, bool); 8] = [
        (json!({"spec": {"hostNetwork": true}}), "host network", true),
        (json!({"spec": {"os": {"name": "windows"}}}), "Windows", true),
        (json!({"spec": {"nodeSelector": {"kubernetes.io/os": "windows"}}}), "Windows", true),
        (
            json!({"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}}),
            "mirror pod",
            false,
        ),
        (
            json!({"spec": {"containers": ours}}),
            "a container that is no sidecar has the sidecar's name",
            true,
        ),
        (
            json!({"spec": {"containers": [{"name": "m", "ports": [{"containerPort": 4320}]}]}}),
            "a container declares port 4320",
            true,
        ),
        (
            json!({"metadata": {"labels": {INJECT: "on"}}}),
            "tributary.dev/inject is neither enabled nor disabled",
            true,
        ),
        (
            json!({"metadata": {"annotations": {"tributary.dev/bufer": "1MiB"}}}),
            "tributary.dev/bufer: unknown; did you mean `tributary.dev/buffer`?",
            true,
        ),
    ];
    for (more, why, is_told) in table {
        let pod = pod(more);
        let outcome = inject(&pod, &Context::default(), &ENABLED);
        assert!(outcome.is_failure(), "{pod}");
        assert_eq!(why_not(&pod, &Context::default()), why);
        let mut after = pod.clone();
        json_patch::patch(&mut after, &outcome.status(&pod)).unwrap();
        let told = after.pointer("/metadata/annotations/tributary.dev~1status");
        let expected = is_told.then(|| json!(format!("skipped: {why}")));
        assert_eq!(told, expected.as_ref());
    }
    let quiet = inject(&pod(json!({})), &Context::default(), &Around::default());
    assert!(!quiet.is_failure() && quiet.status(&pod(json!({}))).is_empty());
}

#[test]
fn linux_is_no_windows_and_other_nodes_are_none() {
    injected(&pod(
        json!({"spec": {"os": {"name": "linux"}, "hostNetwork": false, "nodeSelector": {"a": "windows"}}}),
    ));
}

#[test]
fn what_pods_may_not_set_is_refused() {
    let few =
        context(json!({"allow": ["buffer"], "profiles": {"large": {"namespaces": ["bank"]}}}));
    let usual = Context::default();
    let table = [
        (&few, "buffer", "2MiB", ""),
        (&few, "tenant", "bank", "tributary.dev/tenant: is not on the list"),
        (&few, "profile", "large", "tributary.dev/profile: is not on the list"),
        (&usual, "profile", "large", "tributary.dev/profile: there is no profile `large`"),
        (&usual, "buffer", "1", "TRIBUTARY_BUFFER: "),
        (&usual, "log-level", "loud", "TRIBUTARY_LOG_LEVEL: "),
        (&usual, "receivers", "smoke", "TRIBUTARY_RECEIVERS: "),
        (&usual, "resource-attributes", "a", "TRIBUTARY_RESOURCE_ATTRIBUTES: "),
        (&usual, "resource-attributes", "a=1,a=2", "TRIBUTARY_RESOURCE_ATTRIBUTES: "),
        (&usual, "tenant", "a/b", "TRIBUTARY_TENANT: "),
        (&usual, "cpu-request", "lots", "tributary.dev/cpu-request: `lots` is no quantity"),
        (&usual, "cpu-limit", "2", "tributary.dev/cpu-limit: 2 is more than 1"),
        (&usual, "memory-limit", "1Gi", "tributary.dev/memory-limit: 1Gi is more than 512Mi"),
        (
            &usual,
            "memory-request",
            "64Mi",
            "resources: the memory request 64Mi is above the limit 32Mi",
        ),
        (&usual, "nonsense-of-all-kinds", "1", "tributary.dev/nonsense-of-all-kinds: unknown"),
    ];
    for (context, name, value, expected) in table {
        let pod = annotated(&format!("tributary.dev/{name}"), value);
        if expected.is_empty() {
            assert!(matches!(inject(&pod, context, &ENABLED), Outcome::Injected(_)));
        } else {
            let why = why_not(&pod, context);
            assert!(why.starts_with(expected), "{why}");
        }
    }
}
