//! Documents of files, held against Kubernetes' schemas as they are read.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;
use tributary_testkit::{python, workspace_root};

/// What is in support, and two versions more.
pub(crate) const VERSIONS: &str = "1.33,1.34,1.35,1.36,1.37";
/// The newest of them.
pub(crate) const NEWEST: &str = "1.37";
/// Where the schema is not the question.
pub(crate) const UNCHECKED: &str = "";

/// The plain files.
pub(crate) const PLAIN: [&str; 7] = [
    "deploy/agent-daemonset.yaml",
    "deploy/application-networkpolicy.yaml",
    "deploy/ingester-deployment.yaml",
    "deploy/mixin/podmonitor.yaml",
    "deploy/mixin/servicemonitor.yaml",
    "deploy/sidecar-pod.yaml",
    "deploy/verifier.yaml",
];

/// Objects in their order.
pub(crate) type Documents = Vec<Value>;

/// The documents of files.
///
/// # Errors
/// What one of these versions of Kubernetes would refuse.
pub(crate) fn read(files: &[&str], versions: &str) -> Result<BTreeMap<String, Documents>> {
    let root = workspace_root();
    let mut command = Command::new(python()?);
    command.arg(root.join("tests/python/documents.py")).arg(versions).args(files);
    let output = command.current_dir(root).output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).with_context(|| errors.into_owned())
}

/// The documents of one file.
pub(crate) fn one(file: &str) -> Result<Documents> {
    read(&[file], UNCHECKED)?.remove(file).context("no documents")
}

/// `Kind name`, as people call an object.
pub(crate) fn called(document: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{} {}", text(&document["kind"]), text(&document["metadata"]["name"]))
}

/// The object that is called `Kind name`.
pub(crate) fn named<'d>(documents: &'d [Value], name: &str) -> Result<&'d Value> {
    let found = documents.iter().find(|document| called(document) == name);
    found.with_context(|| format!("no {name}"))
}

/// Objects of a kind.
pub(crate) fn of_kind<'d>(
    documents: &'d [Value],
    kind: &str,
) -> impl Iterator<Item = &'d Value> + use<'d> {
    let kind = kind.to_owned();
    documents.iter().filter(move |document| document["kind"] == kind.as_str())
}

/// Templates of pods, and pods, with what they are called.
pub(crate) fn pods(documents: &[Value]) -> Vec<(String, &Value)> {
    let workload = |document: &'_ Value| match document["kind"].as_str() {
        Some("Deployment" | "DaemonSet") => Some("/spec/template"),
        Some("Pod") => Some(""),
        _ => None,
    };
    let found = documents
        .iter()
        .filter_map(|document| Some((called(document), document.pointer(workload(document)?)?)));
    found.collect()
}

/// Whether labels have all that a selector's `matchLabels` names.
pub(crate) fn selects(selector: &Value, labels: &Value) -> bool {
    selector.as_object().is_some_and(|wanted| {
        !wanted.is_empty() && wanted.iter().all(|(key, value)| labels[key] == *value)
    })
}
