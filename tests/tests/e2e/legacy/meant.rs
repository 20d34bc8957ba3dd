//! What a client meant, in OTLP's terms.

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;
use tributary_testkit::NormalSpan;
use tributary_testkit::normal::{Attributes, Double, Value};

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

    fn jaeger(self, line: &Json, meant: &mut Meant) -> Result<()> {
        for (key, value) in tags(&line["tags"])? {
            match (key.as_str(), &value) {
                ("span.kind", _) if meant.kind != 0 => {}
                ("error", Value::Bool(true)) => meant.status = 2,
                _ => meant.attributes.push((key, self.jaeger_value(value))),
            }
        }
        let http = meant.attributes.iter().find(|(key, _)| key == "http.status_code");
        let code = match http {
            Some((_, Value::Int(code))) => *code,
            Some((_, Value::Double(code))) => code.0 as i64,
            _ => 0,
        };
        if code >= 500 || (code >= 400 && meant.kind == 3) {
            meant.status = 2;
        }
        if line["flags"].as_u64().is_some_and(|flags| flags & 2 != 0) {
            meant.attributes.push(("jaeger.debug".to_owned(), Value::Bool(true)));
        }
        self.process(line, meant)?;
        if self.is_otel() {
            self.otel(line, meant)?;
        }
        for log in line["logs"].as_array().context("logs")? {
            let mut fields = tags(&log["fields"])?;
            let name = match log["name"].as_str() {
                Some(name) => name.to_owned(),
                None => {
                    let at = fields.iter().position(|(key, _)| key == "event").context("event")?;
                    match fields.remove(at).1 {
                        Value::Str(name) => name,
                        other => bail!("event {other:?}"),
                    }
                }
            };
            let fields = fields.into_iter().map(|(k, v)| (k, self.jaeger_value(v))).collect();
            meant.events.push((log["ts_us"].as_u64().context("time")?, name, fields));
        }
        for to in line["refs"].as_array().into_iter().flatten() {
            let text = |key: &str| to[key].as_str().unwrap_or_default().to_owned();
            let (trace, span) = (text("trace_id"), text("span_id"));
            if text("type") == "child_of" {
                if trace != meant.trace || span != meant.parent {
                    meant.links.push((trace, span, "child_of".to_owned()));
                }
            } else {
                meant.links.push((trace, span, "follows_from".to_owned()));
            }
        }
        Ok(())
    }

    fn process(self, line: &Json, meant: &mut Meant) -> Result<()> {
        let service = line["service"].as_str().context("service")?;
        let mut resource = vec![string("service.name", service)];
        match self.client {
            Client::RubyJaeger => {
                meant.unnoted = &["host.name", "ip", "jaeger.version", "region", "shard"];
            }
            Client::PythonJaeger | Client::NodeJaeger => {
                for (key, value) in tags(&line["process_tags"])? {
                    let key = if key == "hostname" { "host.name".to_owned() } else { key };
                    resource.push((key, self.jaeger_value(value)));
                }
                if self.client == Client::NodeJaeger {
                    meant.unnoted = &["host.name", "ip"];
                }
            }
            _ if self.protocol == Protocol::JaegerGrpc => {
                let noted = tags(&line["resource"])?;
                resource.extend(noted.into_iter().filter(|(key, _)| key != "service.name"));
            }
            _ => {}
        }
        meant.resource = resource;
        Ok(())
    }

    /// What OpenTelemetry's exporters to Jaeger add.
    fn otel(self, line: &Json, meant: &mut Meant) -> Result<()> {
        for (key, value) in tags(&line["resource"])? {
            meant.attributes.push((key, self.jaeger_value(value)));
        }
        self.status_and_scope(line, meant);
        Ok(())
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

    /// What a value is after Jaeger's client has had it.
    fn jaeger_value(self, value: Value) -> Value {
        match (self.client, value) {
            (Client::NodeJaeger | Client::NodeOtel, Value::Int(n)) => {
                Value::Double(Double(n as f64))
            }
            (Client::PythonOtel, Value::List(list)) => Value::Str(python_tuple(&list)),
            (Client::NodeOtel, Value::List(list)) => Value::Str(joined(&list)),
            (_, value) => value,
        }
    }

    fn zipkin(self, line: &Json, meant: &mut Meant) -> Result<()> {
        let nowhere = self.says_nowhere_where_it_is(line);
        let service = line["service"].as_str().unwrap_or_default();
        if !service.is_empty() && !nowhere {
            meant.resource.push(string("service.name", service));
        }
        for (key, value) in tags(&line["tags"])? {
            meant.attributes.push((key, self.zipkin_value(value)));
        }
        if self.is_otel() {
            for (key, value) in tags(&line["resource"])? {
                let value = self.zipkin_value(value);
                let process = ["service.", "telemetry.", "k8s."];
                match key.as_str() {
                    "service.name" => {}
                    key if process.iter().any(|p| key.starts_with(p)) => {
                        meant.resource.push((key.to_owned(), value));
                    }
                    _ => meant.attributes.push((key, value)),
                }
            }
            self.status_and_scope(line, meant);
            if self.client == Client::NodeOtel {
                // Node's exporter to Zipkin has no scope.
                meant.scope = Default::default();
            }
            if meant.status == 2 {
                meant.attributes.push(string("error", &meant.message));
            }
        } else {
            let error = meant.attributes.iter().find(|(key, _)| key == "error");
            if let Some((_, Value::Str(message))) = error {
                (meant.status, meant.message) = (2, message.clone());
            }
        }
        for log in line["logs"].as_array().context("logs")? {
            let name = log["name"].as_str().context("name")?.to_owned();
            let fields = match self.client {
                Client::PythonOtel => tags(&log["fields"])?,
                _ => Vec::new(),
            };
            let time = log["ts_us"].as_u64().context("time")?;
            // In v1 this is how a producer is told; beside the kind it says nothing new.
            if !(self.is_v1() && name == "ms" && time == meant.start_us) {
                meant.events.push((time, name, fields));
            }
        }
        self.endpoints(line, nowhere, meant);
        let debug = match self.client {
            Client::PythonOtel => true,
            _ => line["debug"].as_bool().unwrap_or(false),
        };
        for (key, set) in [("zipkin.debug", debug), ("zipkin.shared", self.shared(line, meant))] {
            if set {
                meant.attributes.push((key.to_owned(), Value::Bool(true)));
            }
        }
        Ok(())
    }

    fn shared(self, line: &Json, meant: &Meant) -> bool {
        let shared = line["shared"].as_bool().unwrap_or(false);
        match self.protocol {
            // There is no such field; a server without a time of its own is one.
            _ if self.is_v1() => shared && meant.kind == 2,
            _ => shared,
        }
    }

    /// In v1 an endpoint needs an annotation to stand in.
    fn says_nowhere_where_it_is(self, line: &Json) -> bool {
        let none = |key: &str| line[key].as_array().is_some_and(Vec::is_empty);
        let bare = line["kind"].is_null() && none("tags") && none("logs");
        self.is_v1() && self.client == Client::PyZipkin && bare
    }

    fn endpoints(self, line: &Json, nowhere: bool, meant: &mut Meant) {
        let mut put = |key: &str, value: &Json| {
            if let Some(text) = value.as_str().filter(|text| !text.is_empty()) {
                meant.attributes.push(string(key, text));
            } else if let Some(port) = value.as_i64().filter(|&port| port != 0) {
                meant.attributes.push((key.to_owned(), Value::Int(port)));
            }
        };
        let address = |side: &Json| match side["ipv4"].is_null() {
            true => side["ipv6"].clone(),
            false => side["ipv4"].clone(),
        };
        let remote = &line["remote"];
        let local = if nowhere { &Json::Null } else { &line["local"] };
        put("net.host.ip", &address(local));
        put("net.host.port", &local["port"]);
        put("peer.service", &remote["service"]);
        put("net.peer.ip", &address(remote));
        put("net.peer.port", &remote["port"]);
    }

    /// Every value is text in Zipkin.
    fn zipkin_value(self, value: Value) -> Value {
        Value::Str(match (self.client, value) {
            (Client::NodeZipkin, Value::Str(text)) if self.protocol == Protocol::ZipkinV1Thrift => {
                cut(&text)
            }
            (_, Value::Str(text)) => text,
            (Client::PythonOtel, Value::List(list)) => python_json(&list),
            (Client::PythonOtel, Value::Bool(value)) => value.to_string(),
            (Client::PythonOtel, value) => python_str(&value),
            (_, Value::List(list)) => joined(&list),
            (_, value) => script_str(&value),
        })
    }
}

