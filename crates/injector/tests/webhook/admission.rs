//! Pods that are made.

use crate::api_server::{ApiServer, Other, limit_processors};
use crate::injector::Injector;
use serde_json::{Value, json};

const PLATFORM: &str = "image: registry.example/tributary-sidecar:9.9.9\n";

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"generateName": "shop-5d9f-", "labels": {"pod-template-hash": "5d9f"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "shop-5d9f", "controller": true}]},
        "spec": {"containers": [{"name": "shop", "image": "shop:1"}]},
    })
}

fn names(pod: &Value) -> Vec<&str> {
    let list = pod["spec"]["initContainers"].as_array().into_iter().flatten();
    list.map(|container| container["name"].as_str().unwrap()).collect()
}

fn sidecar(pod: &Value) -> &Value {
    let list = pod["spec"]["initContainers"].as_array().unwrap();
    list.iter().find(|container| container["name"] == "tributary-sidecar").unwrap()
}

#[tokio::test]
async fn a_pod_is_injected_and_the_second_round_changes_nothing() {
    let injector = Injector::start(PLATFORM).await;
    for protocol in ["http/1.1", "h2"] {
        let server = ApiServer { protocol, ..ApiServer::new(&injector) };
        let made = server.make(&pod()).await;
        assert_eq!(sidecar(&made.pod)["image"], "registry.example/tributary-sidecar:9.9.9");
        let status = &made.pod["metadata"]["annotations"]["tributary.dev/status"];
        assert!(status.as_str().unwrap().starts_with("injected "), "{status}");
        // The token's mount came to the container meanwhile.
        assert_eq!(sidecar(&made.pod)["volumeMounts"][0]["name"], "kube-api-access");
        assert_eq!(made.patches.len(), 2, "asked again");
        assert_eq!(made.patches[1], None);
        assert_eq!(made.warnings, Vec::<String>::new());
    }
    assert_eq!(
        injector.counted("tributary_injector_reviews_total{result=\"injected\"}").await,
        2.0
    );
    assert_eq!(
        injector.counted("tributary_injector_reviews_total{result=\"unchanged\"}").await,
        2.0
    );
}

#[tokio::test]
async fn with_an_identity_the_api_servers_token_stays_out_of_the_sidecar() {
    let platform = "identity: token\nsettings: {upstream: 'https://tributary-wire.tracing:4319'}\n";
    let injector = Injector::start(platform).await;
    let mut server = ApiServer::new(&injector);
    server.plugins.push(limit_processors);
    let made = server.make(&pod()).await;
    let ours = sidecar(&made.pod);
    assert_eq!(ours["volumeMounts"].as_array().unwrap().len(), 1, "{ours}");
    assert_eq!(ours["volumeMounts"][0]["name"], "tributary-identity");
    let volumes = made.pod["spec"]["volumes"].as_array().unwrap();
    let named = |name: &str| volumes.iter().filter(|volume| volume["name"] == name).count();
    assert_eq!((named("tributary-identity"), named("kube-api-access")), (1, 1));
    // The namespace's default came to the sidecar, and what the sidecar says itself stayed.
    assert_eq!(ours["resources"]["limits"], json!({"cpu": "500m", "memory": "32Mi"}));
    assert_eq!(made.patches[1], None);
}

/// A mesh that puts its containers first, as Istio and Linkerd do.
fn mesh(pod: &mut Value) {
    let mut list = pod["spec"]["initContainers"].as_array().cloned().unwrap_or_default();
    let own = json!({"name": "istio-proxy", "image": "mesh:1", "restartPolicy": "Always"});
    if list.iter().all(|container| container["name"] != "istio-proxy") {
        list.insert(0, own);
        pod["spec"]["initContainers"] = json!(list);
    }
}

/// A webhook of a time before init containers that restart.
fn forgets(pod: &mut Value) {
    for container in pod["spec"]["initContainers"].as_array_mut().into_iter().flatten() {
        container.as_object_mut().unwrap().remove("restartPolicy");
    }
}

/// One that takes away what it does not know.
fn clears(pod: &mut Value) {
    pod["spec"].as_object_mut().unwrap().remove("initContainers");
}

#[tokio::test]
async fn webhooks_before_and_after() {
    let injector = Injector::start(PLATFORM).await;
    let mesh_first = Other { name: "a-mesh.example", change: mesh };
    let mesh_last = Other { name: "istio-sidecar-injector", change: mesh };
    for other in [mesh_first, mesh_last] {
        let name = other.name;
        let server = ApiServer { others: vec![other], ..ApiServer::new(&injector) };
        let made = server.make(&pod()).await;
        assert_eq!(names(&made.pod), ["istio-proxy", "tributary-sidecar"], "{name}");
        assert_eq!(made.patches[1], None, "{name}");
    }

    let others = vec![Other { name: "old.example", change: forgets }];
    let server = ApiServer { others, ..ApiServer::new(&injector) };
    let made = server.make(&pod()).await;
    assert_eq!(sidecar(&made.pod)["restartPolicy"], "Always", "it was put back");

    let others = vec![Other { name: "strict.example", change: clears }];
    let server = ApiServer { others, ..ApiServer::new(&injector) };
    let made = server.make(&pod()).await;
    assert_eq!(names(&made.pod), ["tributary-sidecar"], "it was put in again");
}

#[tokio::test]
async fn a_pod_that_cannot_have_it_is_made_and_says_why() {
    let injector = Injector::start(PLATFORM).await;
    let mut server = ApiServer::new(&injector);
    let mut host = pod();
    host["spec"]["hostNetwork"] = json!(true);
    let mut wrong = pod();
    wrong["metadata"]["annotations"] = json!({"tributary.dev/buffer": "a lot"});
    for (pod, why) in [(host, "host network"), (wrong, "BUFFER")] {
        let made = server.make(&pod).await;
        assert_eq!(names(&made.pod), Vec::<&str>::new());
        let status = made.pod["metadata"]["annotations"]["tributary.dev/status"].as_str().unwrap();
        assert!(status.starts_with("skipped: ") && status.contains(why), "{status}");
        assert!(made.warnings[0].contains(why), "{:?}", made.warnings);
    }
    // Asked by itself, in a namespace that says nothing.
    server.path = "/inject/pod";
    assert_eq!(names(&server.make(&pod()).await.pod), Vec::<&str>::new());
    let mut asks = pod();
    asks["metadata"]["labels"]["tributary.dev/inject"] = json!("enabled");
    assert_eq!(names(&server.make(&asks).await.pod), ["tributary-sidecar"]);
}
