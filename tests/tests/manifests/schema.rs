//! Kubernetes takes them.

use crate::files::{NEWEST, PLAIN, VERSIONS, called, read};
use crate::tools::{rendered, valid};
use anyhow::{Result, ensure};

#[test]
fn plain_files_are_valid() -> Result<()> {
    let found = read(&PLAIN, VERSIONS)?;
    ensure!(found.values().map(Vec::len).sum::<usize>() > 15, "{:?}", found.keys());
    Ok(())
}

#[test]
fn all_that_can_be_switched_on_is_valid() -> Result<()> {
    let documents = valid(&rendered(&["everything"], &[])?, VERSIONS)?;
    let names: Vec<String> = documents.iter().map(called).collect();
    for name in [
        "Secret tributary-tls",
        "ConfigMap tributary-policy",
        "ConfigMap tributary-files",
        "DaemonSet tributary-agent",
        "MutatingAdmissionPolicy injector.tributary.dev",
        "NetworkPolicy tributary-sidecar",
        "PrometheusRule tributary-alerts",
    ] {
        ensure!(names.iter().any(|one| one == name), "no {name} in {names:?}");
    }
    Ok(())
}

/// The webhook in place of the policy.
#[test]
fn the_webhook_is_valid() -> Result<()> {
    let documents = valid(&rendered(&["everything"], &["injector.by=webhook"])?, VERSIONS)?;
    let names: Vec<String> = documents.iter().map(called).collect();
    for kind in ["Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget", "PodMonitor"] {
        let name = format!("{kind} tributary-injector");
        ensure!(names.contains(&name), "no {name} in {names:?}");
    }
    ensure!(names.iter().any(|n| n == "MutatingWebhookConfiguration injector.tributary.dev"));
    ensure!(!names.iter().any(|n| n.starts_with("MutatingAdmissionPolicy")), "{names:?}");
    Ok(())
}

/// With all of Kustomize's components at once; that they are the same is another test's.
#[test]
fn what_components_change_is_valid() -> Result<()> {
    for values in [&["base"][..], &["base", "hpa", "monitoring", "injector", "openshift"]] {
        valid(&rendered(values, &[])?, VERSIONS)?;
    }
    Ok(())
}

/// The checks above would see a mistake.
#[test]
fn a_field_that_kubernetes_does_not_know_is_refused() -> Result<()> {
    let text = rendered(&["plain"], &[])?;
    let wrong = text.replace("enableServiceLinks:", "enableServiceLink:");
    ensure!(wrong != text, "nothing to get wrong");
    let told = valid(&wrong, NEWEST).map_err(|error| error.to_string());
    ensure!(told.is_err_and(|why| why.contains("enableServiceLink")), "it is taken");
    Ok(())
}
