//! What both programs publish is what `docs/operations.md` explains: each metric with its type and its
//! labels, and no other.

use crate::verify::Verifier;
use anyhow::{Context, Result, ensure};
use std::collections::{BTreeMap, BTreeSet};
use tributary_testkit::http;
use tributary_testkit::prometheus::Metrics;
use tributary_tests::{Ingester, Place, Sidecar};

const PAGE: &str = include_str!("../../../docs/operations.md");

/// What the tool's metrics begin with.
const VERIFIER: &str = "tributary_verify_";
/// Before a name, what the page writes where both programs have the metric.
const BOTH: &str = "…_";

/// Type and labels of a metric.
type Described = (String, BTreeSet<String>);

#[tokio::test]
async fn every_metric_is_explained() -> Result<()> {
    let place = Place::folder()?;
    let ingester = Ingester::start(&place, &["--receivers=otlp", OTLP_GRPC, OTLP_HTTP]).await?;
    let sidecar = Sidecar::start(&ingester.wire.to_string(), &[]).await?;
    let places = [format!("--otlp={}", sidecar.http), format!("--url={}", ingester.http)];
    let verifier = Verifier::start(&places, &[]).await?;
    for (prefix, address) in [
        ("tributary_ingester_", ingester.http),
        ("tributary_sidecar_", sidecar.admin),
        (VERIFIER, verifier.admin),
    ] {
        let told = published(&http::get(address, "/metrics").await?.text())?;
        ensure!(told.keys().all(|name| name.starts_with(prefix)), "{prefix}: {told:?}");
        let explained = explained(prefix)?;
        let mut faults = Vec::new();
        for name in told.keys().chain(explained.keys()).collect::<BTreeSet<_>>() {
            let (told, explained) = (told.get(name), explained.get(name));
            if told != explained {
                faults.push(format!("{name}: published {told:?}, explained {explained:?}"));
            }
        }
        ensure!(faults.is_empty(), "docs/operations.md:\n{}", faults.join("\n"));
    }
    sidecar.stop().await?;
    ingester.stop().await
}

const OTLP_GRPC: &str = "--otlp-grpc-listen=127.0.0.1:0";
const OTLP_HTTP: &str = "--otlp-http-listen=127.0.0.1:0";

/// Every family of a scrape. In this text format a counter's family has the name of its samples.
fn published(page: &str) -> Result<BTreeMap<String, Described>> {
    let samples = Metrics::parse(page).map_err(|line| anyhow::anyhow!("not a metric: {line}"))?;
    let mut families = BTreeMap::new();
    for line in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (family, kind) = line.split_once(' ').context("a type")?;
        let name = family.to_owned();
        ensure!((kind == "counter") == name.ends_with("_total"), "a {kind} is called {name}");
        let is_one = |sample: &str| match kind {
            "histogram" => sample.strip_prefix(family).is_some_and(|end| end == "_bucket"),
            _ => sample == name,
        };
        let of_family = samples.0.iter().filter(|sample| is_one(&sample.name));
        let mut labels: BTreeSet<String> =
            of_family.flat_map(|sample| sample.labels.keys().cloned()).collect();
        labels.remove("le");
        let twice = families.insert(name.clone(), (kind.to_owned(), labels));
        ensure!(twice.is_none(), "{name} stands twice");
    }
    Ok(families)
}

/// The rows of the page that are about metrics with this prefix: `` | `name{label,…}` | type | … ``.
fn explained(prefix: &str) -> Result<BTreeMap<String, Described>> {
    let mut rows = BTreeMap::new();
    let (_, tables) = PAGE.split_once("\n## Metrics\n").context("no metrics")?;
    for row in tables.lines().filter_map(|line| line.strip_prefix("| `")) {
        let Some((metric, rest)) = row.split_once("` | ") else { continue };
        let metric = match metric.strip_prefix(BOTH) {
            Some(_) if prefix == VERIFIER => continue,
            Some(end) => format!("{prefix}{end}"),
            None => metric.to_owned(),
        };
        if !metric.starts_with(prefix) {
            continue;
        }
        let (name, labels) = metric.split_once('{').unwrap_or((&metric, ""));
        let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
        let kind = rest.split(" | ").next().context("a type")?;
        let described = (kind.to_owned(), labels.map(str::to_owned).collect());
        let twice = rows.insert(name.to_owned(), described);
        ensure!(twice.is_none(), "{name} is explained twice");
    }
    Ok(rows)
}
