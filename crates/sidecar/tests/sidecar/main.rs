//! The whole sidecar, in this process on free ports, between a sender and fake ingesters.

mod fake;
mod flow;
mod limits;
mod moves;
mod process;
#[cfg(feature = "tls")]
mod secure;

use anyhow::{Result, anyhow};
use fake::Fake;
use prost::Message;
use std::ffi::OsString;
use std::net::SocketAddr;
use tokio::task::JoinHandle;
use tributary_sidecar::{Asked, Config, Report, Shutdown};
use tributary_testkit::http::Answer;
use tributary_testkit::otlp::ExportTraceServiceRequest;
use tributary_testkit::prometheus::Metrics;
use tributary_testkit::wait::SOON;
use tributary_testkit::{NormalSpan, http, wait_for};

/// A running sidecar.
struct Sidecar {
    grpc: SocketAddr,
    http: SocketAddr,
    admin: SocketAddr,
    shutdown: Shutdown,
    running: JoinHandle<Report>,
}

impl Sidecar {
    async fn start(upstream: &[&Fake], args: &[&str]) -> Result<Sidecar> {
        let addresses: Vec<_> = upstream.iter().map(|f| f.address.to_string()).collect();
        Sidecar::start_with(&addresses.join(","), args).await
    }

    async fn start_with(upstream: &str, args: &[&str]) -> Result<Sidecar> {
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
        let Asked::Run(config) = Config::gather(all, [])? else {
            return Err(anyhow!("not asked to run"));
        };
        let app = config.bind().await?;
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
    async fn take(&self, request: &[u8]) -> Result<Vec<NormalSpan>> {
        let answer = self.offer(request, &[]).await?;
        anyhow::ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
        NormalSpan::parse(request)
    }

    async fn offer(&self, request: &[u8], headers: &[(&str, &str)]) -> Result<Answer> {
        let mut all = vec![("content-type", "application/x-protobuf")];
        all.extend_from_slice(headers);
        let body = request.to_vec();
        http::send(self.http, hyper::Method::POST, "/v1/traces", &all, body).await
    }

    async fn metrics(&self) -> Result<Metrics> {
        let page = http::get(self.admin, "/metrics").await?;
        Metrics::parse(&page.text()).map_err(|e| anyhow!(e))
    }

    /// The sum of one of the sidecar's metrics.
    async fn metric(&self, name: &str) -> Result<f64> {
        let name = format!("tributary_sidecar_{name}");
        self.metrics().await?.sum(&name, &[]).ok_or_else(|| anyhow!("no metric {name}"))
    }

    /// Waits until a metric has a value that will do.
    async fn metric_becomes(&self, name: &str, fine: impl Fn(f64) -> bool) -> Result<f64> {
        wait_for(name, SOON, async || match self.metric(name).await {
            Ok(value) if fine(value) => Ok(value),
            Ok(value) => Err(format!("{value}")),
            Err(error) => Err(format!("{error:#}")),
        })
        .await
    }

    /// As SIGTERM.
    async fn stop(self) -> Result<Report> {
        self.shutdown.drain.cancel();
        Ok(self.running.await?)
    }
}

/// Waits until the spans that were acknowledged are `expected`, exactly.
async fn acked(fakes: &[&Fake], expected: &[NormalSpan]) -> Result<()> {
    wait_for("all spans to be acknowledged", SOON, async || {
        let got: Vec<_> = fakes.iter().flat_map(|f| f.acked()).collect();
        if got.len() < expected.len() {
            return Err(format!("{} of {}", got.len(), expected.len()));
        }
        tributary_testkit::normal::compare(expected, &got)
    })
    .await
}

/// An encoded request with one span of a trace of its own.
fn plain(seed: u64) -> Vec<u8> {
    tributary_testkit::sample::plain(seed).encode_to_vec()
}

/// An encoded request with every field there is.
fn full(seed: u64) -> Vec<u8> {
    let request: ExportTraceServiceRequest = tributary_testkit::sample::request(seed);
    request.encode_to_vec()
}
