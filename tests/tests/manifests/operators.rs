//! Objects that operators read: Prometheus' monitors and rules, cert-manager's certificates. Their schemas
//! come from packages of npm's.

use crate::files::{Documents, called, of_kind, one};
use crate::tools::{charted, kubernetes, parsed, rendered};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Stdio};
use tributary_testkit::workspace_root;

const GROUPS: [&str; 2] = ["monitoring.coreos.com/", "cert-manager.io/"];

/// What is wrong with those of the documents that are an operator's, and how many there are.
fn faults(documents: &[Value]) -> Result<(usize, Vec<String>)> {
    let is_theirs = |document: &&Value| {
        let version = document["apiVersion"].as_str().unwrap_or_default();
        GROUPS.iter().any(|group| version.starts_with(group))
    };
    let theirs: Documents = documents.iter().filter(is_theirs).cloned().collect();
    let mut command = Command::new("node");
    command.arg(workspace_root().join("tests/node/operators/check.mjs"));
    command.env("NODE_PACKAGES", kubernetes("operators")?);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut node = command.spawn().context("node")?;
    let mut input = node.stdin.take().context("standard input")?;
    input.write_all(serde_json::to_string(&theirs)?.as_bytes())?;
    drop(input);
    let output = node.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let faults = serde_json::from_slice(&output.stdout).with_context(|| said.into_owned())?;
    Ok((theirs.len(), faults))
}

#[test]
fn operators_take_what_is_theirs() -> Result<()> {
    let own = rendered(&["plain"], &["tls.certManager.enabled=true"])?;
    let issuer =
        "tls.certManager.issuerRef.kind=ClusterIssuer,tls.certManager.issuerRef.name=company";
    let given = rendered(&["plain"], &["tls.certManager.enabled=true", issuer])?;
    let table = [
        (charted(&["everything"])?, 4),
        (parsed(&own)?, 4),
        (parsed(&given)?, 1),
        (one("deploy/mixin/podmonitor.yaml")?, 1),
        (one("deploy/mixin/servicemonitor.yaml")?, 1),
    ];
    for (documents, expected) in table {
        let (seen, faults) = faults(&documents)?;
        let names: Vec<String> = documents.iter().map(called).collect();
        ensure!(seen == expected && faults.is_empty(), "{seen} of {names:?}: {faults:?}");
    }
    Ok(())
}

/// The check would see a mistake: in a value, and in a name.
#[test]
fn operators_schemas_see_mistakes() -> Result<()> {
    let documents = one("deploy/mixin/podmonitor.yaml")?;
    let monitor = of_kind(&documents, "PodMonitor").next().context("a PodMonitor")?;
    let endpoint = "/spec/podMetricsEndpoints/0";
    for (key, value, expected) in
        [("interval", json!("sixty"), "must match"), ("intervall", json!("60s"), "no such name")]
    {
        let mut wrong = monitor.clone();
        wrong.pointer_mut(endpoint).context("an endpoint")?[key] = value;
        let (_, faults) = faults(&[wrong])?;
        ensure!(faults.iter().any(|fault| fault.contains(expected)), "{key}: {faults:?}");
    }
    Ok(())
}
