//! What Zipkin's clients, and OpenTelemetry's exporters to Zipkin, make of a span.

use super::values::{cut, joined, python_json, python_str, script_str, string, tags};
use super::{Client, Meant, Protocol, What};
use anyhow::{Context, Result};
use serde_json::Value as Json;
use tributary_testkit::normal::Value;

impl What {
    pub(super) fn zipkin(self, line: &Json, meant: &mut Meant) -> Result<()> {
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
