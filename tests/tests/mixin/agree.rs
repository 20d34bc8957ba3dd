//! Alerts, sections of the runbook and tests of alerts are the same list; monitors find what the
//! manifests have.

use crate::files::{none, read, values};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;

/// What each section of the runbook says.
const PARTS: [&str; 4] = [
    "- **What it means**: ",
    "- **How to see it**: ",
    "- **What to do**: ",
    "- **When to leave it**: ",
];

#[test]
fn every_alert_has_its_section_and_every_section_its_alert() -> Result<()> {
    let (alerts, page) = (read("deploy/mixin/alerts.yaml")?, read("docs/runbook.md")?);
    let names = values(&alerts, "alert");
    let mut faults = Vec::new();
    // Headings of the first level that come later are about other things.
    let sections: Vec<&str> = page.split("\n## ").skip(1).collect();
    let title = |section: &&str| section.lines().next().unwrap_or_default().to_owned();
    let titles: Vec<String> = sections.iter().map(title).collect();
    if titles != names {
        faults.push(format!("alerts {names:?}\nsections {titles:?}"));
    }
    for (section, title) in sections.iter().zip(&titles) {
        let lines = || section.lines().take_while(|line| !line.starts_with("# "));
        for part in PARTS {
            if lines().filter(|line| line.starts_with(part)).count() != 1 {
                faults.push(format!("{title}: not once {part}"));
            }
        }
    }
    let anchors = names.iter().map(|name| format!("docs/runbook.md#{}", name.to_lowercase()));
    let anchors: Vec<String> = anchors.collect();
    let urls = values(&alerts, "runbook_url");
    if urls != anchors {
        faults.push(format!("anchors {urls:?}\nof {names:?}"));
    }
    ensure!(names.len() > 10, "found only {} alerts", names.len());
    none(&faults)
}

#[test]
fn every_alert_is_shown_to_fire() -> Result<()> {
    let (alerts, tests) =
        (read("deploy/mixin/alerts.yaml")?, read("deploy/mixin/alerts_test.yaml")?);
    let fires =
        tests.lines().filter_map(|line| line.split_once("exp_samples: [{")?.1.split('"').nth(1));
    let fires: BTreeSet<&str> = fires.collect();
    let names: BTreeSet<&str> = values(&alerts, "alert").into_iter().collect();
    ensure!(fires == names, "fire in tests: {fires:?}\nalerts: {names:?}");
    Ok(())
}

/// Links within the repository to a place on the runbook, and on it, lead to a heading.
#[test]
fn anchors_of_the_runbook_are_headings() -> Result<()> {
    let page = read("docs/runbook.md")?;
    let mut faults = Vec::new();
    let mut links = 0;
    for link in page.split("](").skip(1) {
        let link = link.split(')').next().unwrap_or_default();
        let Some((file, anchor)) = link.split_once('#') else { continue };
        let text = if file.is_empty() { page.clone() } else { read(&format!("docs/{file}"))? };
        links += 1;
        let mut headings = text.lines().filter(|line| line.starts_with('#'));
        if !headings.any(|heading| self::anchor(heading) == anchor) {
            faults.push(link.to_owned());
        }
    }
    ensure!(links > 10, "found only {links} links");
    none(&faults)
}

/// The anchor that pages give a heading: lower case, blanks become hyphens, signs go.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    heading.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
}

#[test]
fn monitors_find_what_manifests_have() -> Result<()> {
    let port = |monitor: &str| {
        let text = read(monitor)?;
        values(&text, "port").first().map(|port| (*port).to_owned()).context("no port")
    };
    // Ingesters and agents by the one Service of both.
    let ingesters = "deploy/mixin/servicemonitor.yaml";
    let table = [
        ("deploy/mixin/podmonitor.yaml", "deploy/sidecar-pod.yaml", ""),
        (ingesters, "deploy/ingester-deployment.yaml", "tributary-query"),
        (ingesters, "deploy/agent-daemonset.yaml", "tributary-query"),
    ];
    for (monitor, manifest, label) in table {
        let (port, found) = (port(monitor)?, read(manifest)?);
        let named = |line: &str| {
            line.trim()
                .trim_start_matches("- ")
                .trim_start_matches('{')
                .starts_with(&format!("name: {port}"))
        };
        ensure!(found.lines().any(named), "{manifest}: no port {port}");
        let labelled = found.contains(&format!("labels: {{app.kubernetes.io/name: {label}}}"));
        let selected = read(monitor)?.contains(label);
        ensure!(label.is_empty() || (labelled && selected), "{manifest}: no label {label}");
    }
    Ok(())
}
