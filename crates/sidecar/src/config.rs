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
use tributary_receivers::{Receiver, Strategy};

/// All that a sidecar can be told, checked.
#[derive(Debug, Clone, PartialEq)]
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
    /// The receivers, and where.
    pub receivers: Vec<(Receiver, Listen)>,
    /// The sampling strategy that Jaeger's clients are told.
    pub sampling: Strategy,
    /// Origins whose browser pages may send spans over HTTP; `*` for any.
    pub cors_origins: Vec<String>,
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
#[derive(Debug, Clone, PartialEq)]
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
        let chosen = given.take("receivers", faults, |text| match Receiver::list(text)? {
            none if none.is_empty() => Err("names no receiver".to_owned()),
            chosen => Ok(chosen),
        });
        let listens = Receiver::ALL.map(|kind| {
            let listen = given.take(&format!("{kind}-listen"), faults, values::listen);
            (kind, listen)
        });
        let sampling = given.take("jaeger-sampling-rate", faults, |text| {
            let rate = text.parse().ok().and_then(Strategy::new);
            rate.ok_or_else(|| format!("`{text}` is not between 0 and 1"))
        });
        let cors_origins = given.take("cors-origins", faults, values::origins);
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
        let chosen = chosen?;
        let receivers = listens.into_iter().filter(|(kind, _)| chosen.contains(kind));
        let config = Config {
            upstream: upstream?,
            tls: wants_tls.then_some(Tls { ca, name: tls_name }),
            buffer: buffer?,
            tenant,
            name: name.or(hostname).unwrap_or_default(),
            receivers: receivers.map(|(kind, at)| Some((kind, at?))).collect::<Option<_>>()?,
            sampling: sampling?,
            cors_origins: cors_origins.unwrap_or_default(),
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
        let flag = |(kind, listen): &(Receiver, Listen)| {
            (format!("--{kind}-listen"), kind.is_udp(), *listen)
        };
        let mut servers: Vec<_> = self.receivers.iter().map(flag).collect();
        servers.push(("--admin-listen".to_owned(), false, self.admin));
        for (i, (name, udp, listen)) in servers.iter().enumerate() {
            for (other, other_udp, others) in servers.iter().skip(i + 1) {
                if udp == other_udp && listen.clashes(others) {
                    faults.push(Fault::new(other, format!("the same address as {name}")));
                }
            }
        }
    }
}

fn at_least(size: usize, least: usize) -> Result<usize, String> {
    if size < least { Err(format!("less than {}KiB", least >> 10)) } else { Ok(size) }
}

#[cfg(test)]
mod tests;
