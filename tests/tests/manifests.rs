//! The manifests are what Kubernetes takes, and what they set is what the programs take.

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};
use std::process::Command;
use tributary_testkit::wait::SOON;
use tributary_testkit::{Process, python, workspace_root};
use tributary_tests::program;

/// The oldest version with what the manifests need and still in wide use, and the newest.
const VERSIONS: [&str; 2] = ["1.33", "1.37"];

fn containers(version: &str) -> Result<Map<String, Value>> {
    let root = workspace_root();
    let mut command = Command::new(python()?);
    command.arg(root.join("tests/python/manifests.py")).arg(version);
    command.args(["deploy/sidecar-pod.yaml", "deploy/ingester-deployment.yaml"]);
    command.arg("deploy/agent-daemonset.yaml");
    let output = command.current_dir(root).output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "Kubernetes {version}: {errors}");
    serde_json::from_slice(&output.stdout).with_context(|| errors.into_owned())
}

#[test]
fn kubernetes_takes_them() -> Result<()> {
    for version in VERSIONS {
        let found = containers(version)?;
        for name in ["tributary-sidecar", "tributary-ingester", "tributary-agent"] {
            ensure!(found.contains_key(name), "no container {name} in {found:?}");
        }
    }
    Ok(())
}

/// Starts each program with the variables of its container and one mistake more: that one must be
/// the only one.
#[tokio::test]
async fn the_programs_take_what_they_set() -> Result<()> {
    let found = containers(VERSIONS[1])?;
    for (name, program) in [
        ("tributary-sidecar", program::sidecar()?),
        ("tributary-ingester", program::ingester()?),
        ("tributary-agent", program::ingester()?),
    ] {
        let env = found.get(name).and_then(Value::as_object).context("variables")?;
        let env: Vec<(&str, &str)> =
            env.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect();
        ensure!(env.iter().any(|(key, _)| key.starts_with("TRIBUTARY_")), "{name} is told nothing");
        let mut process = Process::spawn(program, ["--log-level", "nonsense"], &env)?;
        let status = process.wait(SOON).await?;
        let output = process.output();
        ensure!(status.code() == Some(64), "{name}: {status}:\n{}", output.join("\n"));
        ensure!(output.iter().any(|line| line.contains("nonsense")), "{}", output.join("\n"));
        for (key, _) in env {
            let flag = key.trim_start_matches("TRIBUTARY_").to_lowercase().replace('_', "-");
            let fault = output.iter().find(|line| line.contains(key) || line.contains(&flag));
            ensure!(fault.is_none(), "{name} does not take {key}: {fault:?}");
        }
    }
    Ok(())
}
