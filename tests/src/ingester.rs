//! The real ingester as a child process, and its query API as a client sees it.

use crate::{Place, program, sidecar};
use anyhow::{Context, Result, ensure};
use http::{Method, StatusCode};
use prost::Message;
use std::net::SocketAddr;
use std::path::PathBuf;
use tributary_testkit::disk::HOWEVER_FULL;
use tributary_testkit::http::Connection;
use tributary_testkit::otlp::json::Dialect;
use tributary_testkit::otlp::{TracesData, json};
use tributary_testkit::prometheus::Metrics;
use tributary_testkit::wait::SOON;
use tributary_testkit::{NormalSpan, Process, http as client};

/// A running ingester.
#[derive(Debug)]
pub struct Ingester {
    /// The process.
    pub process: Process,
    /// The wire.
    pub wire: SocketAddr,
    /// Query API, `/live`, `/ready`, `/metrics`.
    pub http: SocketAddr,
}

/// Flags by which spans stay in memory until the ingester is told to stop.
pub const HOLD: &[&str] = &["--block-age", "3600s", "--block-bytes", "512MiB", "--memory", "2GiB"];

/// Ingesters of one test find each other and each other's blocks at once.
const QUICK: &[&str] = &["--heartbeat", "500ms", "--blocks-poll", "200ms", "--fsync", "false"];

impl Ingester {
    /// Starts one on ports of its own and waits until it is ready.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(place: &Place, flags: &[&str]) -> Result<Ingester> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Ingester::start_at(place, any, any, flags).await
    }

    /// Starts one whose wire listens at an address that sidecars know already.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_with_wire(
        place: &Place,
        wire: SocketAddr,
        flags: &[&str],
    ) -> Result<Ingester> {
        Ingester::start_at(place, wire, SocketAddr::from(([127, 0, 0, 1], 0)), flags).await
    }

    /// Starts one where another was, as a restart in its place does.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart(self, place: &Place, flags: &[&str]) -> Result<Ingester> {
        let (wire, http) = (self.wire, self.http);
        drop(self);
        Ingester::start_at(place, wire, http, flags).await
    }

    /// Starts one with the settings that users have but for `flags`, to see what it costs.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_as_deployed(place: &Place, flags: &[&str]) -> Result<Ingester> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Ingester::up(spawn(place, any, any, flags)?).await
    }

    /// The same, and waits for no more than that its ports are open.
    ///
    /// # Errors
    /// When it does not listen.
    pub async fn listen_as_deployed(place: &Place, flags: &[&str]) -> Result<Ingester> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Ingester::listens(spawn(place, any, any, flags)?).await
    }

    /// Starts one that answers inside TLS alone, and asks it nothing: whether it is ready is for the
    /// caller to see.
    ///
    /// # Errors
    /// When it does not listen.
    pub async fn start_secure(place: &Place, flags: &[&str]) -> Result<Ingester> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let flags: Vec<&str> = QUICK.iter().chain(flags).copied().collect();
        Ingester::listens(spawn(place, any, any, &flags)?).await
    }

    /// Starts one that may have so many files open.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_with_files(place: &Place, most: usize, flags: &[&str]) -> Result<Ingester> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let flags: Vec<&str> = QUICK.iter().chain(flags).copied().collect();
        let ingester = program::ingester()?.display().to_string();
        let limited = format!("ulimit -n {most}; exec \"$0\" \"$@\"");
        let shell = ["-c", &limited, &ingester];
        Ingester::up(run("sh".into(), &shell, place, [any, any], &flags)?).await
    }

    async fn start_at(
        place: &Place,
        wire: SocketAddr,
        http: SocketAddr,
        flags: &[&str],
    ) -> Result<Ingester> {
        let flags: Vec<&str> = QUICK.iter().chain(flags).copied().collect();
        Ingester::up(spawn(place, wire, http, &flags)?).await
    }

    async fn listens(mut process: Process) -> Result<Ingester> {
        let wire = process.listening("wire", SOON).await?;
        let http = process.listening("http", SOON).await?;
        Ok(Ingester { process, wire, http })
    }

    async fn up(process: Process) -> Result<Ingester> {
        let ingester = Ingester::listens(process).await?;
        let (http, log) = (ingester.http, ingester.process.output_handle());
        tributary_testkit::wait_for("/ready", crate::LONG, || async {
            match client::get(http, "/ready").await {
                Ok(answer) if answer.status.is_success() => Ok(()),
                Ok(answer) => Err(format!("{} {}", answer.status, answer.text())),
                Err(e) => Err(format!("{e:#}; output:\n{}", log.lines().join("\n"))),
            }
        })
        .await?;
        Ok(ingester)
    }

    /// Its metrics.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn metrics(&self) -> Result<Metrics> {
        sidecar::scrape(self.http).await
    }

    /// Waits until a metric (summed over its labels) is what `wanted` says.
    ///
    /// # Errors
    /// When the deadline passes.
    pub async fn until(&self, metric: &str, wanted: impl Fn(f64) -> bool) -> Result<f64> {
        sidecar::until(self.http, metric, wanted).await
    }

    /// SIGTERM, and waits for an end in good order: all that it held is then in blocks.
    ///
    /// # Errors
    /// When it does not end, or not with 0.
    pub async fn stop(mut self) -> Result<()> {
        sidecar::stop(&mut self.process).await
    }
}

