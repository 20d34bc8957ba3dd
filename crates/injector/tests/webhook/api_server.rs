//! What the API server does with a pod that is made: its own plugins, then webhooks in the order of
//! their names; if what one of them made was changed afterwards, all of it once more.

use crate::injector::Injector;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// A change that a webhook of another program, or a plugin of the API server, makes.
pub(crate) type Change = fn(&mut Value);

/// A webhook of another program. It is asked once: `reinvocationPolicy: Never`.
pub(crate) struct Other {
    pub(crate) name: &'static str,
    pub(crate) change: Change,
}

/// What the injector's webhook is called: it sorts before those of meshes.
const OURS: &str = "injector.tributary.dev";

/// The API server with these plugins and webhooks beside the injector's.
pub(crate) struct ApiServer<'a> {
    pub(crate) injector: &'a Injector,
    /// As the webhook configuration's entry has it.
    pub(crate) path: &'static str,
    pub(crate) protocol: &'static str,
    pub(crate) plugins: Vec<Change>,
    pub(crate) others: Vec<Other>,
}

/// What became of a pod.
pub(crate) struct Made {
    pub(crate) pod: Value,
    /// Patches of the injector's answers, in order: none where there was none.
    pub(crate) patches: Vec<Option<Value>>,
    pub(crate) warnings: Vec<String>,
}

impl<'a> ApiServer<'a> {
    pub(crate) fn new(injector: &'a Injector) -> Self {
        ApiServer {
            injector,
            path: "/inject/namespace",
            protocol: "h2",
            plugins: vec![mount_tokens],
            others: Vec::new(),
        }
    }

    /// Makes a pod in the namespace `shop`.
    pub(crate) async fn make(&self, pod: &Value) -> Made {
        let mut made = Made { pod: pod.clone(), patches: Vec::new(), warnings: Vec::new() };
        self.plugins.iter().for_each(|plugin| plugin(&mut made.pod));
        let mut names: Vec<&str> = self.others.iter().map(|other| other.name).collect();
        names.push(OURS);
        names.sort_unstable();
        let mut answered = Value::Null;
        for name in names {
            match self.others.iter().find(|other| other.name == name) {
                Some(other) => (other.change)(&mut made.pod),
                None => {
                    self.ask(&mut made).await;
                    answered = made.pod.clone();
                }
            }
        }
        // Plugins see what webhooks have put in; those that have had their say are asked again when it
        // is another pod now.
        self.plugins.iter().for_each(|plugin| plugin(&mut made.pod));
        if made.pod != answered {
            self.ask(&mut made).await;
        }
        made
    }

    async fn ask(&self, made: &mut Made) {
        let review = json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": format!("uid-{}", made.patches.len()),
                "kind": {"group": "", "version": "v1", "kind": "Pod"},
                "resource": {"group": "", "version": "v1", "resource": "pods"},
                "namespace": "shop",
                "operation": "CREATE",
                "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller"},
                "object": made.pod,
                "oldObject": null,
                "dryRun": false,
                "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
            },
        });
        let response = self.injector.review(self.protocol, self.path, &review).await;
        assert_eq!(response["uid"], review["request"]["uid"]);
        assert_eq!(response["allowed"], true, "{response}");
        let patch = response.get("patch").map(|patch| {
            assert_eq!(response["patchType"], "JSONPatch");
            let bytes = BASE64_STANDARD.decode(patch.as_str().unwrap()).unwrap();
            let patch: Value = serde_json::from_slice(&bytes).unwrap();
            let parsed: json_patch::Patch = serde_json::from_value(patch.clone()).unwrap();
            json_patch::patch(&mut made.pod, &parsed).unwrap();
            patch
        });
        made.patches.push(patch);
        let warnings = response["warnings"].as_array().into_iter().flatten();
        made.warnings.extend(warnings.map(|warning| warning.as_str().unwrap().to_owned()));
    }
}

/// The plugin ServiceAccount: each container that has no mount there gets the API server's token.
pub(crate) fn mount_tokens(pod: &mut Value) {
    const FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    let mut mounted = false;
    for list in ["initContainers", "containers"] {
        for container in pod["spec"][list].as_array_mut().into_iter().flatten() {
            let mounts = container["volumeMounts"].as_array().cloned().unwrap_or_default();
            if mounts.iter().all(|mount| mount["mountPath"] != FOLDER) {
                let own = json!({"name": "kube-api-access", "mountPath": FOLDER, "readOnly": true});
                container["volumeMounts"] = json!([mounts, vec![own]].concat());
                mounted = true;
            }
        }
    }
    let volumes = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
    if mounted && volumes.iter().all(|volume| volume["name"] != "kube-api-access") {
        let own = json!({"name": "kube-api-access", "projected": {"sources": []}});
        pod["spec"]["volumes"] = json!([volumes, vec![own]].concat());
    }
}

/// The plugin LimitRanger, with a default limit for processors in the namespace.
pub(crate) fn limit_processors(pod: &mut Value) {
    for list in ["initContainers", "containers"] {
        for container in pod["spec"][list].as_array_mut().into_iter().flatten() {
            let limits = &mut container["resources"]["limits"];
            if limits.get("cpu").is_none() {
                limits["cpu"] = json!("500m");
            }
        }
    }
}
