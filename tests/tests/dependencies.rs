//! Which crate may depend on which, as `ARCHITECTURE.md` draws it; licences and sources of all that is
//! linked are `deny.toml`'s.
//!
//! Only what ends up in programs is looked at: dependencies of tests and of build scripts are
//! free.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// What one crate may and must not depend on.
struct Rule {
    package: &'static str,
    /// Crates of this workspace that it may depend on.
    may: &'static [&'static str],
    /// Crates that it must not name itself; a trailing `*` stands for any ending.
    never_itself: &'static [&'static str],
    /// Crates that must not be anywhere below it.
    never_below: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule { package: "tributary-telemetry", may: &[], never_itself: &["*"], never_below: &[] },
    Rule {
        package: "tributary-span",
        may: &[],
        never_itself: &[],
        never_below: &["tokio*", "hyper*", "tonic*", "futures*"],
    },
    Rule {
        package: "tributary-span-metrics",
        may: &["tributary-span"],
        never_itself: &[],
        never_below: &["tokio*", "hyper*", "tonic*", "futures*", "serde*"],
    },
    Rule {
        package: "tributary-settings",
        may: &[],
        never_itself: &[],
        // YAML is a feature that the ingester alone asks for.
        never_below: &["tokio*", "hyper*", "serde*", "regex*"],
    },
    Rule {
        package: "tributary-identity",
        may: &[],
        never_itself: &["axum", "tonic*"],
        never_below: &["tonic*", "axum", "parquet", "openssl", "native-tls", "aws-lc*"],
    },
    Rule {
        package: "tributary-wire",
        may: &["tributary-span"],
        never_itself: &[],
        never_below: &["parquet", "arrow*", "object_store"],
    },
    Rule {
        package: "tributary-receivers",
        may: &["tributary-settings", "tributary-span", "tributary-telemetry"],
        never_itself: &["axum"],
        never_below: &["parquet", "arrow*", "object_store", "reqwest"],
    },
    Rule {
        package: "tributary-sidecar",
        may: &[
            "tributary-settings",
            "tributary-span",
            "tributary-telemetry",
            "tributary-wire",
            "tributary-receivers",
        ],
        never_itself: &[],
        never_below: &[
            "parquet",
            "arrow*",
            "object_store",
            "axum",
            "regex*",
            "saphyr-parser",
            "tributary-store",
        ],
    },
    Rule {
        package: "tributary-store",
        may: &["tributary-telemetry"],
        never_itself: &["parquet", "tonic*"],
        never_below: &[],
    },
    Rule {
        package: "tributary-journal",
        may: &["tributary-span", "tributary-store"],
        never_itself: &["hyper*", "tonic*", "object_store", "reqwest"],
        never_below: &["parquet"],
    },
    Rule {
        package: "tributary-block",
        may: &["tributary-span", "tributary-store"],
        never_itself: &["hyper*", "tonic*", "object_store", "reqwest"],
        never_below: &[],
    },
    Rule {
        package: "tributary-traceql",
        may: &[],
        never_itself: &[],
        never_below: &["tokio*", "hyper*", "tonic*", "parquet"],
    },
    Rule {
        package: "tributary-query",
        may: &["tributary-span", "tributary-block", "tributary-traceql"],
        never_itself: &["hyper*", "tonic*", "axum", "object_store", "reqwest"],
        never_below: &[],
    },
    Rule {
        package: "tributary-ingester",
        may: &[
            "tributary-identity",
            "tributary-settings",
            "tributary-span",
            "tributary-span-metrics",
            "tributary-telemetry",
            "tributary-wire",
            "tributary-receivers",
            "tributary-store",
            "tributary-journal",
            "tributary-block",
            "tributary-query",
            "tributary-traceql",
        ],
        never_itself: &["object_store", "parquet"],
        never_below: &["tributary-sidecar", "openssl", "openssl-sys", "native-tls", "aws-lc*"],
    },
    Rule {
        package: "tributary-inject",
        // The sidecar for its settings alone: what is injected is checked by what will read it.
        may: &["tributary-settings", "tributary-receivers", "tributary-sidecar"],
        never_itself: &["tokio*", "hyper*", "tonic*"],
        never_below: &["parquet", "arrow*", "object_store", "axum", "tributary-ingester"],
    },
    Rule {
        package: "tributary-injector",
        may: &[
            "tributary-identity",
            "tributary-inject",
            "tributary-receivers",
            "tributary-settings",
            "tributary-telemetry",
        ],
        never_itself: &["tonic*", "axum"],
        never_below: &[
            "parquet",
            "arrow*",
            "object_store",
            "axum",
            "reqwest",
            "kube*",
            "tributary-ingester",
            "openssl",
            "openssl-sys",
            "native-tls",
            "aws-lc*",
        ],
    },
    Rule {
        package: "tributary",
        may: &[
            "tributary-identity",
            "tributary-inject",
            "tributary-injector",
            "tributary-settings",
            "tributary-span",
            "tributary-wire",
            "tributary-store",
            "tributary-telemetry",
            "tributary-journal",
            "tributary-block",
            "tributary-sidecar",
            "tributary-ingester",
            "tributary-traceql",
        ],
        never_itself: &["object_store", "parquet"],
        never_below: &["openssl", "openssl-sys", "native-tls", "aws-lc*"],
    },
    Rule {
        package: "tributary-testkit",
        may: &[],
        never_itself: &[],
        never_below: &["tributary-sidecar", "tributary-ingester"],
    },
    Rule {
        package: "tributary-fuzz",
        may: &[
            "tributary-span",
            "tributary-wire",
            "tributary-receivers",
            "tributary-journal",
            "tributary-testkit",
            "tributary-traceql",
        ],
        never_itself: &[],
        never_below: &["tributary-sidecar", "tributary-ingester"],
    },
    Rule {
        package: "tributary-tests",
        may: &["tributary-testkit", "tributary-journal", "tributary-store"],
        never_itself: &[],
        never_below: &[],
    },
    Rule {
        package: "xtask",
        may: &["tributary-settings"],
        never_itself: &[],
        never_below: &["tokio*"],
    },
];

