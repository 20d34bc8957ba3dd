//! The container itself.

use crate::pods::{ENABLED, annotated, context, injected, injected_by, pod, sidecar, variable};
use serde_json::{Value, json};
use tributary_inject::{Around, Context, Outcome, inject};

#[test]
fn all_of_it() {
    let field = |name: &str, path: &str| json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}});
    let expected = json!({
        "name": "tributary-sidecar",
        "image": "tributary-sidecar:0.1.0",
        "imagePullPolicy": "IfNotPresent",
        "restartPolicy": "Always",
        "env": [
            field("POD_NAME", "metadata.name"),
            field("POD_UID", "metadata.uid"),
            field("POD_NAMESPACE", "metadata.namespace"),
            field("NODE_NAME", "spec.nodeName"),
            {"name": "TRIBUTARY_UPSTREAM", "value": "tributary-wire.tracing.svc.cluster.local.:4319"},
            {"name": "TRIBUTARY_GRACE", "value": "29s"},
            {"name": "TRIBUTARY_RESOURCE_ATTRIBUTES", "value": "k8s.pod.name=$(POD_NAME),k8s.pod.uid=$(POD_UID),\
                k8s.namespace.name=$(POD_NAMESPACE),k8s.node.name=$(NODE_NAME)"},
        ],
        "ports": [{"name": "tributary-admin", "containerPort": 4320, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "32Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
    });
    let after = injected(&pod(json!({})));
    assert_eq!(*sidecar(&after), expected);
    // An emptyDir would keep the cluster's autoscaler from removing the node.
    assert_eq!(after["spec"].get("volumes"), None);
}

#[test]
fn openshift_chooses_the_user() {
    let after = injected_by(&pod(json!({})), &context(json!({"fixed_user": false})));
    let security = &sidecar(&after)["securityContext"];
    assert_eq!((security.get("runAsUser"), security.get("runAsGroup")), (None, None));
    assert_eq!(security["runAsNonRoot"], true);
}

#[test]
fn it_gives_up_a_second_before_the_pod_is_killed() {
    for (seconds, expected) in
        [(30, "29s"), (1, "0s"), (0, "0s"), (600, "599s"), (i64::MAX, "604800s")]
    {
        let pod = pod(json!({"spec": {"terminationGracePeriodSeconds": seconds}}));
        assert_eq!(variable(sidecar(&injected(&pod)), "TRIBUTARY_GRACE"), Some(expected));
    }
    let own = context(json!({"settings": {"grace": "5s"}}));
    assert_eq!(
        variable(sidecar(&injected_by(&pod(json!({})), &own)), "TRIBUTARY_GRACE"),
        Some("5s")
    );
}

#[test]
fn annotations_configure_it() {
    for (name, value, variable_name, expected) in [
        ("buffer", " 8MiB\n", "TRIBUTARY_BUFFER", "8MiB"),
        ("batch-age", "1s", "TRIBUTARY_BATCH_AGE", "1s"),
        ("log-level", "debug", "TRIBUTARY_LOG_LEVEL", "debug"),
        ("receivers", "otlp", "TRIBUTARY_RECEIVERS", "otlp"),
        ("tenant", "bank", "TRIBUTARY_TENANT", "bank"),
    ] {
        let after = injected(&annotated(&format!("tributary.dev/{name}"), value));
        assert_eq!(variable(sidecar(&after), variable_name), Some(expected), "{name}");
    }
    let quantities = json!({
        "tributary.dev/cpu-request": "50m", "tributary.dev/cpu-limit": "1",
        "tributary.dev/memory-request": "64Mi", "tributary.dev/memory-limit": "128Mi",
    });
    let after = injected(&pod(json!({"metadata": {"annotations": quantities}})));
    let expected = json!({"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "128Mi"}});
    assert_eq!(sidecar(&after)["resources"], expected);
}

#[test]
fn profiles_stand_between_the_platform_and_the_pod() {
    let context = context(json!({
        "settings": {"buffer": "16MiB", "batch-age": "200ms"},
        "profiles": {
            "large": {"settings": {"buffer": "64MiB"}, "resources": {"memory_request": "64Mi", "memory_limit": "128Mi"}},
            "shops": {"namespaces": ["sho*"], "settings": {"batch-age": "1s"}},
        },
    }));
    let of = |pod: &Value| {
        let after = injected_by(pod, &context);
        let sidecar = sidecar(&after);
        let text = |name| variable(sidecar, name).unwrap().to_owned();
        (
            text("TRIBUTARY_BUFFER"),
            text("TRIBUTARY_BATCH_AGE"),
            sidecar["resources"]["limits"]["memory"].clone(),
        )
    };
    assert_eq!(of(&pod(json!({}))), ("16MiB".into(), "1s".into(), json!("32Mi")));
    let large = annotated("tributary.dev/profile", "large");
    assert_eq!(of(&large), ("64MiB".into(), "200ms".into(), json!("128Mi")));
    let own = pod(
        json!({"metadata": {"annotations": {"tributary.dev/profile": "large", "tributary.dev/buffer": "2MiB"}}}),
    );
    assert_eq!(of(&own), ("2MiB".into(), "200ms".into(), json!("128Mi")));
}

#[test]
fn resource_attributes_are_added_each_once() {
    let context = context(
        json!({"settings": {"resource-attributes": "deployment.environment=test,k8s.cluster.name=a"}}),
    );
    let pod = pod(json!({"metadata": {
        "labels": {"app.kubernetes.io/name": "cart", "pod-template-hash": "5d9f"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": "cart-5d9f", "controller": true}],
        "annotations": {"tributary.dev/resource-attributes": "k8s.cluster.name=b, k8s.node.name=mine"},
    }}));
    let after = injected_by(&pod, &context);
    let expected = "k8s.pod.name=$(POD_NAME),k8s.pod.uid=$(POD_UID),k8s.namespace.name=$(POD_NAMESPACE),\
        k8s.deployment.name=cart,service.name=cart,deployment.environment=test,k8s.cluster.name=b,k8s.node.name=mine";
    assert_eq!(variable(sidecar(&after), "TRIBUTARY_RESOURCE_ATTRIBUTES"), Some(expected));
}

#[test]
fn the_owner_may_be_told() {
    let around = Around { owner: Some(("StatefulSet", "db")), ..ENABLED };
    let Outcome::Injected(change) = inject(&pod(json!({})), &Context::default(), &around) else {
        panic!()
    };
    let text = serde_json::to_string(&change.operations).unwrap();
    assert!(text.contains("k8s.statefulset.name=db"), "{text}");
}

#[test]
fn identity_adds_one_volume_that_keeps_the_api_token_away() {
    let token = context(json!({"settings": {"upstream": "https://a"}, "identity": "token"}));
    token.check().unwrap();
    let had = pod(json!({"spec": {"volumes": [{"name": "v"}]}}));
    for (pod, at) in [(pod(json!({})), 0), (had, 1)] {
        let after = injected_by(&pod, &token);
        let volume = json!({"name": "tributary-identity", "projected": {"sources": [
            {"serviceAccountToken": {"audience": "tributary", "expirationSeconds": 3600, "path": "token"}},
        ]}});
        assert_eq!(after["spec"]["volumes"][at], volume);
        let folder = "/var/run/secrets/kubernetes.io/serviceaccount";
        let mount = json!([{"name": "tributary-identity", "mountPath": folder, "readOnly": true}]);
        assert_eq!(sidecar(&after)["volumeMounts"], mount);
        let file = variable(sidecar(&after), "TRIBUTARY_UPSTREAM_TOKEN_FILE");
        assert_eq!(file, Some(format!("{folder}/token").as_str()));
    }
}
