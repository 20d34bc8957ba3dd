//! The cost table of this machine, beside what was promised.
//!
//! Benches print, beside what they please, lines of four fields with tabs between them:
//! `row<TAB>name<TAB>value<TAB>unit`. A row whose name the table knows stands beside its target;
//! every other row is listed below it.

mod table;

use crate::{run, venv};
use anyhow::{Context, Result, ensure};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// A measured row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    name: String,
    value: f64,
    unit: String,
}

/// Packages whose benches print rows.
const PACKAGES: &[&str] =
    &["tributary-receivers", "tributary-wire", "tributary-block", "tributary-tests"];

pub(crate) fn run() -> Result<()> {
    let python = venv::prepare()?;
    let sidecar = ["build", "--locked", "--profile", "sidecar", "-p", "tributary-sidecar"];
    run::step("sidecar", &mut run::cargo(&sidecar))?;
    let ingester = ["build", "--locked", "--profile", "ingester", "-p", "tributary-ingester"];
    run::step("ingester", &mut run::cargo(&ingester))?;
    let mut rows = Vec::new();
    for package in PACKAGES {
        println!("\n=== bench {package}");
        let mut bench = run::cargo(&["bench", "--locked", "-p", package, "--bench", "*"]);
        bench.env("TRIBUTARY_SIDECAR", run::target().join("sidecar/tributary-sidecar"));
        bench.env("TRIBUTARY_INGESTER", run::target().join("ingester/tributary-ingester"));
        bench.env("TRIBUTARY_PYTHON", &python);
        rows.extend(listen(&mut bench)?);
    }
    println!("\n{}", table::render(&rows));
    Ok(())
}

/// Runs a bench, passes on what it prints and picks out its rows.
fn listen(bench: &mut Command) -> Result<Vec<Row>> {
    let mut child = bench.stdout(Stdio::piped()).spawn().with_context(|| format!("{bench:?}"))?;
    let mut rows = Vec::new();
    for line in BufReader::new(child.stdout.take().context("no stdout")?).lines() {
        let line = line?;
        println!("{line}");
        rows.extend(row(&line));
    }
    let status = child.wait()?;
    ensure!(status.success(), "{bench:?} ended with {status}");
    Ok(rows)
}

fn row(line: &str) -> Option<Row> {
    let mut fields = line.strip_prefix("row\t")?.split('\t');
    let (name, value, unit) = (fields.next()?, fields.next()?, fields.next()?);
    Some(Row { name: name.to_owned(), value: value.parse().ok()?, unit: unit.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_picked_out() {
        let expected = Row { name: "a b".into(), value: 1.5, unit: "MiB".into() };
        assert_eq!(row("row\ta b\t1.5\tMiB"), Some(expected));
        for other in ["", "row", "row\ta\tb\tc", "rows\ta\t1\tc", "row\ta\t1"] {
            assert_eq!(row(other), None, "{other}");
        }
    }
}