#[test]
fn crates_depend_on_those_below_them_only() -> Result<()> {
    let packages = packages()?;
    let known: BTreeSet<&str> = RULES.iter().map(|rule| rule.package).collect();
    let all: BTreeSet<&str> = packages.keys().map(String::as_str).collect();
    ensure!(all == known, "packages without a rule, or rules without a package: {all:?} {known:?}");
    let mut faults = Vec::new();
    for rule in RULES {
        let direct = packages.get(rule.package).context("a package")?;
        for name in direct {
            if all.contains(name.as_str()) && !rule.may.contains(&name.as_str()) {
                faults.push(format!("{} must not depend on {name}", rule.package));
            }
            if matches(rule.never_itself, name) {
                faults.push(format!("{} must not name {name}", rule.package));
            }
        }
        if rule.never_below.is_empty() {
            continue;
        }
        let below = below(rule.package)?;
        ensure!(below.contains(rule.package), "no tree of {}", rule.package);
        for name in below.iter().filter(|name| matches(rule.never_below, name)) {
            faults.push(format!("{} must not link {name}", rule.package));
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

fn matches(rules: &[&str], name: &str) -> bool {
    rules.iter().any(|rule| match rule.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *rule,
    })
}

#[test]
fn rules_match_names() {
    assert!(matches(&["arrow*"], "arrow-array") && matches(&["axum"], "axum"));
    assert!(!matches(&["axum"], "axum-core") && !matches(&["arrow*"], "narrow"));
}

/// A package tells what it is, and nothing that ties it to the place where it is kept.
#[test]
fn packages_describe_themselves() -> Result<()> {
    let metadata = metadata()?;
    let mut faults = Vec::new();
    for package in list(&metadata, "packages")? {
        let name = text(package, "name").context("a package without a name")?;
        for key in ["description", "license", "rust_version"] {
            if text(package, key).is_none_or(str::is_empty) {
                faults.push(format!("{name} has no {key}"));
            }
        }
        for key in ["keywords", "categories"] {
            if list(package, key)?.is_empty() {
                faults.push(format!("{name} has no {key}"));
            }
        }
        for key in ["repository", "homepage"] {
            if text(package, key).is_some() {
                faults.push(format!("{name} has a {key}"));
            }
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

fn metadata() -> Result<Value> {
    let answer = cargo(&["metadata", "--locked", "--no-deps", "--format-version", "1"])?;
    Ok(serde_json::from_str(&answer)?)
}

/// Every package of the workspace with the names of its normal dependencies.
fn packages() -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut packages = BTreeMap::new();
    for package in list(&metadata()?, "packages")? {
        let normal = list(package, "dependencies")?.iter().filter(|d| text(d, "kind").is_none());
        let names = normal.filter_map(|d| text(d, "name")).map(str::to_owned);
        let name = text(package, "name").context("a package without a name")?;
        packages.insert(name.to_owned(), names.collect());
    }
    Ok(packages)
}

fn list<'v>(value: &'v Value, key: &str) -> Result<&'v Vec<Value>> {
    value.get(key).and_then(Value::as_array).with_context(|| key.to_owned())
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}

/// Names of everything that is linked into a package when it alone is built, itself included.
fn below(package: &str) -> Result<BTreeSet<String>> {
    let edges = ["-e", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"];
    let text = cargo(&[&["tree", "--locked", "-p", package], &edges[..]].concat())?;
    Ok(text.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect())
}

fn cargo(args: &[&str]) -> Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = tributary_testkit::workspace_root();
    let output = Command::new(cargo).args(args).current_dir(root).output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo {args:?}: {errors}");
    Ok(String::from_utf8(output.stdout)?)
}
