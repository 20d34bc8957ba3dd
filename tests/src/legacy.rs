//! The recordings of Jaeger's and Zipkin's clients: what they sent, how they sent it, and what
//! they meant.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value as Json;
use std::fs;
use std::net::SocketAddr;
use tonic::client::Grpc;
use tonic::transport::Endpoint;
use tributary_testkit::data::{inflate, records};
use tributary_testkit::{data_dir, http};

/// What one client sent.
#[derive(Debug)]
pub struct Legacy {
    /// `<protocol>.<client>`.
    pub name: String,
    /// Each request or datagram, and how it was sent.
    pub records: Vec<(Record, Vec<u8>)>,
    /// What the client meant, a span each.
    pub expected: Vec<Json>,
}

/// How a record was sent.
#[derive(Debug, Clone, Deserialize)]
pub struct Record {
    /// `udp`, `http` or `grpc`.
    pub transport: String,
    /// The port.
    pub port: u16,
    /// Path, for HTTP and gRPC.
    #[serde(default)]
    pub path: String,
    /// Content type, for HTTP.
    #[serde(default)]
    pub content_type: Option<String>,
    /// Spans in it.
    pub spans: usize,
}

impl Record {
    /// The sidecar's listener for it.
    pub fn listener(&self) -> &'static str {
        match self.port {
            6831 => "jaeger-compact",
            6832 => "jaeger-binary",
            14268 => "jaeger-http",
            14250 => "jaeger-grpc",
            _ => "zipkin",
        }
    }
}

/// All of them, sorted by name.
///
/// # Errors
/// When the data is missing or damaged.
pub fn all() -> Result<Vec<Legacy>> {
    #[derive(Deserialize)]
    struct Manifest {
        records: Vec<Record>,
    }
    let dir = data_dir()?.join("legacy");
    let mut found = Vec::new();
    for entry in fs::read_dir(&dir).with_context(|| dir.display().to_string())? {
        let file = entry?.file_name().to_string_lossy().into_owned();
        let Some(name) = file.strip_suffix(".manifest.json") else { continue };
        let manifest: Manifest = serde_json::from_slice(&fs::read(dir.join(&file))?)?;
        let bodies = records(&dir.join(format!("{name}.bin.zst")))?;
        ensure!(bodies.len() == manifest.records.len(), "{name}: records");
        let text = inflate(&dir.join(format!("{name}.expected.jsonl.zst")))?;
        let lines = text.split(|&b| b == b'\n').filter(|line| !line.is_empty());
        let expected = lines.map(serde_json::from_slice).collect::<Result<_, _>>()?;
        let records = manifest.records.into_iter().zip(bodies).collect();
        found.push(Legacy { name: name.to_owned(), records, expected });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Sends a record as its client did. Datagrams are not answered.
///
/// # Errors
/// When it is not taken.
pub async fn send(to: SocketAddr, record: &Record, body: &[u8]) -> Result<()> {
    match record.transport.as_str() {
        "udp" => {
            let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await?;
            socket.send_to(body, to).await?;
        }
        "grpc" => {
            let channel = Endpoint::from_shared(format!("http://{to}"))?.connect().await?;
            let mut grpc = Grpc::new(channel);
            grpc.ready().await?;
            let request = tonic::Request::new(Bytes::copy_from_slice(body));
            let answer =
                grpc.unary(request, record.path.parse()?, crate::load::Raw).await?.into_inner();
            ensure!(answer.is_empty(), "answered {answer:?}");
        }
        _ => {
            let kind = record.content_type.as_deref().unwrap_or_default();
            let answer = http::post(to, &record.path, kind, body.to_vec()).await?;
            ensure!(answer.status == 202, "{}: {}", answer.status, answer.text());
            ensure!(answer.body.is_empty(), "{}", answer.text());
        }
    }
    Ok(())
}
