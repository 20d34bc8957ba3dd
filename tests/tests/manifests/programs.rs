//! What the manifests set is what the programs take.

use crate::files::NEWEST;
use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};
use std::process::Command;
use tributary_testkit::wait::SOON;
use tributary_testkit::{Process, python, workspace_root};
use tributary_tests::program;

/// Variables that name files which only a pod has.
const FILES: [&str; 3] = ["_TLS_CERT", "_TLS_KEY", "_TLS_CA"];

fn containers() -> Result<Map<String, Value>> {
    let root = workspace_root();
    let mut command = Command::new(python()?);
    command.arg(root.join("tests/python/manifests.py")).arg(NEWEST);
    command.args(["deploy/sidecar-pod.yaml", "deploy/ingester-deployment.yaml"]);
    command.arg("deploy/agent-daemonset.yaml");
    let output = command.current_dir(root).output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).with_context(|| errors.into_owned())
}

/// Starts each program with the variables of its container and one mistake more: that one must be
/// the only one.
#[tokio::test]
async fn the_programs_take_what_they_set() -> Result<()> {
    let found = containers()?;
    let file = workspace_root().join("Cargo.toml").display().to_string();
    for (name, program) in [
        ("tributary-sidecar", program::sidecar()?),
        ("tributary-ingester", program::ingester()?),
        ("tributary-agent", program::ingester()?),
    ] {
        let env = found.get(name).and_then(Value::as_object).context("variables")?;
        let here = |key: &str| FILES.iter().any(|end| key.ends_with(end)).then_some(file.as_str());
        let value = |(key, value): (&'_ String, &'_ Value)| {
            Some((key.clone(), here(key).or(value.as_str())?.to_owned()))
        };
        let env: Vec<(String, String)> = env.iter().filter_map(value).collect();
        let env: Vec<(&str, &str)> = env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
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
