//! The dashboard is text that changes only where it is meant to: no ids that Grafana gives, no numbers
//! of versions, and panels that lie where they are said to.

use crate::files::{none, read};
use anyhow::{Context, Result, ensure};
use serde_json::Value;

pub(crate) fn dashboard() -> Result<Value> {
    Ok(serde_json::from_str(&read("deploy/mixin/dashboard.json")?)?)
}

fn panels(dashboard: &Value) -> Result<&Vec<Value>> {
    dashboard.get("panels").and_then(Value::as_array).context("no panels")
}

/// What its panels and variables ask for.
pub(crate) fn expressions() -> Result<Vec<String>> {
    let dashboard = dashboard()?;
    let mut all = Vec::new();
    for panel in panels(&dashboard)? {
        let targets = panel.get("targets").and_then(Value::as_array).into_iter().flatten();
        all.extend(targets.filter_map(|target| Some(target.get("expr")?.as_str()?.to_owned())));
    }
    let variables = dashboard.pointer("/templating/list").and_then(Value::as_array);
    for variable in variables.context("no variables")? {
        let asks = variable.get("definition").and_then(Value::as_str);
        let metric = asks.and_then(|asks| asks.strip_prefix("label_values(")?.split(',').next());
        all.extend(metric.map(str::to_owned));
    }
    Ok(all)
}

#[test]
fn panels_are_numbered_and_lie_side_by_side() -> Result<()> {
    let dashboard = dashboard()?;
    ensure!(dashboard.get("id").is_none(), "an id is of one Grafana");
    ensure!(dashboard.get("version") == Some(&1.into()), "versions are git's");
    let mut faults = Vec::new();
    let mut taken: Vec<[u64; 4]> = Vec::new();
    for (number, panel) in (1_u64..).zip(panels(&dashboard)?) {
        let title = panel.get("title").and_then(Value::as_str).unwrap_or_default();
        if panel.get("id").and_then(Value::as_u64) != Some(number) {
            faults.push(format!("{title}: is the panel {number}"));
        }
        let at = |side: &str| panel.pointer(&format!("/gridPos/{side}")).and_then(Value::as_u64);
        let at = |side| at(side).with_context(|| format!("{title}: no {side}"));
        let [x, y, w, h] = [at("x")?, at("y")?, at("w")?, at("h")?];
        let hides = |[a, b, c, d]: &[u64; 4]| x < a + c && *a < x + w && y < b + d && *b < y + h;
        if x + w > 24 || taken.iter().any(hides) {
            faults.push(format!("{title}: lies over another one, or outside"));
        }
        taken.push([x, y, w, h]);
        let source = panel.pointer("/datasource/uid").and_then(Value::as_str);
        let is_row = panel.get("type").and_then(Value::as_str) == Some("row");
        if !is_row && source != Some("${source}") {
            faults.push(format!("{title}: asks another source than the one that is chosen"));
        }
    }
    ensure!(taken.len() > 20, "found only {} panels", taken.len());
    none(&faults)
}
