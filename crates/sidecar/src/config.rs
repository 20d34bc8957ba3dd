//! The settings: environment and flags in, checked plain data out, all mistakes in one message.

mod settings;
mod values;

pub use values::{Listen, Upstream};

use crate::batch::BatchLimits;
use settings::Given;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// All that a sidecar can be told, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where ingesters are found; at least one.
    pub upstream: Vec<Upstream>,
    /// How their certificates are checked, when the connections are to be TLS.
    pub tls: Option<Tls>,
    /// Most bytes of spans held at any time.
    pub buffer: usize,
    /// Tenant of all spans, whatever senders say.
    pub tenant: Option<String>,
    /// What this sidecar is called in the ingesters' logs.
    pub name: String,
    /// Where OTLP/gRPC is received.
    pub otlp_grpc: Option<Listen>,
    /// Where OTLP/HTTP is received.
    pub otlp_http: Option<Listen>,
    /// Where `/live`, `/ready` and `/metrics` are served.
    pub admin: Listen,
    /// Added to resources that lack these keys.
    pub resource_attributes: Vec<(String, String)>,
    /// When open columns become a frame.
    pub batch: BatchLimits,
    /// How long the end waits for acknowledgements.
    pub grace: Duration,
    /// How log lines look.
    pub log: Log,
}

/// How ingesters' certificates are checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// File with the certificates (PEM) that theirs must be signed by.
    pub ca: Option<PathBuf>,
    /// The name that theirs must have, when it is not the upstream's.
    pub name: Option<String>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// One JSON object a line instead of text.
    pub json: bool,
    /// The least important level that is written.
    pub level: tracing::Level,
}

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// To run.
    Run(Box<Config>),
    /// To print this text and end.
    Print(String),
}

/// A mistake in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The flag or variable.
    pub at: String,
    /// What is wrong with it.
    pub why: String,
}

impl Fault {
    fn new(at: &str, why: impl Into<String>) -> Self {
        Fault { at: at.to_owned(), why: why.into() }
    }
}

/// All mistakes in the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} mistake", self.0.len())?;
        f.write_str(if self.0.len() == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {}: {}", fault.at, fault.why))
    }
}

/// The least buffer that can work: some requests and frames.
const LEAST_BUFFER: usize = 1 << 20;
/// The largest batch: encoded it stays below what an ingester takes in one message.
const LARGEST_BATCH: usize = 2 << 20;

impl Config {
    /// Reads the settings from a command line (without the program's name) and an environment.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn gather(
        args: impl IntoIterator<Item = OsString>,
        env: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Asked, Faults> {
        let mut faults = Vec::new();
        let mut hostname = None;
        let env = env.into_iter().inspect(|(variable, value)| {
            if variable == "HOSTNAME" {
                hostname = value.to_str().map(str::to_owned);
            }
        });
        let given = Given::gather(args, env, &mut faults);
        if given.help {
            return Ok(Asked::Print(settings::help()));
        }
        if given.version {
            return Ok(Asked::Print(format!("tributary-sidecar {}\n", env!("CARGO_PKG_VERSION"))));
        }
        let config = Config::from_given(&given, hostname, &mut faults);
        match config {
            Some(config) if faults.is_empty() => Ok(Asked::Run(Box::new(config))),
            _ => Err(Faults(faults)),
        }
    }

