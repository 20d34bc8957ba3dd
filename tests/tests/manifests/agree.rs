//! What stands in several places says the same.

use crate::files::{called, of_kind, one, pods, selects};
use crate::tools::{charted, parsed, rendered};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;
use tributary_testkit::workspace_root;
use tributary_tests::program;

const INGESTER: &str = "deploy/ingester-deployment.yaml";
const AGENT: &str = "deploy/agent-daemonset.yaml";

/// Each apply would reset the autoscaler's number.
#[test]
fn no_replicas_stand_beside_an_autoscaler() -> Result<()> {
    let table: [(&[&str], bool); 3] =
        [(&["plain"], true), (&["base"], false), (&["base", "hpa"], true)];
    for (values, scaled) in table {
        let documents = charted(values)?;
        let scalers = of_kind(&documents, "HorizontalPodAutoscaler").count();
        let deployment = of_kind(&documents, "Deployment").next().context("a Deployment")?;
        let replicas = deployment["spec"].get("replicas");
        ensure!(scalers == usize::from(scaled) && replicas.is_none() == scaled, "{values:?}");
        for scaler in of_kind(&documents, "HorizontalPodAutoscaler") {
            let target = &scaler["spec"]["scaleTargetRef"]["name"];
            ensure!(*target == deployment["metadata"]["name"], "{scaler}");
            ensure!(!scaler.to_string().contains("\"memory\""), "{scaler}");
        }
    }
    Ok(())
}

/// Both files may be applied, one after the other: the second changes nothing of the first.
#[test]
fn what_is_in_both_files_is_the_same() -> Result<()> {
    let name = |document: &Value| (called(document), document.clone());
    let ingester: BTreeMap<String, Value> = one(INGESTER)?.iter().map(name).collect();
    let agent: BTreeMap<String, Value> = one(AGENT)?.iter().map(name).collect();
    let mut both = Vec::new();
    for (name, document) in &ingester {
        if let Some(other) = agent.get(name) {
            ensure!(document == other, "{name}\n{document}\n{other}");
            both.push(name.as_str());
        }
    }
    ensure!(both == ["Namespace tracing", "Service tributary-query"], "{both:?}");
    Ok(())
}

/// Services lead to pods, by ports that these have.
#[test]
fn services_lead_somewhere() -> Result<()> {
    for (file, expected) in [(INGESTER, 2), (AGENT, 2)] {
        let documents = one(file)?;
        let pods = pods(&documents);
        let mut seen = 0;
        for service in of_kind(&documents, "Service") {
            let selector = &service["spec"]["selector"];
            let behind = pods.iter().find(|(_, pod)| selects(selector, &pod["metadata"]["labels"]));
            let (_, pod) = behind.with_context(|| format!("{file}: nothing behind {service}"))?;
            let ports = pod["spec"]["containers"][0]["ports"].as_array().context("ports")?;
            for port in service["spec"]["ports"].as_array().context("ports")? {
                let target = ports.iter().find(|one| one["name"] == port["targetPort"]);
                let protocol = |port: &Value| port["protocol"].as_str().unwrap_or("TCP").to_owned();
                ensure!(target.map(protocol) == Some(protocol(port)), "{file}: {port}");
            }
            seen += 1;
        }
        ensure!(seen == expected, "{file}: {seen} Services");
    }
    Ok(())
}

/// The data source is the Service, and speaks as it does.
#[test]
fn grafana_asks_the_service_for_queries() -> Result<()> {
    let path = workspace_root().join("deploy/grafana/datasources/tributary.yaml");
    let source = std::fs::read_to_string(path)?;
    let url = source.lines().find_map(|line| line.trim().strip_prefix("url: ")).context("a URL")?;
    let documents = one(INGESTER)?;
    let service = of_kind(&documents, "Service").find(|one| one["spec"]["clusterIP"] != "None");
    let service = service.context("a Service for queries")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let port = &service["spec"]["ports"][0];
    let (name, namespace) = (&service["metadata"]["name"], &service["metadata"]["namespace"]);
    let scheme = text(&port["appProtocol"]);
    let expected = format!("{scheme}://{}.{}:{}", text(name), text(namespace), port["port"]);
    ensure!(url == expected, "{url}, and {expected}");
    Ok(())
}

/// `tributary inject` on all of it leaves ingesters and agents alone, and gives what has a sidecar no second
/// one.
#[test]
fn an_ingester_gets_no_sidecar() -> Result<()> {
    let everything = rendered(&["everything"], &[])?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("everything.yaml");
    std::fs::write(&path, everything)?;
    let files = [INGESTER, AGENT, "deploy/sidecar-pod.yaml", "deploy/kustomize/base/ingester.yaml"];
    let files = files.map(|file| workspace_root().join(file));
    for file in files.iter().chain([&path]) {
        let output = Command::new(program::tool()?).args(["inject", "-f"]).arg(file).output()?;
        let (text, said) =
            (String::from_utf8(output.stdout)?, String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "{}: {said}", file.display());
        ensure!(text == std::fs::read_to_string(file)?, "{} is changed: {said}", file.display());
    }
    Ok(())
}

/// The example is what `tributary inject` makes of its application, but for where certificates of authorities
/// come from: injection has them as a text.
#[test]
fn the_example_is_what_injection_makes() -> Result<()> {
    let tool = |arguments: &[&str]| {
        let mut command = Command::new(program::tool()?);
        let output =
            command.arg("inject").args(arguments).current_dir(workspace_root()).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?}: {said}");
        Ok(String::from_utf8(output.stdout)?)
    };
    let example = one("deploy/sidecar-pod.yaml")?;
    let mut sidecar = example[0]["spec"]["initContainers"][0].clone();
    let variables = sidecar["env"].as_array_mut().context("variables")?;
    let upstream = variables.iter().find(|one| one["name"] == "TRIBUTARY_UPSTREAM");
    let upstream =
        upstream.and_then(|one| one["value"].as_str()).context("an upstream")?.to_owned();
    variables.retain(|one| one["name"] != "TRIBUTARY_UPSTREAM_TLS_CA");
    let folder = tempfile::tempdir()?;
    let bare = folder.path().join("bare.yaml").display().to_string();
    std::fs::write(&bare, tool(&["--remove", "-f", "deploy/sidecar-pod.yaml"])?)?;
    ensure!(parsed(&std::fs::read_to_string(&bare)?)?[0]["spec"].get("initContainers").is_none());
    let injected = parsed(&tool(&["-f", &bare, "--upstream", &upstream])?)?;
    let made = &injected[0]["spec"]["initContainers"][0];
    ensure!(sidecar == *made, "the example: {sidecar}\ninjected: {made}");
    Ok(())
}
