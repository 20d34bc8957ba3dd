//! Recorded traffic, sent through sidecars, and looked for in ingesters' answers.

use crate::ingester::{APIS, Api, trace};
use crate::{Ingester, LONG, Sidecar};
use anyhow::{Context, Result, bail, ensure};
use prost::Message;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;
use tributary_testkit::http::Connection;
use tributary_testkit::normal::compare;
use tributary_testkit::otlp::{ExportTraceServiceRequest, TraceServiceClient, json};
use tributary_testkit::{NormalSpan, Recording, wait_for};

/// What was sent, by trace id (hex).
#[derive(Debug, Default)]
pub struct Sent(pub BTreeMap<String, Vec<NormalSpan>>);

impl Sent {
    /// The spans of recordings.
    ///
    /// # Errors
    /// When one cannot be decoded.
    pub fn of(recordings: &[Recording]) -> Result<Sent> {
        let mut sent = Sent::default();
        for record in recordings.iter().flat_map(|r| &r.records) {
            sent.add(NormalSpan::parse(record)?);
        }
        Ok(sent)
    }

    /// Adds spans.
    pub fn add(&mut self, spans: Vec<NormalSpan>) {
        for span in spans {
            self.0.entry(span.trace_id.to_string()).or_default().push(span);
        }
    }

    /// Number of spans.
    pub fn spans(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Every `n`th trace of these.
    pub fn every(self, n: usize) -> Sent {
        Sent(self.0.into_iter().step_by(n).collect())
    }

    /// Asks for every trace, of one ingester after the other and by each form of the API in turn,
    /// and compares every span in every field. Waits for spans that are still on their way.
    ///
    /// # Errors
    /// The first trace that does not come back as it was sent.
    pub async fn check(&self, ingesters: &[&Ingester]) -> Result<()> {
        let mut connections = Vec::new();
        for ingester in ingesters {
            connections.push(Connection::open(ingester.http).await?);
        }
        ensure!(!connections.is_empty(), "no ingester to ask");
        for (i, (id, sent)) in self.0.iter().enumerate() {
            let at = i % connections.len();
            let connection = connections.get_mut(at).context("an ingester")?;
            let api = APIS.get(i / ingesters.len() % APIS.len()).copied().context("an API")?;
            check_trace(connection, api, id, sent).await.with_context(|| {
                let log = ingesters.get(at).map(|i| i.process.output().join("\n"));
                format!(
                    "trace {id} by {api:?}; the ingester's output:\n{}",
                    log.unwrap_or_default()
                )
            })?;
        }
        Ok(())
    }
}

/// Waits until a trace has as many spans as were sent, then compares them.
async fn check_trace(
    connection: &mut Connection,
    api: Api,
    id: &str,
    sent: &[NormalSpan],
) -> Result<()> {
    let connection = tokio::sync::Mutex::new(connection);
    let got = wait_for(&format!("{} spans", sent.len()), LONG, || async {
        let mut connection = connection.lock().await;
        let got = trace(&mut connection, api, id).await.map_err(|e| format!("{e:#}"))?;
        if got.len() < sent.len() { Err(format!("{} spans", got.len())) } else { Ok(got) }
    })
    .await?;
    compare(sent, &got).map_err(anyhow::Error::msg)
}

/// How an application speaks to its sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP/gRPC.
    Grpc,
    /// OTLP/HTTP with protobuf.
    Protobuf,
    /// OTLP/HTTP with JSON.
    Json,
}

/// An application's connection to its sidecar.
#[derive(Debug)]
pub enum Sender {
    /// OTLP/gRPC.
    Grpc(TraceServiceClient<tonic::transport::Channel>),
    /// OTLP/HTTP; whether the bodies are JSON.
    Http(Connection, bool),
}

