//! `tributary verify` beside the real programs: silent while all is well, through a restart of its own
//! and a kill of the ingester; and not, once a block is gone.

use anyhow::{Context, Result, ensure};
use std::net::SocketAddr;
use tributary_testkit::prometheus::Metrics;
use tributary_testkit::wait::SOON;
use tributary_testkit::{Process, http, wait_for};
use tributary_tests::{Ingester, LONG, Place, Sidecar, program};

/// Blocks are made at once.
const FLAGS: &[&str] = &["--block-age", "1s", "--compact", "never"];

async fn urls(ingester: &Ingester, sidecar: &mut Sidecar) -> Result<Vec<String>> {
    Ok(vec![
        format!("--url=http://{}", ingester.http),
        format!("--otlp=http://{}", sidecar.http),
        format!("--jaeger=http://{}", sidecar.at("jaeger-http").await?),
        format!("--zipkin=http://{}", sidecar.at("zipkin").await?),
    ])
}

async fn once(urls: &[String], flags: &[&str]) -> Result<(Option<i32>, String)> {
    let flags = urls.iter().map(String::as_str).chain(flags.iter().copied());
    let args = ["verify", "--once", "--patience", "30s"].into_iter().chain(flags);
    let mut process = Process::spawn(program::tool()?, args, &[])?;
    let status = process.wait(LONG).await?;
    Ok((status.code(), process.output().join("\n")))
}

#[tokio::test]
async fn one_of_each_kind_is_seen_at_once_and_from_its_block() -> Result<()> {
    let place = Place::folder()?;
    let ingester = Ingester::start(&place, FLAGS).await?;
    let mut sidecar = Sidecar::start(&ingester.wire.to_string(), &[]).await?;
    let urls = urls(&ingester, &mut sidecar).await?;
    let (code, said) = once(&urls, &["--block-after", "4s"]).await?;
    ensure!(code == Some(0), "{code:?}: {said}");
    ensure!(said.contains("6 traces acknowledged; 30 looks fine"), "{said}");
    ensure!(!place.parquet_files()?.is_empty(), "no block was asked");
    sidecar.stop().await?;
    ingester.stop().await
}

/// A verifier of this file's stories has much to do.
const OFTEN: &[&str] = &["--every=500ms", "--block-after=8s", "--patience=5s"];

/// A verifier that goes on.
pub(crate) struct Verifier {
    process: Process,
    /// Its metrics.
    pub(crate) admin: SocketAddr,
}

impl Verifier {
    /// Starts one that writes to and reads from these places.
    pub(crate) async fn start(places: &[String], flags: &[&str]) -> Result<Verifier> {
        let args = ["verify", "--listen=127.0.0.1:0"].into_iter().chain(flags.iter().copied());
        let args = args.chain(places.iter().map(String::as_str));
        let mut process = Process::spawn(program::tool()?, args, &[])?;
        let address = |line: &str| {
            let at = line.strip_prefix("metrics on http://")?.strip_suffix("/metrics")?;
            at.parse().ok()
        };
        let admin = process.line("its metrics", SOON, address).await?;
        Ok(Verifier { process, admin })
    }

    async fn looks(&self) -> Result<Metrics> {
        let page = http::get(self.admin, "/metrics").await?.text();
        Metrics::parse(&page).map_err(|line| anyhow::anyhow!("not a metric: {line}"))
    }

    /// Waits until so many looks have ended so.
    async fn until(&self, labels: &[(&str, &str)], n: f64) -> Result<()> {
        wait_for(&format!("{n} looks {labels:?}"), LONG, async || {
            let metrics = self.looks().await.map_err(|e| format!("{e:#}"))?;
            let looks = metrics.sum(LOOKS, labels).unwrap_or(0.0);
            let lines = || self.process.output().join("\n");
            if looks >= n { Ok(()) } else { Err(format!("{looks}; output:\n{}", lines())) }
        })
        .await
    }

    /// Nothing was found so far.
    async fn is_silent(&self) -> Result<()> {
        let metrics = self.looks().await?;
        for outcome in ["missing", "double", "different"] {
            let looks = metrics.sum(LOOKS, &[("outcome", outcome)]);
            let lines = || self.process.output().join("\n");
            ensure!(looks == Some(0.0), "{outcome}: {looks:?}; output:\n{}", lines());
        }
        Ok(())
    }
}

const LOOKS: &str = "tributary_verify_looks_total";

#[tokio::test]
async fn it_is_silent_through_kills_and_tells_what_is_gone() -> Result<()> {
    let place = Place::folder()?;
    let ingester = Ingester::start(&place, FLAGS).await?;
    let mut sidecar = Sidecar::start(&ingester.wire.to_string(), &[]).await?;
    let urls = urls(&ingester, &mut sidecar).await?;
    let verifier = Verifier::start(&urls, OFTEN).await?;
    verifier.until(&[("outcome", "fine")], 20.0).await?;
    let ingester = ingester.restart(&place, FLAGS).await?;
    verifier.until(&[("outcome", "fine"), ("stage", "block")], 20.0).await?;
    verifier.is_silent().await?;
    drop(verifier);

    // What the one that was killed had still to look at, the next one looks at: far more than it has
    // written itself by then.
    let verifier = Verifier::start(&urls, OFTEN).await?;
    verifier.until(&[("outcome", "fine"), ("stage", "block")], 5.0).await?;
    let written = verifier.looks().await?.sum("tributary_verify_written_total", &[]);
    ensure!(written < Some(14.0), "{written:?} were written in less than 8 s");
    verifier.is_silent().await?;

    let blocks = place.path().context("a folder")?.join("blocks");
    std::fs::rename(&blocks, blocks.with_extension("gone"))?;
    verifier.until(&[("outcome", "missing")], 1.0).await?;
    let said = verifier.process.output().join("\n");
    ensure!(said.contains("missing: trace "), "{said}");
    drop((sidecar, ingester));
    Ok(())
}
