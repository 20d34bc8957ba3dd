//! What comes out is what Kubernetes takes, by its own schemas.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::process::Command;
use tributary_inject::manifest::{Task, change};
use tributary_inject::{Context, Identity, policy};
use tributary_testkit::{python, workspace_root};

/// Validates a text against the schemas of one version, fields that are not known refused. Gives the
/// variables of each container.
fn validate(name: &str, text: &str, version: &str) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join(name);
    std::fs::write(&file, text)?;
    let root = workspace_root();
    let mut command = Command::new(python()?);
    command.arg(root.join("tests/python/manifests.py")).arg(version).arg(&file);
    let output = command.output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} {version}: {errors}\n{text}");
    serde_json::from_slice(&output.stdout).with_context(|| errors.into_owned())
}

fn with_token() -> Context {
    let mut context = Context { identity: Identity::Token, ..Context::default() };
    context.settings.insert("upstream".to_owned(), "https://tributary-wire:4319".to_owned());
    context
}

const WORKLOADS: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
        - name: shop
          image: shop:1
          ports:
            - containerPort: 4317
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: nightly
spec:
  schedule: \"0 3 * * *\"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          initContainers: [{name: istio-init, image: i}]
          volumes: [] # none yet
          containers:
          - {name: nightly, image: nightly:1}
---
{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"p\"}, \"spec\": {\"containers\": [{\"name\": \"p\", \"image\": \"p\"}]}}
";

#[test]
fn workloads_are_valid() -> Result<()> {
    for context in [Context::default(), with_token()] {
        let changed = change(WORKLOADS, Task::Inject(&context))?;
        for object in &changed.objects {
            ensure!(!object.told.is_failure(), "{}: {}", object.name, object.told);
        }
        // Native sidecars are older than the oldest of these.
        for version in ["1.33", "1.37"] {
            let found = validate("workloads.yaml", &changed.text, version)?;
            let attributes = &found["tributary-sidecar"]["TRIBUTARY_RESOURCE_ATTRIBUTES"];
            let expected =
                "k8s.pod.name=known,k8s.pod.uid=known,k8s.namespace.name=known,k8s.node.name=known";
            ensure!(*attributes == json!(expected), "{attributes}");
        }
    }
    Ok(())
}

#[test]
fn the_policy_is_valid() -> Result<()> {
    for context in [Context::default(), with_token()] {
        let text = policy::policy(&context);
        for version in ["1.36", "1.37"] {
            validate("policy.yaml", &text, version)?;
        }
    }
    Ok(())
}
