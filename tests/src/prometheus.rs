//! A Prometheus of one's own, where there is one.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tributary_testkit::wait::SOON;
use tributary_testkit::{Process, free_port, http, wait_for, workspace_root};

/// How to have one.
const HOW: &str = "`cargo xtask promtool` fetches it where there is apt-get, or install Prometheus";

/// A program of Prometheus': beside `TRIBUTARY_PROMTOOL`, from what `cargo xtask promtool` fetches, or
/// that of the machine. None, and a line on stderr, when there is none.
///
/// # Errors
/// When the variable names nothing.
pub fn program(name: &str) -> Result<Option<PathBuf>> {
    if let Some(tool) = std::env::var_os("TRIBUTARY_PROMTOOL").map(PathBuf::from) {
        let path = tool.with_file_name(name);
        ensure!(path.is_file(), "TRIBUTARY_PROMTOOL: no {}", path.display());
        return Ok(Some(path));
    }
    let fetched = workspace_root().join("target/promtool").join(name);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).map(|folder| folder.join(name));
    let found = [fetched].into_iter().chain(installed).find(|path| path.is_file());
    if found.is_none() {
        // Past the harness, which shows nothing of tests that pass.
        writeln!(std::io::stderr(), "SKIPPED, no {name}: {HOW}")?;
    }
    Ok(found)
}

/// A running one, which scrapes metrics from spans. Dropping it ends it, and all that it has is gone.
#[derive(Debug)]
pub struct Prometheus {
    _process: Process,
    address: SocketAddr,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts one that takes native histograms from these ingesters twice a second.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(program: &Path, ingesters: &[SocketAddr]) -> Result<Prometheus> {
        let folder = tempfile::tempdir()?;
        let targets: Vec<String> = ingesters.iter().map(SocketAddr::to_string).collect();
        // JSON is YAML.
        let config = serde_json::json!({
            "global": {"scrape_interval": "500ms"},
            "scrape_configs": [{
                "job_name": "spans",
                "metrics_path": "/metrics/spans",
                "static_configs": [{"targets": targets}],
            }],
        });
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, config.to_string())?;
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let args = [
            format!("--config.file={}", file.display()),
            format!("--storage.tsdb.path={}", folder.path().join("data").display()),
            format!("--web.listen-address={address}"),
            "--enable-feature=native-histograms,exemplar-storage".to_owned(),
        ];
        let process = Process::spawn(program, args, &[])?;
        let log = process.output_handle();
        wait_for("Prometheus", SOON, async || match http::get(address, "/-/ready").await {
            Ok(answer) if answer.status.is_success() => Ok(()),
            other => Err(format!("{other:?}; output:\n{}", log.lines().join("\n"))),
        })
        .await?;
        Ok(Prometheus { _process: process, address, _folder: folder })
    }

    /// The value of an expression that has one, without `+`, `&` and `%`; none as long as there is
    /// nothing to make it of.
    ///
    /// # Errors
    /// When it does not answer, or refuses.
    pub async fn value(&self, expression: &str) -> Result<Option<f64>> {
        let form = "application/x-www-form-urlencoded";
        let body = format!("query={expression}");
        let answer = http::post(self.address, "/api/v1/query", form, body).await?;
        let said = answer.json().with_context(|| answer.text())?;
        ensure!(answer.status.is_success(), "{expression}: {said}");
        let value = said.pointer("/data/result/0/value/1").and_then(Value::as_str);
        Ok(value.map(str::parse).transpose()?)
    }
}
