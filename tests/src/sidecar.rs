//! The real sidecar as a child process.

use crate::program;
use anyhow::{Context, Result};
use std::net::SocketAddr;
use tributary_testkit::prometheus::Metrics;
use tributary_testkit::wait::SOON;
use tributary_testkit::{Process, http, wait_for};

/// A running sidecar, every port its own.
#[derive(Debug)]
pub struct Sidecar {
    /// The process.
    pub process: Process,
    /// OTLP/gRPC.
    pub grpc: SocketAddr,
    /// OTLP/HTTP.
    pub http: SocketAddr,
    /// `/live`, `/ready`, `/metrics`.
    pub admin: SocketAddr,
}

/// Everything that it listens with, by the names in its log.
pub const LISTENERS: [&str; 9] = [
    "admin",
    "jaeger-binary",
    "jaeger-compact",
    "jaeger-grpc",
    "jaeger-http",
    "jaeger-sampling",
    "otlp-grpc",
    "otlp-http",
    "zipkin",
];

/// Senders stay connected in most stories, and have nothing more to send at the end.
const AT_ONCE: (&str, &str) = ("TRIBUTARY_LINGER", "0s");

impl Sidecar {
    /// Starts one and waits until it listens. `flags` stand beside those for its addresses.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(upstream: &str, flags: &[&str]) -> Result<Sidecar> {
        let listen = LISTENERS.map(|name| format!("--{name}-listen=127.0.0.1:0"));
        let own = ["--upstream", upstream].into_iter().chain(listen.iter().map(String::as_str));
        let args = own.chain(flags.iter().copied());
        let mut process = Process::spawn(program::sidecar()?, args, &[AT_ONCE])?;
        let grpc = process.listening("otlp-grpc", SOON).await?;
        let http = process.listening("otlp-http", SOON).await?;
        let admin = process.listening("admin", SOON).await?;
        Ok(Sidecar { process, grpc, http, admin })
    }

    /// Where one of [`LISTENERS`] listens.
    ///
    /// # Errors
    /// When it does not.
    pub async fn at(&mut self, name: &str) -> Result<SocketAddr> {
        self.process.listening(name, SOON).await
    }

    /// Its metrics.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn metrics(&self) -> Result<Metrics> {
        scrape(self.admin).await
    }

    /// Waits until a metric (summed over its labels) is what `wanted` says.
    ///
    /// # Errors
    /// When the deadline passes.
    pub async fn until(&self, metric: &str, wanted: impl Fn(f64) -> bool) -> Result<f64> {
        until(self.admin, metric, wanted).await
    }

    /// Waits until all that it took is acknowledged: no frame is held, and no span waits to be part of one.
    ///
    /// # Errors
    /// When the deadline passes.
    pub async fn all_acknowledged(&self) -> Result<()> {
        wait_for("spans of the sidecar", crate::LONG, || async move {
            let metrics = scrape(self.admin).await.map_err(|e| format!("{e:#}"))?;
            let held = ["open", "unacked"]
                .map(|what| metrics.sum(&format!("tributary_sidecar_{what}_spans"), &[]));
            if held == [Some(0.0); 2] { Ok(()) } else { Err(format!("{held:?} open, unacked")) }
        })
        .await
    }

    /// SIGTERM, and waits for an end in good order.
    ///
    /// # Errors
    /// When it does not end, or not with 0.
    pub async fn stop(mut self) -> Result<()> {
        stop(&mut self.process).await
    }
}

pub(crate) async fn stop(process: &mut Process) -> Result<()> {
    process.terminate()?;
    let status = process.wait(crate::LONG).await?;
    let output = process.output().join("\n");
    anyhow::ensure!(status.success(), "ended with {status}; output:\n{output}");
    Ok(())
}

pub(crate) async fn scrape(admin: SocketAddr) -> Result<Metrics> {
    let page = http::get(admin, "/metrics").await?.text();
    Metrics::parse(&page).map_err(|line| anyhow::anyhow!("not a metric: {line}"))
}

pub(crate) async fn until(
    admin: SocketAddr,
    metric: &str,
    wanted: impl Fn(f64) -> bool,
) -> Result<f64> {
    let wanted = &wanted;
    wait_for(metric, crate::LONG, || async move {
        let metrics = scrape(admin).await.map_err(|e| format!("{e:#}"))?;
        let value = metrics.sum(metric, &[]).context("no such metric");
        let value = value.map_err(|e| e.to_string())?;
        if wanted(value) { Ok(value) } else { Err(value.to_string()) }
    })
    .await
}