impl Sender {
    /// Connects.
    ///
    /// # Errors
    /// When the sidecar does not listen.
    pub async fn open(sidecar: &Sidecar, protocol: Protocol) -> Result<Sender> {
        Ok(match protocol {
            Protocol::Grpc => {
                let client = TraceServiceClient::connect(format!("http://{}", sidecar.grpc));
                Sender::Grpc(client.await?.max_encoding_message_size(64 << 20))
            }
            Protocol::Protobuf => Sender::Http(Connection::open(sidecar.http).await?, false),
            Protocol::Json => Sender::Http(Connection::open(sidecar.http).await?, true),
        })
    }

    /// Sends a request; `Ok(false)` when the sidecar says to try again later.
    ///
    /// # Errors
    /// When it says anything else but a full success.
    pub async fn offer(&mut self, request: &[u8]) -> Result<bool> {
        match self {
            Sender::Grpc(client) => {
                let message = ExportTraceServiceRequest::decode(request)?;
                match client.export(message).await {
                    Ok(answer) => {
                        let partial = answer.into_inner().partial_success;
                        ensure!(partial.is_none(), "refused in part: {partial:?}");
                        Ok(true)
                    }
                    Err(status) if status.code() == tonic::Code::Unavailable => Ok(false),
                    Err(status) => bail!("refused: {status:?}"),
                }
            }
            Sender::Http(connection, as_json) => {
                let (content_type, body) = if *as_json {
                    let message = ExportTraceServiceRequest::decode(request)?;
                    (
                        "application/json",
                        json::write(&message.resource_spans).to_string().into_bytes(),
                    )
                } else {
                    ("application/x-protobuf", request.to_vec())
                };
                let headers = [("content-type", content_type)];
                let answer =
                    connection.send(http::Method::POST, "/v1/traces", &headers, body).await?;
                match answer.status.as_u16() {
                    200 => {
                        ensure!(!answer.text().contains("rejected"), "{}", answer.text());
                        Ok(true)
                    }
                    503 => Ok(false),
                    status => bail!("refused: {status} {}", answer.text()),
                }
            }
        }
    }

    /// Sends a request until the sidecar takes it.
    ///
    /// # Errors
    /// As [`Sender::offer`], or when the deadline passes.
    pub async fn send(&mut self, request: &[u8]) -> Result<()> {
        let this = tokio::sync::Mutex::new(self);
        let taken = wait_for("room in the sidecar", LONG, || async {
            match this.lock().await.offer(request).await {
                Ok(true) => Ok(Ok(())),
                Ok(false) => Err("full".to_owned()),
                Err(e) => Ok(Err(e)),
            }
        });
        taken.await?
    }
}

/// Sends each recording through a sidecar of its own, all at once. Pods take turns in how they
/// speak. `before` is called with the number of requests sent before each request.
///
/// # Errors
/// When a sidecar does not start or refuses a request for good.
pub async fn replay(
    recordings: &Arc<Vec<Recording>>,
    upstream: &str,
    flags: &'static [&'static str],
) -> Result<Vec<Sidecar>> {
    let protocols = [Protocol::Grpc, Protocol::Protobuf, Protocol::Grpc, Protocol::Json];
    let mut pods = JoinSet::new();
    for (i, protocol) in (0..recordings.len()).zip(protocols.into_iter().cycle()) {
        let (recordings, upstream) = (Arc::clone(recordings), upstream.to_owned());
        pods.spawn(async move {
            let recording = recordings.get(i).context("a recording")?;
            let sidecar = Sidecar::start(&upstream, flags).await?;
            let mut sender = Sender::open(&sidecar, protocol).await?;
            for (seq, record) in recording.records.iter().enumerate() {
                let sent = sender.send(record).await;
                sent.with_context(|| format!("{protocol:?}, {} {seq}", recording.pod))?;
            }
            anyhow::Ok(sidecar)
        });
    }
    let mut sidecars = Vec::new();
    while let Some(pod) = pods.join_next().await {
        sidecars.push(pod??);
    }
    Ok(sidecars)
}
