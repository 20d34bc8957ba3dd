//! What the dashboards ask is TraceQL, and goes to the data source that lies beside them.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use tributary_testkit::workspace_root;
use tributary_traceql::parse;

/// What the fields hold at first.
const FIELDS: [(&str, &str); 2] = [("${filter:raw}", "true"), ("${slow:raw}", "1s")];

#[test]
fn every_panel_asks_what_can_be_answered() -> Result<()> {
    let folder = workspace_root().join("deploy/grafana");
    let text = fs::read_to_string(folder.join("dashboards/traces.json"))?;
    let dashboard: Value = serde_json::from_str(&text)?;
    let mut functions = BTreeSet::new();
    let panels = dashboard["panels"].as_array().context("no panels")?;
    for panel in panels {
        let targets = panel["targets"].as_array().context("no targets")?;
        for target in targets {
            let query = target["query"].as_str().context("no query")?;
            let asked =
                FIELDS.iter().fold(query.to_owned(), |q, (name, value)| q.replace(name, value));
            ensure!(!asked.contains('$'), "{query} has a field that is not known");
            let parsed = parse(&asked).with_context(|| asked.clone())?;
            let is_table = panel["type"] == "table";
            ensure!(parsed.is_metrics() != is_table, "{}: {asked}", panel["title"]);
            functions.extend(asked.split(['|', '(']).map(|word| word.trim().to_owned()));
        }
    }
    for function in ["rate", "quantile_over_time", "histogram_over_time"] {
        ensure!(functions.contains(function), "no panel asks for {function}");
    }
    let source = fs::read_to_string(folder.join("datasources/tributary.yaml"))?;
    let uid = &dashboard["templating"]["list"][0]["current"]["value"];
    let uid = uid.as_str().context("no data source")?;
    ensure!(source.contains(&format!("uid: {uid}\n")), "no data source has the uid {uid}");
    Ok(())
}
