//! The files, and the names that may stand in them.

use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::path::PathBuf;
use tributary_testkit::workspace_root;

/// What kube-state-metrics tells and rules ask for.
pub(crate) const OF_KUBERNETES: [&str; 7] = [
    "kube_daemonset_status_desired_number_scheduled",
    "kube_deployment_spec_replicas",
    "kube_namespace_labels",
    "kube_pod_info",
    "kube_pod_init_container_info",
    "kube_pod_labels",
    "kube_pod_status_phase",
];

pub(crate) fn mixin(file: &str) -> PathBuf {
    workspace_root().join("deploy/mixin").join(file)
}

pub(crate) fn read(path: &str) -> Result<String> {
    let path = workspace_root().join(path);
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// Names of samples that the programs publish, as `docs/operations.md` explains them. (That it explains
/// all there are, and no others, is the test `every_metric_is_explained`.)
pub(crate) fn published() -> Result<BTreeSet<String>> {
    let page = read("docs/operations.md")?;
    let (_, tables) = page.split_once("\n## Metrics\n").context("no metrics")?;
    let mut names = BTreeSet::new();
    for row in tables.lines().filter_map(|line| line.strip_prefix("| `")) {
        let (metric, rest) = row.split_once("` | ").context("a row")?;
        let metric = metric.split('{').next().unwrap_or_default();
        let both = metric.strip_prefix("…_");
        let metrics = match both {
            Some(end) => {
                vec![format!("tributary_sidecar_{end}"), format!("tributary_ingester_{end}")]
            }
            None => vec![metric.to_owned()],
        };
        for name in metrics {
            if rest.starts_with("histogram") {
                names.extend(["bucket", "sum", "count"].map(|part| format!("{name}_{part}")));
            }
            names.insert(name);
        }
    }
    ensure!(names.len() > 80, "found only {} metrics", names.len());
    Ok(names)
}

/// Values of a key, one a line: `- record: x`, `- alert: x`.
pub(crate) fn values<'t>(text: &'t str, key: &str) -> Vec<&'t str> {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches("- "));
    lines.filter_map(|line| Some(line.strip_prefix(key)?.strip_prefix(':')?.trim())).collect()
}

/// One line for each fault, or nothing.
pub(crate) fn none(faults: &[String]) -> Result<()> {
    ensure!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
    Ok(())
}
