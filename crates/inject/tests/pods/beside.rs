//! The sidecar beside what a pod has already: meshes, other sidecars, ports, an earlier injection.

use crate::pods::{changed_by, context, injected, injected_by, pod, sidecar, variable, why_not};
use serde_json::{Value, json};
use tributary_inject::{Context, remove};

fn names(pod: &Value) -> Vec<&str> {
    let inits = pod["spec"]["initContainers"].as_array().unwrap();
    inits.iter().map(|container| container["name"].as_str().unwrap()).collect()
}

fn with_inits(names: &[&str]) -> Value {
    let all: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    pod(json!({"spec": {"initContainers": all}}))
}

#[test]
fn it_stands_behind_a_mesh_and_before_the_rest() {
    let table: [(&[&str], usize); 7] = [
        (&[], 0),
        (&["wait"], 0),
        (&["istio-init", "wait"], 1),
        (&["istio-validation", "istio-proxy", "wait"], 2),
        (&["linkerd-init", "linkerd-proxy", "wait", "more"], 2),
        (&["wait", "istio-init", "more"], 2),
        (&["linkerd-network-validator"], 1),
    ];
    for (inits, at) in table {
        let after = injected(&with_inits(inits));
        let mut expected = inits.to_vec();
        expected.insert(at, "tributary-sidecar");
        assert_eq!(names(&after), expected);
    }
}

#[test]
fn a_mesh_lets_its_ports_through() {
    let in_ports = "traffic.sidecar.istio.io/excludeInboundPorts";
    let out_ports = "traffic.sidecar.istio.io/excludeOutboundPorts";
    let linkerd = "config.linkerd.io/skip-outbound-ports";
    let tls = json!({"upstream": "https://a,https://b:4443"});
    let table = [
        (json!({}), "istio-proxy", json!({}), json!({in_ports: "4320"})),
        (json!({}), "istio-proxy", json!({in_ports: "80, 4320"}), json!({in_ports: "80, 4320"})),
        (json!({}), "istio-proxy", json!({in_ports: "80"}), json!({in_ports: "80,4320"})),
        (json!({}), "istio-proxy", json!({in_ports: "*"}), json!({in_ports: "*"})),
        (
            json!({"settings": tls}),
            "istio-init",
            json!({}),
            json!({in_ports: "4320", out_ports: "4319,4443"}),
        ),
        (json!({"settings": tls}), "linkerd-init", json!({}), json!({linkerd: "4319,4443"})),
        (json!({}), "linkerd-init", json!({}), json!({})),
        (json!({"settings": tls}), "wait", json!({}), json!({})),
        (
            json!({"settings": tls, "mesh": "linkerd"}),
            "wait",
            json!({}),
            json!({linkerd: "4319,4443"}),
        ),
        (json!({"mesh": "istio"}), "wait", json!({}), json!({in_ports: "4320"})),
        (json!({"mesh": "none"}), "istio-init", json!({}), json!({})),
    ];
    for (settings, init, had, expected) in table {
        let mut pod = with_inits(&[init]);
        json_patch::merge(&mut pod, &json!({"metadata": {"annotations": had}}));
        let after = injected_by(&pod, &context(settings));
        let mut found = after["metadata"]["annotations"].clone();
        assert_eq!(found["tributary.dev/status"], "injected 0.1.0");
        found.as_object_mut().unwrap().remove("tributary.dev/status");
        assert_eq!(found, expected, "{init}");
    }
}

