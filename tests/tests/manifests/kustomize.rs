//! Kustomize's base and each of its components give what the chart gives with the same things switched
//! on.

use crate::files::{Documents, called, of_kind};
use crate::tools::{charted, kubectl_kustomize, kustomized, parsed};
use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use tributary_testkit::workspace_root;

/// Objects by what they are called, without what differs by design: Kustomize puts the hash of the
/// settings into the ConfigMap's name, the chart into an annotation.
fn by_name(documents: Documents) -> Result<BTreeMap<String, Value>> {
    let generated = of_kind(&documents, "ConfigMap")
        .filter_map(|map| map["metadata"]["name"].as_str())
        .find(|name| name.starts_with("tributary-ingester-"))
        .map(str::to_owned);
    let mut found = BTreeMap::new();
    for document in documents {
        let mut text = document.to_string();
        if let Some(name) = &generated {
            text = text.replace(name, "tributary-ingester");
        }
        let mut document: Value = serde_json::from_str(&text)?;
        let annotations = document.pointer_mut("/spec/template/metadata/annotations");
        if let Some(annotations) = annotations.and_then(Value::as_object_mut) {
            annotations.remove("checksum/config");
        }
        without_nothing(&mut document);
        let name = called(&document);
        ensure!(found.insert(name.clone(), document).is_none(), "{name} is there twice");
    }
    Ok(found)
}

/// Takes out empty maps of annotations.
fn without_nothing(value: &mut Value) {
    if let Some(map) = value.as_object_mut() {
        let is_empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
        map.retain(|key, value| key != "annotations" || !is_empty(value));
        map.values_mut().for_each(without_nothing);
    }
}

fn same(values: &[&str], kustomized: Documents) -> Result<()> {
    let (chart, kustomized) = (by_name(charted(values)?)?, by_name(kustomized)?);
    let names = |all: &BTreeMap<String, Value>| all.keys().cloned().collect::<Vec<_>>();
    ensure!(names(&chart) == names(&kustomized), "{values:?}");
    for (name, wanted) in &chart {
        let found = kustomized.get(name).context("an object")?;
        let shown = serde_json::to_string_pretty;
        ensure!(
            wanted == found,
            "{values:?}: {name}\nchart: {}\nKustomize: {}",
            shown(wanted)?,
            shown(found)?
        );
    }
    Ok(())
}

#[test]
fn the_base_and_each_component_are_the_charts() -> Result<()> {
    same(&["base"], kustomized(&[])?)?;
    for component in ["hpa", "injector", "monitoring", "openshift", "tls", "webhook"] {
        same(&["base", component], kustomized(&[component])?)?;
    }
    Ok(())
}

#[test]
fn the_overlay_is_the_chart_as_it_is() -> Result<()> {
    let folder = workspace_root().join("deploy/kustomize/overlays/production");
    same(&["plain", "monitoring"], parsed(&kubectl_kustomize(&folder)?)?)
}
