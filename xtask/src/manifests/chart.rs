//! What helm makes of the chart: texts with their comments, cut and put together as people read them.

use super::Files;
use crate::run;
use anyhow::{Context, Result, ensure};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The chart's folder.
const CHART: &str = "deploy/chart/tributary";
const MADE: &str =
    "# Made by `cargo xtask manifests` of deploy/chart/tributary: change it there.\n";

/// What stands above a plain file.
const INGESTER: &str = "\
# Tributary's ingesters. The bucket is their only state: no volume, no ordinal, no quorum. Any of
# them may be killed at any time; sidecars keep what was not acknowledged and send it elsewhere.
#
# Before `kubectl apply -f`: the bucket in the ConfigMap, leave to write to it for the ServiceAccount (by
# your cloud's workload identity), and a certificate: the Secret tributary-tls with tls.crt, tls.key and
# ca.crt in the namespace tracing, for which the pods wait. docs/kubernetes.md says how to get one with
# openssl, or with cert-manager. When settings in the ConfigMap change, `kubectl rollout restart`: the
# annotation checksum/config does it where helm renders this.
";
const AGENT: &str = "\
# Tributary as one agent a node: an ingester with its receivers on, writing straight to the bucket.
# Applications send to the Service tributary-agent, which leads to their own node's agent; nothing is
# added to their pods. See docs/sidecar-or-daemonset.md for when to take which. It may run beside
# ingester-deployment.yaml, with the same bucket: what is in both files is the same.
#
# Before `kubectl apply -f`: the bucket in the ConfigMap, leave to write to it for the ServiceAccount (by
# your cloud's workload identity), and the Secret tributary-tls (see ingester-deployment.yaml).
#
# Host ports, for applications that know their node's address alone, are refused by the Pod Security
# Standards baseline and restricted, and so left out: `--set agent.hostPorts=true` of the chart.
";
const APPLICATION: &str = "\
# `kubectl apply -f` with your namespace's name in place of `shop`.
";

/// Files of the plain kind: name, what stands above, values, templates in the order of reading.
const PLAIN: &[(&str, &str, &[&str], &[&str])] = &[
    (
        "deploy/ingester-deployment.yaml",
        INGESTER,
        &["plain"],
        &[
            "namespace",
            "ingester-serviceaccount",
            "ingester-configmap",
            "ingester-wire",
            "query-service",
            "ingester-deployment",
            "ingester-hpa",
            "ingester-pdb",
            "ingester-networkpolicy",
        ],
    ),
    (
        "deploy/agent-daemonset.yaml",
        AGENT,
        &["agent"],
        &[
            "namespace",
            "agent-serviceaccount",
            "agent-configmap",
            "agent-service",
            "query-service",
            "agent-priorityclass",
            "agent-daemonset",
            "agent-networkpolicy",
        ],
    ),
    (
        "deploy/application-networkpolicy.yaml",
        APPLICATION,
        &["plain", "application"],
        &["application-networkpolicy"],
    ),
    ("deploy/mixin/podmonitor.yaml", "", &["plain", "monitoring"], &["monitor-sidecars"]),
    ("deploy/mixin/servicemonitor.yaml", "", &["plain", "monitoring"], &["monitor-ingesters"]),
    (
        "deploy/kustomize/base/ingester.yaml",
        "",
        &["base"],
        &[
            "namespace",
            "ingester-serviceaccount",
            "ingester-wire",
            "query-service",
            "ingester-deployment",
            "ingester-pdb",
            "ingester-networkpolicy",
        ],
    ),
    ("deploy/kustomize/components/hpa/hpa.yaml", "", &["base", "hpa"], &["ingester-hpa"]),
    (
        "deploy/kustomize/components/monitoring/monitors.yaml",
        "",
        &["base", "monitoring"],
        &["monitor-sidecars", "monitor-ingesters", "monitor-rules", "monitor-dashboard"],
    ),
    (
        "deploy/kustomize/components/injector/policy.yaml",
        "",
        &["base", "injector"],
        &["injector-policy"],
    ),
    (
        "deploy/kustomize/components/webhook/webhook.yaml",
        "",
        &["base", "webhook"],
        &[
            "injector-serviceaccount",
            "injector-rbac",
            "injector-configmap",
            "injector-service",
            "injector-deployment",
            "injector-pdb",
            "injector-networkpolicy",
            "injector-webhook",
        ],
    ),
];

