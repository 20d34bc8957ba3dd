//! The webhook's objects agree with each other, and with the program.

use crate::files::{Documents, named, pods};
use crate::tools::{charted, rendered};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::process::Command;
use tributary_testkit::workspace_root;
use tributary_tests::program;

fn webhook() -> Result<(Documents, Value)> {
    let documents = charted(&["everything", "webhook"])?;
    let all = pods(&documents);
    let pod = all.iter().find(|(name, _)| name.contains("tributary-injector"));
    let (_, pod) = pod.context("no pod of the injector")?;
    let pod = (*pod).clone();
    Ok((documents, pod))
}

/// The API server comes in by the Service, on a port that the pod has and the policy opens; the program's
/// own authority writes to the names that its leave is for.
#[test]
fn names_and_ports_agree() -> Result<()> {
    let (documents, pod) = webhook()?;
    let container = &pod["spec"]["containers"][0];
    let configuration = named(&documents, "MutatingWebhookConfiguration injector.tributary.dev")?;
    let service = named(&documents, "Service tributary-injector")?;
    for entry in configuration["webhooks"].as_array().context("entries")? {
        let asked = &entry["clientConfig"]["service"];
        ensure!(asked["name"] == service["metadata"]["name"], "{asked}");
        ensure!(asked["namespace"] == service["metadata"]["namespace"], "{asked}");
        ensure!(asked["port"] == service["spec"]["ports"][0]["port"], "{asked}");
        ensure!(entry["clientConfig"]["caBundle"].is_null(), "caBundle is the injectors' to write");
        let excluded = entry["namespaceSelector"]["matchExpressions"][0]["values"].as_array();
        let own = &service["metadata"]["namespace"];
        ensure!(excluded.is_some_and(|names| names.contains(own)), "its own namespace: {entry}");
    }
    let target = &service["spec"]["ports"][0]["targetPort"];
    let ports = container["ports"].as_array().context("ports")?;
    let port = ports.iter().find(|port| port["name"] == *target).context("no such port")?;
    let policy = named(&documents, "NetworkPolicy tributary-injector")?;
    let open = &policy["spec"]["ingress"][0];
    ensure!(open["ports"][0]["port"] == port["containerPort"] && open["from"].is_null(), "{open}");
    let leave = named(&documents, "ClusterRole tributary-injector")?;
    let names = &leave["rules"][0]["resourceNames"];
    ensure!(names[0] == configuration["metadata"]["name"], "{names}");
    Ok(())
}

/// The program takes the arguments and the page that the chart gives it: all that it misses here is a
/// cluster.
#[test]
fn the_program_takes_what_it_is_told() -> Result<()> {
    let (documents, pod) = webhook()?;
    let map = named(&documents, "ConfigMap tributary-injector")?;
    let page = map["data"]["platform.yaml"].as_str().context("no page")?;
    // A token is wanted where identity is on, and the authority stands in the page.
    ensure!(page.contains("identity: token") && page.contains("upstream: https://"), "{page}");
    let file = std::env::temp_dir().join(format!("tributary-page-{}.yaml", std::process::id()));
    let args = pod["spec"]["containers"][0]["args"].as_array().context("arguments")?;
    let args: Vec<String> = args
        .iter()
        .filter_map(Value::as_str)
        .map(|arg| match arg.strip_prefix("--context=") {
            Some(_) => format!("--context={}", file.display()),
            None => arg.to_owned(),
        })
        .collect();
    let run = |page: &str| -> Result<(Option<i32>, String)> {
        fs::write(&file, page)?;
        let tool = program::tool()?;
        let mut injector = Command::new(tool);
        injector.args(["inject", "serve"]).args(&args).env_remove("KUBERNETES_SERVICE_HOST");
        let output = injector.current_dir(workspace_root()).output()?;
        fs::remove_file(&file)?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
    };
    let (code, said) = run(page)?;
    ensure!(code == Some(1) && said.contains("is this a pod with a ServiceAccount"), "{said}");
    let (code, said) = run(&page.replace("identity:", "identitty:"))?;
    ensure!(code == Some(64) && said.contains("identitty"), "{said}");
    Ok(())
}

/// cert-manager's way leaves the cluster alone.
#[test]
fn with_files_nothing_is_asked_of_the_cluster() -> Result<()> {
    let sets = [
        "tls.certManager.enabled=true",
        "injector.webhook.certManager=true",
        "injector.ca=-----BEGIN CERTIFICATE-----",
    ];
    let text = rendered(&["plain", "webhook"], &sets)?;
    ensure!(!text.contains("kind: ClusterRole") && !text.contains("kind: Role"), "{text}");
    ensure!(text.contains("cert-manager.io/inject-ca-from: tracing/tributary-injector"), "{text}");
    ensure!(text.contains("--tls-cert=/etc/tributary/tls/tls.crt"), "{text}");
    Ok(())
}