impl Meant {
    /// What is otherwise than it was meant.
    pub(super) fn differences(&self, got: &NormalSpan) -> Vec<String> {
        let mut faults = Vec::new();
        let mut same = |what: &str, meant: String, got: String| {
            if meant != got {
                faults.push(format!("{what}: meant {meant:.600}, got {got:.600}"));
            }
        };
        let near = |meant: u64, got: u64| (got / 1000).abs_diff(meant) <= self.slack_us;
        same("span", self.span.clone(), got.span_id.to_string());
        same("parent", self.parent.clone(), got.parent_id.to_string());
        same("name", self.name.clone(), got.name.clone());
        same("kind", self.kind.to_string(), got.kind.to_string());
        for (what, meant, got) in
            [("start", self.start_us, got.start), ("end", self.end_us, got.end)]
        {
            if !near(meant, got) {
                same(what, meant.to_string(), got.to_string());
            }
        }
        same("status", self.status.to_string(), got.status_code.to_string());
        same("message", self.message.clone(), got.status_message.clone());
        same("flags", self.flags.to_string(), got.flags.to_string());
        let (missing, extra) = apart(&self.attributes, &got.attributes);
        same("attributes", missing, extra);
        let scope = (got.scope.name.clone(), got.scope.version.clone());
        same("scope", format!("{:?}", self.scope), format!("{scope:?}"));
        let mut resource = got.resource.attributes.clone();
        resource.retain(|(key, _)| !self.unnoted.contains(&key.as_str()));
        let (missing, extra) = apart(&self.resource, &resource);
        same("resource", missing, extra);
        same("events", self.events.len().to_string(), got.events.len().to_string());
        for ((time, name, attributes), got) in self.events.iter().zip(&got.events) {
            if !near(*time, got.time) {
                same("event's time", time.to_string(), got.time.to_string());
            }
            same("event's name", name.clone(), got.name.clone());
            let (missing, extra) = apart(attributes, &got.attributes);
            same("event's attributes", missing, extra);
        }
        let links: Vec<_> = got
            .links
            .iter()
            .map(|l| {
                let kind = match l.attributes.as_slice() {
                    [(key, Value::Str(kind))] if key == "opentracing.ref_type" => kind.clone(),
                    other => format!("{other:?}"),
                };
                (l.trace_id.to_string(), l.span_id.to_string(), kind)
            })
            .collect();
        same("links", format!("{:?}", self.links), format!("{links:?}"));
        let rest =
            (&got.trace_state, got.dropped_attributes, got.dropped_events, got.dropped_links);
        same("rest", format!("{:?}", ("", 0, 0, 0)), format!("{rest:?}"));
        faults
    }
}

