//! The settings: environment and flags in, checked plain data out, all mistakes in one message.

mod table;
mod values;

pub use table::TABLE;
pub use values::{Authorities, Upstream};

use crate::batch::BatchLimits;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use tributary_settings::value::{self, duration_between, size_between};
use tributary_settings::{Asked, Given, Listen, Log, Mistakes, Server};

/// All that a sidecar can be told, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where ingesters are found; at least one.
    pub upstream: Vec<Upstream>,
    /// How their certificates are checked, when the connections are to be TLS.
    pub tls: Option<Tls>,
    /// File with the token that ingesters are shown, when the connections are TLS.
    pub token_file: Option<PathBuf>,
    /// Most bytes of spans held at any time.
    pub buffer: usize,
    /// Tenant of all spans, whatever senders say.
    pub tenant: Option<String>,
    /// What this sidecar is called in the ingesters' logs.
    pub name: String,
    /// The receivers: which, where, and what they tell their clients.
    pub receivers: tributary_receivers::config::Config,
    /// Where `/live`, `/ready` and `/metrics` are served.
    pub admin: Listen,
    /// Added to resources that lack these keys.
    pub resource_attributes: Vec<(String, String)>,
    /// When open columns become a frame.
    pub batch: BatchLimits,
    /// How long the end waits for acknowledgements.
    pub grace: Duration,
    /// How long nothing must have come before the receivers close at the end.
    pub linger: Duration,
    /// How log lines look.
    pub log: Log,
    /// Variables of the environment that are settings of other programs of Tributary, and of no use here.
    pub ignored: Vec<String>,
}

/// How ingesters' certificates are checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// The certificates that theirs must be signed by.
    pub ca: Option<Authorities>,
    /// The name that theirs must have, when it is not the upstream's.
    pub name: Option<String>,
    /// Files with the own certificate and its private key (PEM).
    pub own: Option<(PathBuf, PathBuf)>,
}

/// The least buffer that can work: some requests and frames.
const LEAST_BUFFER: usize = 1 << 20;
/// The largest batch: encoded it stays below what an ingester takes in one message.
const LARGEST_BATCH: usize = 2 << 20;
/// The oldest batch: a minute is longer than a reader of traces should wait.
const OLDEST_BATCH: Duration = Duration::from_secs(60);
/// The longest wait at the end.
const LONGEST_GRACE: Duration = Duration::from_secs(7 * 86_400);

impl Config {
    /// Reads the settings from a command line (without the program's name) and an environment.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn gather(
        args: impl IntoIterator<Item = OsString>,
        env: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Asked<Box<Config>>, Mistakes> {
        let mut hostname = None;
        let env = env.into_iter().inspect(|(variable, value)| {
            if variable == "HOSTNAME" {
                hostname = value.to_str().map(str::to_owned);
            }
        });
        match TABLE.gather(args, env) {
            Asked::Print(text) => Ok(Asked::Print(text)),
            Asked::Run(given) => Ok(Asked::Run(Box::new(Config::read(given, hostname)?))),
        }
    }

    fn read(mut given: Given, hostname: Option<String>) -> Result<Config, Mistakes> {
        let upstream = given.find("upstream", values::upstreams).unwrap_or_default();
        let ca = given.find("upstream-tls-ca", values::authorities);
        let name = given.find("upstream-tls-name", value::text);
        let cert = given.find("upstream-tls-cert", values::file);
        let key = given.find("upstream-tls-key", values::file);
        let token_file = given.find("upstream-token-file", values::file);
        let wants_tls = ca.is_some() || upstream.iter().any(|upstream| upstream.tls);
        // What could not be read is told, and nothing follows from it.
        let fine = given.is_fine();
        for (setting, is_set) in [
            ("upstream-tls-name", name.is_some()),
            ("upstream-tls-cert", cert.is_some()),
            ("upstream-tls-key", key.is_some()),
            ("upstream-token-file", token_file.is_some()),
        ] {
            if fine && is_set && !wants_tls {
                let why = "has no use without `https://` in --upstream or --upstream-tls-ca";
                given.wrong(setting, why);
            }
        }
        for (setting, other, is_alone) in [
            ("upstream-tls-cert", "--upstream-tls-key", cert.is_some() && key.is_none()),
            ("upstream-tls-key", "--upstream-tls-cert", key.is_some() && cert.is_none()),
        ] {
            if fine && wants_tls && is_alone {
                given.wrong(setting, format!("needs {other} beside it"));
            }
        }
        let own = cert.zip(key);
        if wants_tls && !cfg!(feature = "tls") {
            given.wrong(
                "upstream",
                "this program was built without TLS; build it with `--features tls`",
            );
        }
        let receivers = tributary_receivers::config::Config::take(&mut given);
        if receivers.receivers.is_empty() {
            given.wrong("receivers", "names no receiver");
        }
        let config = Config {
            upstream,
            tls: wants_tls.then_some(Tls { ca, name, own }),
            token_file,
            buffer: given.take("buffer", size_between(LEAST_BUFFER..=usize::MAX)),
            tenant: given.find("tenant", values::tenant),
            name: given.find("name", value::text).or(hostname).unwrap_or_default(),
            receivers,
            admin: given.take("admin-listen", Listen::read),
            resource_attributes: given
                .find("resource-attributes", values::attributes)
                .unwrap_or_default(),
            batch: BatchLimits {
                age: given.take("batch-age", duration_between(Duration::ZERO..=OLDEST_BATCH)),
                bytes: given.take("batch-bytes", size_between(1024..=LARGEST_BATCH)),
            },
            grace: given.take("grace", duration_between(Duration::ZERO..=LONGEST_GRACE)),
            linger: given.take("linger", duration_between(Duration::ZERO..=LONGEST_GRACE)),
            log: Log::take(&mut given),
            ignored: given.ignored().to_vec(),
        };
        if given.is_fine() {
            let mut servers: Vec<_> = config.receivers.servers().collect();
            let setting = "admin-listen".to_owned();
            servers.push(Server { setting, is_udp: false, listen: &config.admin });
            given.find_clashes(&servers);
        }
        given.finish(config)
    }
}

#[cfg(test)]
mod tests;
