mod server;

use super::*;
use crate::around::Around;
use crate::inject::inject;
use crate::outcome::Outcome;
use crate::yaml::documents;
use serde_json::Map;
use server::Server;
use tributary_receivers::Receiver;

/// Names of variables that an expression uses.
fn used(expression: &str) -> Vec<&str> {
    let after = expression.split("variables.").skip(1);
    after
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default())
        .collect()
}

#[test]
fn variables_use_those_above_them() {
    let context = Context::default();
    let mut known = Vec::new();
    for variable in variables(&context) {
        for name in used(&variable.expression) {
            assert!(known.contains(&name), "{} uses {name}", variable.name);
        }
        assert!(!known.contains(&variable.name), "{} is there twice", variable.name);
        known.push(variable.name);
    }
    for name in used(&mutation::mutation(&context)) {
        assert!(known.contains(&name), "the mutation uses {name}");
    }
}

#[test]
fn expressions_close_what_they_open() {
    let identity = crate::Identity::Token;
    let istio = crate::MeshSetting::Istio;
    for context in [Context::default(), Context { identity, mesh: istio, ..Context::default() }] {
        let text = policy(&context);
        let read = documents(&text).unwrap();
        assert_eq!(read.len(), 2);
        let mut expressions: Vec<String> =
            variables(&context).into_iter().map(|variable| variable.expression).collect();
        expressions.push(mutation::mutation(&context));
        for expression in expressions {
            let mut open = Vec::new();
            let mut quoted = false;
            for letter in expression.chars() {
                match letter {
                    '"' => quoted = !quoted,
                    _ if quoted => {}
                    '(' => open.push(')'),
                    '[' => open.push(']'),
                    '{' => open.push('}'),
                    ')' | ']' | '}' => assert_eq!(open.pop(), Some(letter), "{expression}"),
                    _ => {}
                }
            }
            assert!(open.is_empty() && !quoted, "{expression}");
        }
    }
}

/// The pod as the policy makes it, and as the function makes it: the same, but for the list of
/// receivers, which the policy writes out one by one, and the order of variables.
fn both(server: &Server, pod: &Value, context: &Context, label: Option<&str>) -> (Value, Value) {
    let applied = |operations: Value| {
        let operations: Vec<crate::Operation> = serde_json::from_value(operations).unwrap();
        let mut after = pod.clone();
        json_patch::patch(&mut after, &operations).unwrap();
        comparable(after)
    };
    let around = Around { namespace: Some("shop"), label, owner: None };
    let outcome = inject(pod, context, &around);
    let own = match &outcome {
        Outcome::Injected(change) => change.operations.clone(),
        _ => outcome.status(pod),
    };
    let asked = server.answer(pod, label);
    (applied(asked), applied(serde_json::to_value(own).unwrap()))
}

/// The sidecar's variables as a map, its receivers as they are told or not.
fn comparable(mut pod: Value) -> Value {
    let inits = pod.pointer_mut("/spec/initContainers").and_then(Value::as_array_mut);
    for container in inits.into_iter().flatten().filter(|one| one["name"] == "tributary-sidecar") {
        let Some(all) = container.get("env").and_then(Value::as_array).cloned() else { continue };
        let named = all.into_iter().map(|mut one| {
            let name = one["name"].as_str().unwrap().to_owned();
            (name, one.as_object_mut().unwrap().remove("value").unwrap_or(one))
        });
        let mut named: Map<String, Value> = named.collect();
        if let Some(Value::String(list)) = named.remove("TRIBUTARY_RECEIVERS") {
            let chosen = Receiver::list(&list).unwrap();
            if chosen != Receiver::ALL {
                let names: Vec<&str> = chosen.into_iter().map(Receiver::name).collect();
                named.insert("receivers".to_owned(), json!(names));
            }
        }
        container["env"] = Value::Object(named);
    }
    pod
}

fn pod(more: Value) -> Value {
    let mut pod = json!({
        "metadata": {"generateName": "shop-"},
        "spec": {"containers": [{"name": "shop", "image": "shop:1"}]},
    });
    json_patch::merge(&mut pod, &more);
    pod
}

