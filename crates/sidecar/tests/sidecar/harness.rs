//! A sidecar in this process, every port free.

use crate::fake::Fake;
use anyhow::{Result, anyhow};
use std::ffi::OsString;
use std::net::SocketAddr;
use tokio::task::JoinHandle;
use tributary_settings::Asked;
use tributary_sidecar::{Config, Report, Shutdown};
use tributary_testkit::http::Answer;
use tributary_testkit::prometheus::Metrics;
use tributary_testkit::wait::SOON;
use tributary_testkit::{NormalSpan, http, wait_for};

/// A running sidecar.
pub(crate) struct Sidecar {
    pub(crate) grpc: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) shutdown: Shutdown,
    pub(crate) running: JoinHandle<Report>,
}

impl Sidecar {
    pub(crate) async fn start(upstream: &[&Fake], args: &[&str]) -> Result<Sidecar> {
        let addresses: Vec<_> = upstream.iter().map(|f| f.address.to_string()).collect();
        Sidecar::start_with(&addresses.join(","), args).await
    }

    pub(crate) async fn start_with(upstream: &str, args: &[&str]) -> Result<Sidecar> {
        let fixed = [
            "--upstream",
            upstream,
            "--receivers",
            "otlp",
            "--otlp-grpc-listen",
            "127.0.0.1:0",
            "--otlp-http-listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
            "--batch-age",
            "20ms",
        ];
        let all = fixed.iter().chain(args).map(OsString::from);
        // Most senders of these tests stay connected, and have nothing more to send at the end.
        let at_once = ("TRIBUTARY_LINGER".into(), "0s".into());
        let Asked::Run(config) = Config::gather(all, [at_once])? else {
            return Err(anyhow!("not asked to run"));
        };
        let app = config.bind()?;
        let addresses = app.addresses();
        let at = |name: &str| {
            let found = addresses.iter().find(|(n, _)| *n == name);
            found.map(|(_, a)| *a).ok_or_else(|| anyhow!("{name} is not in {addresses:?}"))
        };
        let (grpc, http, admin) = (at("otlp-grpc")?, at("otlp-http")?, at("admin")?);
        let shutdown = Shutdown::default();
        let running = tokio::spawn(Box::pin(app.run(shutdown.clone())));
        Ok(Sidecar { grpc, http, admin, shutdown, running })
    }

    /// Sends a request; it must be taken.
    pub(crate) async fn take(&self, request: &[u8]) -> Result<Vec<NormalSpan>> {
        let answer = self.offer(request, &[]).await?;
        anyhow::ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
        NormalSpan::parse(request)
    }

    pub(crate) async fn offer(&self, request: &[u8], headers: &[(&str, &str)]) -> Result<Answer> {
        let mut all = vec![("content-type", "application/x-protobuf")];
        all.extend_from_slice(headers);
        let body = request.to_vec();
        http::send(self.http, hyper::Method::POST, "/v1/traces", &all, body).await
    }

    pub(crate) async fn metrics(&self) -> Result<Metrics> {
        let page = http::get(self.admin, "/metrics").await?;
        Metrics::parse(&page.text()).map_err(|e| anyhow!(e))
    }

    /// The sum of one of the sidecar's metrics.
    pub(crate) async fn metric(&self, name: &str) -> Result<f64> {
        let name = format!("tributary_sidecar_{name}");
        self.metrics().await?.sum(&name, &[]).ok_or_else(|| anyhow!("no metric {name}"))
    }

    /// Waits until a metric has a value that will do.
    pub(crate) async fn metric_becomes(
        &self,
        name: &str,
        fine: impl Fn(f64) -> bool,
    ) -> Result<f64> {
        wait_for(name, SOON, async || match self.metric(name).await {
            Ok(value) if fine(value) => Ok(value),
            Ok(value) => Err(format!("{value}")),
            Err(error) => Err(format!("{error:#}")),
        })
        .await
    }

    /// As SIGTERM.
    pub(crate) async fn stop(self) -> Result<Report> {
        self.shutdown.drain.cancel();
        Ok(self.running.await?)
    }
}
