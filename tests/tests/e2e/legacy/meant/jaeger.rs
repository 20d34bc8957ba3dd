//! What Jaeger's clients, and OpenTelemetry's exporters to Jaeger, make of a span.

use super::values::{joined, python_tuple, string, tags};
use super::{Client, Meant, Protocol, What};
use anyhow::{Context, Result, bail};
use serde_json::Value as Json;
use tributary_testkit::normal::{Double, Value};

impl What {
    pub(super) fn jaeger(self, line: &Json, meant: &mut Meant) -> Result<()> {
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
}