/// What only one of two lists has, in words.
fn apart(meant: &Attributes, got: &Attributes) -> (String, String) {
    let mut missing = meant.clone();
    let mut extra = Attributes::new();
    for pair in got {
        // No note of a client tells -0 from 0.
        let zero = (pair.0.clone(), Value::Double(Double(0.0)));
        let pair = if pair.1 == Value::Double(Double(-0.0)) { &zero } else { pair };
        match missing.iter().position(|m| m == pair) {
            Some(at) => drop(missing.remove(at)),
            None => extra.push(pair.clone()),
        }
    }
    (format!("{missing:?}"), format!("{extra:?}"))
}

fn string(key: &str, value: &str) -> (String, Value) {
    (key.to_owned(), Value::Str(value.to_owned()))
}

/// `[[key, {type, value}], …]`; some clients' process tags are `[key, "text"]`.
fn tags(list: &Json) -> Result<Attributes> {
    let mut tags = Vec::new();
    for pair in list.as_array().context("tags")? {
        let [key, value] = pair.as_array().context("pair")?.as_slice() else { bail!("no pair") };
        let key = key.as_str().context("key")?.to_owned();
        let value = match value.as_str() {
            // Noted as text whatever they were sent as.
            Some(text) => match text.parse() {
                Ok(n) => Value::Int(n),
                Err(_) => Value::Str(text.to_owned()),
            },
            None => typed(&value["value"], value["type"].as_str().context("type")?)?,
        };
        tags.push((key, value));
    }
    Ok(tags)
}