/// Files where all templates must have been read, so that none is forgotten in the table.
const WHOLE: [&str; 2] = ["deploy/ingester-deployment.yaml", "deploy/agent-daemonset.yaml"];

/// helm, and the chart.
pub(super) struct Chart {
    helm: PathBuf,
}

/// A document: the template that it comes from, and its text.
type Document = (String, String);

impl Chart {
    pub(super) fn new(tools: &Path) -> Chart {
        Chart { helm: tools.join("helm") }
    }

    /// Documents that these values give, as helm orders them.
    fn documents(&self, values: &[&str]) -> Result<Vec<Document>> {
        let mut helm = Command::new(&self.helm);
        helm.args(["template", "tributary", CHART, "--namespace", "tracing"]);
        helm.current_dir(run::root());
        for name in values {
            helm.args(["--values", &format!("{CHART}/ci/{name}-values.yaml")]);
        }
        let text = run::output(&mut helm)?;
        let documents = text.split("---\n# Source: tributary/templates/").skip(1);
        let document = |text: &str| {
            let (source, text) = text.split_once(".yaml\n").context("a source")?;
            Ok((source.to_owned(), format!("{}\n", text.trim())))
        };
        documents.map(document).collect()
    }
}

/// All files that the chart gives.
pub(super) fn files(chart: &Chart) -> Result<Files> {
    let mut files = Files::new();
    for (path, about, values, templates) in PLAIN {
        let documents = chart.documents(values)?;
        if WHOLE.contains(path) {
            let left = documents.iter().find(|(source, _)| !templates.contains(&source.as_str()));
            ensure!(left.is_none(), "{path}: {left:?} is in no list");
        }
        files.insert((*path).to_owned(), put_together(about, &documents, templates)?);
    }
    let base = chart.documents(&["base"])?;
    files.insert("deploy/kustomize/base/settings.env".to_owned(), settings(&base)?);
    // Kustomize's own hash of the settings makes new pods.
    let ingester = files.get_mut("deploy/kustomize/base/ingester.yaml").context("the base")?;
    let is_checksum = |line: &&str| {
        !line.contains("checksum/config") && !line.contains("# Settings that change make new pods.")
    };
    *ingester =
        ingester.lines().filter(is_checksum).fold(String::new(), |text, line| text + line + "\n");
    Ok(files)
}

fn put_together(about: &str, documents: &[Document], templates: &[&str]) -> Result<String> {
    let mut text = format!("{MADE}{}{about}", if about.is_empty() { "" } else { "#\n" });
    let mut parts = Vec::new();
    for template in templates {
        let found = documents.iter().filter(|(source, _)| source == template);
        let found: Vec<&str> = found.map(|(_, text)| text.as_str()).collect();
        ensure!(!found.is_empty(), "{template} gives nothing");
        parts.extend(found);
    }
    text.push_str(&parts.join("---\n"));
    Ok(text)
}

/// The ConfigMap's data, as a generator of Kustomize's reads it.
fn settings(documents: &[Document]) -> Result<String> {
    let map = documents.iter().find(|(source, _)| source == "ingester-configmap");
    let (_, map) = map.context("no settings")?;
    let (_, data) = map.split_once("\ndata:\n").context("no data")?;
    let mut text = MADE.to_owned();
    for line in data.lines() {
        let (name, value) = line.trim().split_once(": ").context("a setting")?;
        writeln!(text, "{name}={}", value.trim_matches('"'))?;
    }
    Ok(text)
}
