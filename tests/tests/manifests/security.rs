//! Pod Security: all pods are admitted to a restricted namespace, and the namespace is one.

use crate::files::{PLAIN, UNCHECKED, of_kind, pods, read};
use crate::tools::{charted, parsed, rendered};
use anyhow::{Result, ensure};
use tributary_testkit::pod_security::refusals;

#[test]
fn pods_of_plain_files_are_admitted_restricted() -> Result<()> {
    let mut seen = 0;
    for (file, documents) in read(&PLAIN, UNCHECKED)? {
        for (name, pod) in pods(&documents) {
            let refused = refusals(pod);
            ensure!(refused.is_empty(), "{file}: {name}: {refused:?}");
            seen += 1;
        }
    }
    ensure!(seen == 4, "found {seen} pods");
    Ok(())
}

#[test]
fn pods_of_the_chart_are_admitted_restricted() -> Result<()> {
    for values in [&["everything"][..], &["everything", "webhook"], &["base", "openshift"]] {
        let documents = charted(values)?;
        for (name, pod) in pods(&documents) {
            let refused = refusals(pod);
            ensure!(refused.is_empty(), "{values:?}: {name}: {refused:?}");
        }
    }
    for namespace in of_kind(&charted(&["plain"])?, "Namespace") {
        let level = &namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"];
        ensure!(level == "restricted", "{namespace}");
    }
    Ok(())
}

/// Host ports are a choice, and one that shows.
#[test]
fn host_ports_are_what_is_refused() -> Result<()> {
    let text = rendered(&["agent"], &["agent.hostPorts=true"])?;
    let documents = parsed(&text)?;
    for (name, pod) in pods(&documents) {
        ensure!(refusals(pod) == ["\"tributary-agent\": hostPort"], "{name}: {:?}", refusals(pod));
    }
    Ok(())
}

/// OpenShift's own numbers are not in the way of ours.
#[test]
fn users_can_be_left_out() -> Result<()> {
    let text = rendered(&["base", "openshift"], &[])?;
    ensure!(!text.contains("runAsUser") && !text.contains("runAsGroup"), "{text}");
    Ok(())
}