/// A table of pods says what both must give. What stands in for the API server knows the functions of
/// CEL that the policy calls, and no types: a real one has the last word.
#[test]
fn the_policy_does_what_the_function_does() {
    let note = |key: &str, value: &str| json!({"metadata": {"annotations": {format!("tributary.dev/{key}"): value}}});
    let ports = |ports: Value| json!({"spec": {"containers": [{"name": "c", "ports": ports}]}});
    let sidecar = |policy: Value| json!({"spec": {"initContainers": [{"name": "wait"}, {"name": "tributary-sidecar", "image": Context::default().image, "restartPolicy": policy}]}});
    let pods = [
        json!({}),
        json!({"metadata": {"annotations": {"a": "b"}, "labels": {"app.kubernetes.io/name": "shop"}}}),
        json!({"metadata": {"labels": {"tributary.dev/inject": "enabled"}}}),
        json!({"metadata": {"labels": {"tributary.dev/inject": "disabled"}}}),
        json!({"metadata": {"labels": {"tributary.dev/inject": "on"}}}),
        note("inject", "enabled"),
        note("inject", "disabled"),
        note("inject", "1"),
        json!({"spec": {"initContainers": [{"name": "wait"}]}}),
        json!({"spec": {"initContainers": [{"name": "istio-init"}, {"name": "linkerd-proxy"}, {"name": "wait"}]}}),
        json!({"spec": {"initContainers": [{"name": "istio-init"}]}, "metadata": {"annotations": {"traffic.sidecar.istio.io/excludeInboundPorts": "80, 4320"}}}),
        json!({"spec": {"initContainers": [{"name": "istio-init"}]}, "metadata": {"annotations": {"traffic.sidecar.istio.io/excludeInboundPorts": "80"}}}),
        json!({"spec": {"initContainers": [{"name": "istio-init"}]}, "metadata": {"annotations": {"traffic.sidecar.istio.io/excludeInboundPorts": "*"}}}),
        json!({"spec": {"terminationGracePeriodSeconds": 0}}),
        json!({"spec": {"terminationGracePeriodSeconds": 90}}),
        json!({"spec": {"terminationGracePeriodSeconds": 9_000_000}}),
        json!({"spec": {"volumes": [{"name": "v"}]}}),
        json!({"spec": {"volumes": [{"name": "tributary-identity"}]}}),
        json!({"spec": {"hostNetwork": true}}),
        json!({"spec": {"hostNetwork": false, "os": {"name": "linux"}, "nodeSelector": {"a": "b"}}}),
        json!({"spec": {"os": {"name": "windows"}}}),
        json!({"spec": {"nodeSelector": {"kubernetes.io/os": "windows"}}}),
        json!({"spec": {"containers": [{"name": "tributary-sidecar"}]}}),
        ports(json!([{"containerPort": 4320}])),
        ports(
            json!([{"containerPort": 4317}, {"containerPort": 6831, "protocol": "UDP"}, {"containerPort": 6832}]),
        ),
        sidecar(json!("Always")),
        sidecar(json!(null)),
        sidecar(json!("Never")),
        note("buffer", "8MiB"),
        note("batch-age", "1s500ms"),
        note("log-level", "DEBUG"),
        note("receivers", "otlp-grpc,otlp-http,zipkin"),
        note("tenant", "bank"),
        note("resource-attributes", "k8s.node.name=x, a=b"),
        note("cpu-limit", "500m"),
        note("memory-limit", "64Mi"),
        json!({"metadata": {"ownerReferences": [{"kind": "ReplicaSet", "name": "shop-1f", "controller": true}], "labels": {"pod-template-hash": "1f"}}}),
        json!({"metadata": {"ownerReferences": [{"kind": "ReplicaSet", "name": "shop-1f", "controller": true}]}}),
        json!({"metadata": {"ownerReferences": [{"kind": "StatefulSet", "name": "db", "controller": true}, {"kind": "Job", "name": "x"}]}}),
        json!({"metadata": {"ownerReferences": [{"kind": "Workflow", "name": "w", "controller": true}]}}),
    ];
    let upstream = [("upstream".to_owned(), "https://a,https://b:1".to_owned())].into();
    let settings = [
        ("upstream".to_owned(), "a".to_owned()),
        ("buffer".to_owned(), "4MiB".to_owned()),
        ("resource-attributes".to_owned(), "a=1,k8s.cluster.name=c".to_owned()),
        ("tenant".to_owned(), "all".to_owned()),
        ("grace".to_owned(), "3s".to_owned()),
        ("receivers".to_owned(), "otlp".to_owned()),
    ];
    let contexts = [
        Context::default(),
        Context { settings: settings.into(), fixed_user: false, ..Context::default() },
        Context {
            settings: upstream,
            identity: crate::Identity::Token,
            mesh: crate::MeshSetting::Istio,
            ..Context::default()
        },
        Context {
            settings: [("upstream".to_owned(), "https://a".to_owned())].into(),
            ..Context::default()
        },
    ];
    for context in &contexts {
        let server = Server::new(context);
        for more in &pods {
            let pod = pod(more.clone());
            for label in [Some("enabled"), Some("disabled"), None] {
                let (policy, function) = both(&server, &pod, context, label);
                assert_eq!(policy, function, "{label:?} {pod}");
            }
        }
    }
}

/// Where the function says what is wrong, the policy says at least that something is.
#[test]
fn what_the_function_refuses_the_policy_skips() {
    let context = Context::default();
    let server = Server::new(&context);
    for (key, value) in [
        ("bufer", "1MiB"),
        ("buffer", "lots"),
        ("batch-age", "5"),
        ("log-level", "loud"),
        ("receivers", "otlp,smoke"),
        ("cpu-request", "lots"),
        ("cpu-request", "-1"),
        ("cpu-request", "2"),
        ("memory-request", "64Mi"),
        ("memory-limit", "1Gi"),
        ("profile", "large"),
    ] {
        let pod =
            pod(json!({"metadata": {"annotations": {format!("tributary.dev/{key}"): value}}}));
        let (policy, function) = both(&server, &pod, &context, Some("enabled"));
        for after in [policy, function] {
            let status = after.pointer("/metadata/annotations/tributary.dev~1status").unwrap();
            assert!(status.as_str().unwrap().starts_with("skipped: "), "{key} {value}: {status}");
            assert_eq!(after["spec"], pod["spec"]);
        }
    }
}