#[test]
fn ports_that_containers_declare_are_left_to_them() {
    let with = |ports: Value| pod(json!({"spec": {"containers": [{"name": "c", "ports": ports}]}}));
    let otlp =
        with(json!([{"containerPort": 4317}, {"containerPort": 6831}, {"containerPort": 8080}]));
    let change = changed_by(&otlp, &Context::default());
    assert_eq!(change.notes, ["without otlp-grpc: a container declares that port"]);
    let after = injected(&otlp);
    let receivers =
        "otlp-http,jaeger-compact,jaeger-binary,jaeger-http,jaeger-grpc,jaeger-sampling,zipkin";
    assert_eq!(variable(sidecar(&after), "TRIBUTARY_RECEIVERS"), Some(receivers));

    let udp = injected(&with(json!([{"containerPort": 6831, "protocol": "UDP"}])));
    assert!(!variable(sidecar(&udp), "TRIBUTARY_RECEIVERS").unwrap().contains("compact"));
    let none = injected(&with(json!([{"containerPort": 4317, "protocol": "UDP"}])));
    assert_eq!(variable(sidecar(&none), "TRIBUTARY_RECEIVERS"), None);

    let zipkin = context(json!({"settings": {"receivers": "zipkin"}}));
    let why = why_not(&with(json!([{"containerPort": 9411}])), &zipkin);
    assert_eq!(why, "its containers declare the ports of all receivers");
    let moved =
        context(json!({"settings": {"receivers": "zipkin", "zipkin-listen": "localhost:9412"}}));
    injected_by(&with(json!([{"containerPort": 9411}])), &moved);
    let moved = context(json!({"settings": {"admin-listen": ":5320"}}));
    let after = injected_by(&with(json!([{"containerPort": 4320}])), &moved);
    assert_eq!(sidecar(&after)["ports"][0]["containerPort"], 5320);
}

#[test]
fn what_a_webhook_took_off_is_put_back() {
    for stripped in [json!(null), json!("Never")] {
        let mut pod = injected(&with_inits(&["istio-init", "wait"]));
        let before = pod.clone();
        json_patch::merge(
            &mut pod["spec"]["initContainers"][1],
            &json!({"restartPolicy": stripped}),
        );
        let change = changed_by(&pod, &Context::default());
        assert_eq!(change.operations.len(), 1);
        assert_eq!(change.notes, ["its restartPolicy was put back"]);
        json_patch::patch(&mut pod, &change.operations).unwrap();
        assert_eq!(pod, before);
    }
}

/// By content: a copy of a pod has no annotation of ours, and has the sidecar.
#[test]
fn once_is_known_by_the_container_and_not_by_the_annotation() {
    let mut copy = injected(&pod(json!({})));
    copy["metadata"].as_object_mut().unwrap().remove("annotations");
    assert!(changed_by(&copy, &Context::default()).operations.is_empty());
    let token = context(json!({"settings": {"upstream": "https://a"}, "identity": "token"}));
    let mut copy = injected_by(&pod(json!({})), &token);
    copy["spec"].as_object_mut().unwrap().remove("initContainers");
    let again = injected_by(&copy, &token);
    assert_eq!(again["spec"]["volumes"].as_array().unwrap().len(), 1);
}

#[test]
fn what_was_put_in_can_be_taken_out() {
    let token = context(json!({"settings": {"upstream": "https://a"}, "identity": "token"}));
    let pods = [
        pod(json!({})),
        pod(json!({"metadata": null})),
        pod(json!({"metadata": {"annotations": {"a": "b"}}, "spec": {"volumes": [{"name": "v"}]}})),
        with_inits(&["linkerd-init", "wait"]),
    ];
    for (pod, context) in
        pods.iter().flat_map(|pod| [(pod, Context::default()), (pod, token.clone())])
    {
        // A mesh keeps what it was told.
        let context = Context { mesh: tributary_inject::MeshSetting::None, ..context };
        let mut after = injected_by(pod, &context);
        let operations = remove(&after);
        json_patch::patch(&mut after, &operations).unwrap();
        assert_eq!(after, *pod);
        assert!(remove(pod).is_empty());
    }
}

#[test]
fn nothing_else_of_the_pod_is_touched() {
    let before = pod(json!({
        "metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}},
        "spec": {"initContainers": [{"name": "wait"}], "securityContext": {"fsGroup": 1}, "automountServiceAccountToken": false},
    }));
    let mut after = injected(&before);
    after["spec"]["initContainers"].as_array_mut().unwrap().remove(0);
    after["metadata"]["annotations"].as_object_mut().unwrap().remove("tributary.dev/status");
    assert_eq!(after, before);
}