    fn from_given(
        given: &Given,
        hostname: Option<String>,
        faults: &mut Vec<Fault>,
    ) -> Option<Config> {
        let any = |text: &str| Ok(text.to_owned());
        let upstream = given.take("upstream", faults, values::upstreams);
        let is_upstream = |f: &Fault| ["--upstream", "TRIBUTARY_UPSTREAM"].contains(&&*f.at);
        if upstream.is_none() && !faults.iter().any(is_upstream) {
            faults.push(Fault::new("--upstream", "required: where are the ingesters?"));
        }
        let ca = given.take("upstream-tls-ca", faults, |text| match std::fs::File::open(text) {
            Ok(_) => Ok(PathBuf::from(text)),
            Err(error) => Err(format!("cannot read `{text}`: {error}")),
        });
        let tls_name = given.take("upstream-tls-name", faults, any);
        let wants_tls = ca.is_some() || upstream.iter().flatten().any(|u| u.tls);
        if tls_name.is_some() && !wants_tls {
            let why = "has no use without `https://` in --upstream or --upstream-tls-ca";
            faults.push(Fault::new("--upstream-tls-name", why));
        }
        if wants_tls && !cfg!(feature = "tls") {
            faults.push(Fault::new("--upstream", "this program was built without TLS"));
        }
        let buffer =
            given.take("buffer", faults, |text| at_least(values::size(text)?, LEAST_BUFFER));
        let tenant = given.take("tenant", faults, values::tenant);
        let name = given.take("name", faults, any);
        let receivers = given.take("receivers", faults, Receivers::read);
        let otlp_grpc = given.take("otlp-grpc-listen", faults, values::listen);
        let otlp_http = given.take("otlp-http-listen", faults, values::listen);
        let admin = given.take("admin-listen", faults, values::listen);
        let resource_attributes = given.take("resource-attributes", faults, values::attributes);
        let age = given.take("batch-age", faults, |text| {
            let age = values::duration(text)?;
            if age > Duration::from_secs(60) { Err("more than 60s".to_owned()) } else { Ok(age) }
        });
        let bytes = given.take("batch-bytes", faults, |text| match values::size(text)? {
            size if (1024..=LARGEST_BATCH).contains(&size) => Ok(size),
            _ => Err("not between 1KiB and 2MiB".to_owned()),
        });
        let grace = given.take("grace", faults, values::duration);
        let json = given.take("log-format", faults, |text| match text {
            "text" => Ok(false),
            "json" => Ok(true),
            _ => Err(format!("`{text}` is neither `text` nor `json`")),
        });
        let level = given.take("log-level", faults, |text| match text {
            "error" => Ok(tracing::Level::ERROR),
            "warn" => Ok(tracing::Level::WARN),
            "info" => Ok(tracing::Level::INFO),
            "debug" => Ok(tracing::Level::DEBUG),
            _ => Err(format!("`{text}` is none of error, warn, info, debug")),
        });
        let receivers = receivers?;
        let config = Config {
            upstream: upstream?,
            tls: wants_tls.then_some(Tls { ca, name: tls_name }),
            buffer: buffer?,
            tenant,
            name: name.or(hostname).unwrap_or_default(),
            otlp_grpc: otlp_grpc.filter(|_| receivers.otlp_grpc),
            otlp_http: otlp_http.filter(|_| receivers.otlp_http),
            admin: admin?,
            resource_attributes: resource_attributes.unwrap_or_default(),
            batch: BatchLimits { age: age?, bytes: bytes? },
            grace: grace?,
            log: Log { json: json?, level: level? },
        };
        config.find_clashes(faults);
        Some(config)
    }

    /// Two servers on one port are found here, not by a failure to bind.
    fn find_clashes(&self, faults: &mut Vec<Fault>) {
        let servers = [
            ("--otlp-grpc-listen", self.otlp_grpc),
            ("--otlp-http-listen", self.otlp_http),
            ("--admin-listen", Some(self.admin)),
        ];
        for (i, (name, listen)) in servers.iter().enumerate() {
            for (other, others) in servers.iter().skip(i + 1) {
                if let (Some(a), Some(b)) = (listen, others)
                    && a.clashes(b)
                {
                    faults.push(Fault::new(other, format!("the same address as {name}")));
                }
            }
        }
    }
}

fn at_least(size: usize, least: usize) -> Result<usize, String> {
    if size < least { Err(format!("less than {}KiB", least >> 10)) } else { Ok(size) }
}

/// Which receivers to open.
#[derive(Default)]
struct Receivers {
    otlp_grpc: bool,
    otlp_http: bool,
}

impl Receivers {
    fn read(text: &str) -> Result<Receivers, String> {
        let mut on = Receivers::default();
        for name in values::items(text) {
            match name {
                "otlp" => (on.otlp_grpc, on.otlp_http) = (true, true),
                "otlp-grpc" => on.otlp_grpc = true,
                "otlp-http" => on.otlp_http = true,
                _ => return Err(format!("`{name}` is none of otlp, otlp-grpc, otlp-http")),
            }
        }
        if !on.otlp_grpc && !on.otlp_http {
            return Err("names no receiver".to_owned());
        }
        Ok(on)
    }
}

#[cfg(test)]
mod tests;