fn spawn(place: &Place, wire: SocketAddr, http: SocketAddr, flags: &[&str]) -> Result<Process> {
    run(program::ingester()?, &[], place, [wire, http], flags)
}

/// Runs `program` with these first arguments and then those of an ingester: on the wire's address and
/// the API's.
fn run(
    program: PathBuf,
    first: &[&str],
    place: &Place,
    [wire, http]: [SocketAddr; 2],
    flags: &[&str],
) -> Result<Process> {
    let (url, wire, http) = (place.url(), wire.to_string(), http.to_string());
    let own = ["--store", &url, "--wire-listen", &wire, "--http-listen", &http];
    let env = place.env();
    let env = env.iter().map(|(key, value)| (*key, value.as_str()));
    let env: Vec<(&str, &str)> = env.chain([HOWEVER_FULL]).collect();
    Process::spawn(program, first.iter().chain(&own).chain(flags), &env)
}

/// The ways to ask for a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `/api/traces/{id}`, protobuf.
    V1Protobuf,
    /// `/api/traces/{id}`, JSON.
    V1Json,
    /// `/api/v2/traces/{id}`, protobuf.
    V2Protobuf,
    /// `/api/v2/traces/{id}`, JSON.
    V2Json,
}

/// All of them.
pub const APIS: [Api; 4] = [Api::V1Protobuf, Api::V1Json, Api::V2Protobuf, Api::V2Json];

/// `tempopb.TraceByIDResponse`, as far as tests look.
#[derive(Clone, PartialEq, prost::Message)]
struct TraceByIdResponse {
    #[prost(message, optional, tag = "1")]
    trace: Option<TracesData>,
    #[prost(int32, tag = "3")]
    status: i32,
    #[prost(string, tag = "4")]
    message: String,
}

/// Asks for a trace by its id (hex). A trace that is not there has no spans.
///
/// # Errors
/// When the answer is not what the API promises.
pub async fn trace(to: &mut Connection, api: Api, id: &str) -> Result<Vec<NormalSpan>> {
    let v2 = matches!(api, Api::V2Protobuf | Api::V2Json);
    let path = if v2 { format!("/api/v2/traces/{id}") } else { format!("/api/traces/{id}") };
    let protobuf = matches!(api, Api::V1Protobuf | Api::V2Protobuf);
    let accept = if protobuf { "application/protobuf" } else { "application/json" };
    let answer = to.send(Method::GET, &path, &[("accept", accept)], "").await?;
    if !v2 && answer.status == StatusCode::NOT_FOUND {
        return Ok(Vec::new());
    }
    let said = || format!("{api:?} {id}: {} {}", answer.status, answer.text());
    ensure!(answer.status == StatusCode::OK, said());
    ensure!(answer.header("content-type").starts_with(accept), said());
    let data = match (v2, protobuf) {
        (false, true) => TracesData::decode(answer.body.clone()).with_context(said)?,
        (true, true) => {
            let response = TraceByIdResponse::decode(answer.body.clone()).with_context(said)?;
            ensure!(response.status == 0 && response.message.is_empty(), "partial: {response:?}");
            response.trace.unwrap_or_default()
        }
        (false, false) => json::read(&answer.json()?, Dialect::Tempo).with_context(said)?,
        (true, false) => {
            let response = answer.json()?;
            let partial = response.get("status").is_some_and(|status| status != "COMPLETE");
            ensure!(!partial, said());
            json::read(response.get("trace").with_context(said)?, Dialect::Tempo)
                .with_context(said)?
        }
    };
    Ok(NormalSpan::of(data.resource_spans))
}
