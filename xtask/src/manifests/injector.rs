//! The policy that the chart renders: what `tributary inject policy` prints, with what differs from
//! cluster to cluster left to the chart's values.

use super::Files;
use crate::run;
use anyhow::{Result, ensure};
use std::path::Path;
use std::process::Command;

/// Stands for certificates.
const CA: &str = "-----BEGIN CERTIFICATE-----";
const IMAGE: &str = "sidecar.invalid/image";
const UPSTREAM: &str = "ingesters.invalid:4319";
const NAMESPACE: &str = "namespace-of-the-ingesters";

/// Without TLS, with it, and with tokens: what a mesh is to let through differs, too.
pub(super) fn files(tool: &Path) -> Result<Files> {
    let mut files = Files::new();
    for (name, scheme, identity) in
        [("plain", "", "none"), ("tls", "https://", "none"), ("token", "https://", "token")]
    {
        let upstream = format!("{scheme}{UPSTREAM}");
        let folder = run::root().join("target/kubernetes");
        std::fs::create_dir_all(&folder)?;
        let context = folder.join("context.yaml");
        std::fs::write(&context, format!("namespace: {NAMESPACE}\nidentity: {identity}\n"))?;
        let mut policy = Command::new(tool);
        policy.args(["inject", "policy", "--image", IMAGE, "--upstream", &upstream]);
        policy.arg("--context").arg(context);
        if !scheme.is_empty() {
            policy.args(["--set", &format!("upstream-tls-ca={CA}")]);
        }
        let text = run::output(&mut policy)?;
        ensure!(!text.contains("{{"), "the policy has what is a template's:\n{text}");
        let text = [
            (format!("\"{IMAGE}\""), "{{ .Values.injector.image | toJson }}"),
            (format!("\"{upstream}\""), "{{ include \"tributary.upstream\" . | toJson }}"),
            (format!("\"{CA}\""), "{{ .Values.injector.ca | trim | toJson }}"),
            (NAMESPACE.to_owned(), "{{ .Release.Namespace }}"),
        ]
        .iter()
        .fold(text, |text, (from, to)| text.replace(from.as_str(), to));
        for rest in [IMAGE, UPSTREAM, CA, NAMESPACE] {
            ensure!(!text.contains(rest), "{rest} stands where no value can:\n{text}");
        }
        files.insert(format!("deploy/chart/tributary/injector/{name}.yaml"), text);
    }
    Ok(files)
}