fn typed(value: &Json, kind: &str) -> Result<Value> {
    Ok(match kind {
        "string" => Value::Str(value.as_str().context("string")?.to_owned()),
        "bool" => Value::Bool(value.as_bool().context("bool")?),
        "int" => Value::Int(value.as_i64().context("int")?),
        "double" => Value::Double(Double(value.as_f64().context("double")?)),
        "array" => {
            let items = value.as_array().context("array")?.iter();
            Value::List(
                items
                    .map(|item| {
                        let kind = match item {
                            Json::Bool(_) => "bool",
                            Json::Number(n) if n.is_f64() => "double",
                            Json::Number(_) => "int",
                            _ => "string",
                        };
                        typed(item, kind)
                    })
                    .collect::<Result<_>>()?,
            )
        }
        _ => bail!("a value of type {kind}"),
    })
}

/// Python's `str(value)`.
fn python_str(value: &Value) -> String {
    match value {
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Double(n) => format!("{:?}", n.0),
        other => script_str(other),
    }
}

/// Python's `str(tuple)`.
fn python_tuple(list: &[Value]) -> String {
    let one = |value: &Value| match value {
        Value::Str(text) => format!("'{text}'"),
        other => python_str(other),
    };
    let items: Vec<_> = list.iter().map(one).collect();
    format!("({}{})", items.join(", "), if items.len() == 1 { "," } else { "" })
}

/// Python's `json.dumps` of a list whose elements were made text.
fn python_json(list: &[Value]) -> String {
    let one = |value: &Value| match value {
        Value::Bool(value) => value.to_string(),
        other => python_str(other),
    };
    let ascii = |c: char| match c.is_ascii() {
        true => c.to_string(),
        false => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    let quoted = |value| format!("\"{}\"", one(value).chars().map(ascii).collect::<String>());
    format!("[{}]", list.iter().map(quoted).collect::<Vec<_>>().join(","))
}

/// A text whose characters Node's encoder has cut to a byte each; broken ones are mended.
fn cut(text: &str) -> String {
    let bytes: Vec<u8> = text.encode_utf16().map(|unit| unit.to_le_bytes()[0]).collect();
    let mend = |chunk: std::str::Utf8Chunk<'_>| {
        format!("{}{}", chunk.valid(), "?".repeat(chunk.invalid().len()))
    };
    bytes.utf8_chunks().map(mend).collect()
}

/// JavaScript's `String(value)`.
fn script_str(value: &Value) -> String {
    match value {
        Value::Str(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Double(n) => n.0.to_string(),
        other => format!("{other:?}"),
    }
}

/// JavaScript's `String(array)`.
fn joined(list: &[Value]) -> String {
    list.iter().map(script_str).collect::<Vec<_>>().join(",")
}
