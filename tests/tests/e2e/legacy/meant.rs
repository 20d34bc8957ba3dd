//! What a client meant, in OTLP's terms.

mod differences;
mod jaeger;
mod values;
mod zipkin;

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;
use std::collections::HashSet;
use tributary_testkit::normal::Attributes;

/// A recording: which protocol, whose client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct What {
    pub(super) protocol: Protocol,
    client: Client,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    JaegerThrift,
    JaegerGrpc,
    ZipkinV1Json,
    ZipkinV1Thrift,
    ZipkinV2,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    PythonJaeger,
    NodeJaeger,
    RubyJaeger,
    PythonOtel,
    NodeOtel,
    PyZipkin,
    NodeZipkin,
}

/// A span as it should come back.
#[derive(Debug)]
pub(super) struct Meant {
    pub(super) trace: String,
    pub(super) span: String,
    pub(super) kind: i32,
    pub(super) start_us: u64,
    end_us: u64,
    /// How far the times may be off.
    slack_us: u64,
    parent: String,
    name: String,
    status: i32,
    message: String,
    flags: u32,
    attributes: Attributes,
    resource: Attributes,
    /// Attributes of the resource that the client did not note.
    unnoted: &'static [&'static str],
    scope: (String, String),
    /// Time in microseconds, name, attributes.
    events: Vec<(u64, String, Attributes)>,
    /// Trace, span, `opentracing.ref_type`.
    links: Vec<(String, String, String)>,
}

/// The two sides of a call that Zipkin gave one id, as answers tell them apart: the server has the
/// id with its highest bit turned, the client is its parent, and what was below the id is below the
/// server. `trace` is one trace whole.
pub(super) fn part_shared_ids(trace: &mut [Meant]) -> Result<()> {
    let with_kind = |kind: i32| -> HashSet<String> {
        trace.iter().filter(|m| m.kind == kind).map(|m| m.span.clone()).collect()
    };
    let shared = &with_kind(2) & &with_kind(3);
    for span in trace {
        if shared.contains(&span.span) && span.kind == 2 {
            span.parent = span.span.clone();
            span.span = with_highest_bit_turned(&span.span)?;
        } else if shared.contains(&span.parent) {
            span.parent = with_highest_bit_turned(&span.parent)?;
        }
    }
    Ok(())
}

fn with_highest_bit_turned(id: &str) -> Result<String> {
    let id = u64::from_str_radix(id, 16).with_context(|| format!("span id {id:?}"))?;
    Ok(format!("{:016x}", id ^ (1 << 63)))
}

impl What {
    pub(super) fn of(name: &str) -> Result<What> {
        let (protocol, client) = name.split_once('.').context("a name with a dot")?;
        let client = match client {
            "python-jaeger-client" => Client::PythonJaeger,
            "node-jaeger-client" => Client::NodeJaeger,
            "ruby-jaeger-client" => Client::RubyJaeger,
            "python-opentelemetry" => Client::PythonOtel,
            "node-opentelemetry" => Client::NodeOtel,
            "py_zipkin" => Client::PyZipkin,
            "node-zipkin" => Client::NodeZipkin,
            _ => bail!("unknown client {client}"),
        };
        let protocol = match protocol {
            "jaeger-grpc" => Protocol::JaegerGrpc,
            _ if protocol.starts_with("jaeger") => Protocol::JaegerThrift,
            "zipkin-v1-json" => Protocol::ZipkinV1Json,
            "zipkin-v1-thrift" => Protocol::ZipkinV1Thrift,
            _ => Protocol::ZipkinV2,
        };
        Ok(What { protocol, client })
    }

    fn is_zipkin(self) -> bool {
        self.is_v1() || self.protocol == Protocol::ZipkinV2
    }

    fn is_v1(self) -> bool {
        matches!(self.protocol, Protocol::ZipkinV1Json | Protocol::ZipkinV1Thrift)
    }

    fn is_otel(self) -> bool {
        matches!(self.client, Client::PythonOtel | Client::NodeOtel)
    }

    /// What `line` should come back as.
    pub(super) fn meant(self, line: &Json) -> Result<Meant> {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let micros = |key: &str| line[key].as_u64();
        let start_us = micros("start_us").context("start")?;
        let end_us = match (micros("end_us"), micros("duration_us")) {
            (Some(end), _) => end,
            (None, Some(duration)) => start_us + duration,
            _ => bail!("no end"),
        };
        let mut meant = Meant {
            trace: text("trace_id"),
            span: text("span_id"),
            kind: self.kind(line),
            start_us,
            end_us,
            slack_us: if self.protocol == Protocol::JaegerGrpc { 2 } else { 1 },
            parent: text("parent_id"),
            name: text("name"),
            status: 0,
            message: String::new(),
            // The sampled bit; OpenTelemetry's exporters to Jaeger write it without noting it.
            flags: match line["flags"].as_u64() {
                Some(flags) => u32::from(flags & 1 != 0),
                None => u32::from(!self.is_zipkin()),
            },
            attributes: Vec::new(),
            resource: Vec::new(),
            unnoted: &[],
            scope: Default::default(),
            events: Vec::new(),
            links: Vec::new(),
        };
        match self.is_zipkin() {
            true => self.zipkin(line, &mut meant)?,
            false => self.jaeger(line, &mut meant)?,
        }
        for list in [&mut meant.attributes, &mut meant.resource] {
            list.sort();
        }
        meant.events.iter_mut().for_each(|(.., attributes)| attributes.sort());
        Ok(meant)
    }

    fn kind(self, line: &Json) -> i32 {
        let kind = match line["kind"].as_str() {
            Some("internal") => 1,
            Some("server") => 2,
            Some("client") => 3,
            Some("producer") => 4,
            Some("consumer") => 5,
            _ => 0,
        };
        match (self.protocol, self.client, kind) {
            // Zipkin has no word for internal, and Python's v1 JSON has none for any.
            (Protocol::ZipkinV1Json, Client::PythonOtel, _) => 0,
            (_, _, 1) if self.is_zipkin() => 0,
            // Node's encoder writes annotations for calls only.
            (Protocol::ZipkinV1Thrift, Client::NodeZipkin, 4 | 5) => 0,
            // Node's exporter to Jaeger leaves it out as well.
            (_, Client::NodeOtel, 1) => 0,
            _ => kind,
        }
    }

    fn status_and_scope(self, line: &Json, meant: &mut Meant) {
        meant.status = match line["status"].as_str() {
            Some("OK") => 1,
            Some("ERROR") => 2,
            // An HTTP status can make it an error where nothing else was said.
            _ => meant.status,
        };
        meant.message = line["status_message"].as_str().unwrap_or_default().to_owned();
        let part =
            |at: &str| line.pointer(at).and_then(Json::as_str).unwrap_or_default().to_owned();
        meant.scope = (part("/scope/0"), part("/scope/1"));
    }
}
