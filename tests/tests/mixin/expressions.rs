//! Every word of every expression is known: a metric that is explained, a recorded one, one of a
//! short list of kube-state-metrics', or a word of the language.

use crate::dashboard;
use crate::files::{OF_KUBERNETES, none, published, read, values};
use anyhow::{Result, ensure};
use std::collections::BTreeSet;

/// Words of PromQL, the series that Prometheus makes of alerts,
/// and labels that rules and panels keep.
#[rustfmt::skip]
const LANGUAGE: [&str; 28] = [
    "ALERTS", "and", "by", "count", "group_left", "histogram_quantile", "increase", "label_replace",
    "max", "max_over_time", "min", "min_over_time", "offset", "on", "or", "rate", "sum", "time", "topk", "unless",
    "le", "limit", "namespace", "pod", "policy", "port", "reason", "result",
];

/// Labels that expressions compare and do not keep.
const COMPARED: [&str; 9] = [
    "alertname",
    "alertstate",
    "container",
    "daemonset",
    "deployment",
    "host_network",
    "label_tributary_dev_inject",
    "outcome",
    "phase",
];

#[test]
fn every_name_is_that_of_a_metric() -> Result<()> {
    let (rules, alerts) = (read("deploy/mixin/rules.yaml")?, read("deploy/mixin/alerts.yaml")?);
    let known = known(&rules)?;
    for text in [&rules, &alerts] {
        ensure!(of_rules(text).len() == text.matches("expr:").count(), "an expression on one line");
    }
    let mut sources: Vec<(&str, Vec<String>)> =
        vec![("rules.yaml", of_rules(&rules)), ("alerts.yaml", of_rules(&alerts))];
    sources.push(("dashboard.json", dashboard::expressions()?));
    let mut faults = Vec::new();
    for (file, expressions) in sources {
        ensure!(expressions.len() > 10, "{file}: found only {} expressions", expressions.len());
        for expression in expressions {
            for word in words(&expression) {
                let of_language = LANGUAGE.contains(&word) || COMPARED.contains(&word);
                if !of_language && !known.contains(word) {
                    faults.push(format!("{file}: {word} in {expression}"));
                }
            }
        }
    }
    none(&faults)
}

#[test]
fn the_runbook_names_metrics_that_there_are() -> Result<()> {
    let known = known(&read("deploy/mixin/rules.yaml")?)?;
    let page = read("docs/runbook.md")?;
    let metric = |word: &&str| {
        ["tributary_", "kube_", "namespace:"].iter().any(|start| word.starts_with(start))
    };
    let named: BTreeSet<&str> = words(&page).filter(metric).collect();
    ensure!(named.len() > 40, "found only {} names", named.len());
    let unknown = named.iter().filter(|name| !known.contains(**name));
    none(&unknown.map(|name| (*name).to_owned()).collect::<Vec<_>>())
}

/// Sidecars are thousands, so that some of what they tell is not collected: nothing that is asked for.
#[test]
fn what_is_not_collected_is_not_asked_for() -> Result<()> {
    let monitor = read("deploy/mixin/podmonitor.yaml")?;
    let mut patterns = monitor.lines().filter_map(|line| line.trim().strip_prefix("regex: "));
    let parts = patterns.find_map(|pattern| pattern.trim_end_matches(')').split_once('('));
    let (start, ends) = parts.unwrap_or_default();
    let dropped: Vec<String> = ends.split('|').map(|end| format!("{start}{end}")).collect();
    let known = published()?;
    let unknown: Vec<_> = dropped.iter().filter(|name| !known.contains(*name)).collect();
    ensure!(dropped.len() > 5 && unknown.is_empty(), "not there: {unknown:?}");
    let mut asked = of_rules(&read("deploy/mixin/rules.yaml")?);
    asked.extend(of_rules(&read("deploy/mixin/alerts.yaml")?));
    asked.extend(dashboard::expressions()?);
    asked.push(read("docs/runbook.md")?);
    let asked: BTreeSet<&str> = asked.iter().flat_map(|text| words(text)).collect();
    let both = dropped.iter().filter(|name| asked.contains(name.as_str())).cloned();
    none(&both.collect::<Vec<_>>())
}

/// Metrics that programs publish, that rules record and that Kubernetes' metrics have.
fn known(rules: &str) -> Result<BTreeSet<String>> {
    let mut known = published()?;
    known.extend(values(rules, "record").into_iter().map(str::to_owned));
    known.extend(OF_KUBERNETES.map(str::to_owned));
    Ok(known)
}

/// Expressions of a file of rules: the block below each `expr: |-`.
pub(crate) fn of_rules(text: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<&str> = text.lines().collect();
    let begins = lines.iter().enumerate().filter(|(_, line)| line.trim() == "expr: |-");
    let block = |(at, line): (usize, &&str)| {
        let block = lines.iter().skip(at + 1).take_while(|next| indent(next) > indent(line));
        block.map(|line| line.trim()).collect::<Vec<_>>().join("\n")
    };
    begins.map(block).collect()
}

/// Names in a text: what is quoted is left out, and so are numbers, durations and Grafana's variables.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let unquoted = text.split('"').step_by(2);
    let parts =
        unquoted.flat_map(|part| part.split(|c: char| !(c.is_alphanumeric() || "_:$".contains(c))));
    parts
        .map(|word| word.trim_matches(':'))
        .filter(|word| word.starts_with(|c: char| c.is_alphabetic()))
}

#[test]
fn words_are_names() {
    let text = r#"sum by (pod) (rate(a:b:c{x="not this"}[$__rate_interval])) > 0.5 offset 5m"#;
    let found: Vec<_> = words(text).collect();
    assert_eq!(found, ["sum", "by", "pod", "rate", "a:b:c", "x", "offset"]);
    assert_eq!(of_rules("- alert: x\n  expr: |-\n    a\n    b\n  for: 5m\n"), ["a\nb"]);
}
