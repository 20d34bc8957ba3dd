//! The settings: a YAML file, `TRIBUTARY_…` variables and flags in, checked plain data out, all
//! mistakes in one message.

mod limit;
mod table;

pub use crate::access::Access;
use crate::disk::Reserve;
use crate::group::ROLL_AFTER;
use crate::query::HttpPrefix;
use crate::span_metrics::SpanMetricsSettings;
pub use crate::tenant_limits::{LimitsFile, Retention};
use crate::upkeep::SWEEP_EVERY;
use limit::{budget, container_limit};
pub use table::TABLE;

use std::ffi::OsString;
use std::io;
use std::ops::RangeInclusive;
use std::time::Duration;
use tributary_settings::value::{
    boolean, duration_between, duration_text, size, size_between, text,
};
use tributary_settings::{Asked, Given, Host, Listen, Log, Mistakes, Server};

/// Validated configuration: plain data, no sockets yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// URL of the store.
    pub store: String,
    /// The receivers for applications: which, where, and what they tell their clients.
    pub receivers: tributary_receivers::config::Config,
    /// Where sidecars connect.
    pub wire_listen: Listen,
    /// Where queries are answered.
    pub http_listen: Listen,
    /// A path in front of those that queries are answered at.
    pub http_prefix: Option<HttpPrefix>,
    /// Name of the cluster that the bucket must be of.
    pub cluster: Option<String>,
    /// Name of the ingester, or none for host name and port.
    pub name: Option<String>,
    /// Host told to others, if not found out.
    pub advertise: Option<Host>,
    /// Availability zone, or empty.
    pub zone: String,
    /// Longest wait of a frame for its segment.
    pub segment_age: Duration,
    /// Size at which a segment is closed early.
    pub segment_bytes: usize,
    /// Age at which a generation is frozen.
    pub block_age: Duration,
    /// Size at which a generation is frozen, bytes of columns.
    pub block_bytes: usize,
    /// Bound for all spans in memory, bytes.
    pub memory: usize,
    /// Period of block discovery.
    pub blocks_poll: Duration,
    /// Period of heartbeats.
    pub heartbeat: Duration,
    /// Period of collections.
    pub collect: Duration,
    /// Period of compaction; none when blocks stay as they are.
    pub compact: Option<Duration>,
    /// Age up to which merged blocks are kept.
    pub keep_compacted: Duration,
    /// How long blocks are kept, where the limits of their tenant say nothing.
    pub retention: Retention,
    /// What is counted of spans, if it is.
    pub span_metrics: Option<SpanMetricsSettings>,
    /// Age up to which commit slots are kept.
    pub keep_slots: Duration,
    /// Who is let in.
    pub access: Access,
    /// Whether tenants are told apart: spans and queries must name theirs.
    pub multitenancy: bool,
    /// What each tenant may have.
    pub limits: Option<LimitsFile>,
    /// Whether a local folder is synced.
    pub fsync: bool,
    /// How much of a local folder's disk is kept free.
    pub disk_reserve: Reserve,
    /// Time from SIGTERM to the end.
    pub grace: Duration,
    /// How log lines look.
    pub log: Log,
    /// Variables of the environment that are settings of other programs of Tributary, and of no use here.
    pub ignored: Vec<String>,
}

/// No time that can be set is longer.
const WEEK: Duration = Duration::from_secs(7 * 86_400);
/// How old something may become.
const AGE: RangeInclusive<Duration> = Duration::from_millis(1)..=WEEK;
/// How often something is done.
const PERIOD: RangeInclusive<Duration> = Duration::from_millis(100)..=WEEK;
/// The least memory that can work.
const LEAST_MEMORY: usize = 64 << 20;
/// A segment is larger than one frame, mostly, and no larger than what an object store takes at
/// once.
const SEGMENT: RangeInclusive<usize> = 64 << 10..=16 << 20;
/// Longest name of an ingester.
const LONGEST_NAME: usize = 100;

impl Config {
    /// Reads the settings from a command line (without the program's name), an environment, and
    /// the file that one of them may name, which `read` reads.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn gather(
        args: impl IntoIterator<Item = OsString>,
        env: impl IntoIterator<Item = (OsString, OsString)>,
        read: impl FnOnce(&str) -> io::Result<String>,
    ) -> Result<Asked<Box<Config>>, Mistakes> {
        match TABLE.gather_with_file(args, env, read) {
            Asked::Print(text) => Ok(Asked::Print(text)),
            Asked::Run(given) => Ok(Asked::Run(Box::new(Config::read(given)?))),
        }
    }

    fn read(mut given: Given) -> Result<Config, Mistakes> {
        let config = Config {
            store: given.take("store", text),
            receivers: tributary_receivers::config::Config::take(&mut given),
            wire_listen: given.take("wire-listen", Listen::read),
            http_listen: given.take("http-listen", Listen::read),
            http_prefix: given.find("http-prefix", HttpPrefix::read),
            cluster: given.find("cluster", name),
            name: given.find("name", name),
            advertise: given.find("advertise", Host::read),
            zone: given.find("zone", text).unwrap_or_default(),
            segment_age: given.take("segment-age", duration_between(AGE)),
            segment_bytes: given.take("segment-bytes", size_between(SEGMENT)),
            block_age: given.take("block-age", duration_between(AGE)),
            block_bytes: given.take("block-bytes", size),
            memory: given.take("memory", memory),
            blocks_poll: given.take("blocks-poll", duration_between(PERIOD)),
            heartbeat: given.take("heartbeat", duration_between(PERIOD)),
            collect: given.take("collect", duration_between(PERIOD)),
            compact: given.take("compact", |text| match text {
                "never" => Ok(None),
                period => duration_between(PERIOD)(period).map(Some),
            }),
            keep_compacted: given.take("keep-compacted", duration_between(AGE)),
            retention: given.find("retention", Retention::read).unwrap_or_default(),
            span_metrics: SpanMetricsSettings::take(&mut given),
            keep_slots: given.take("keep-slots", duration_between(AGE)),
            access: Access::take(&mut given),
            multitenancy: given.take("multitenancy", boolean),
            limits: given.find("limits", LimitsFile::open),
            fsync: given.take("fsync", boolean),
            disk_reserve: given.take("disk-reserve", Reserve::read),
            grace: given.take("grace", duration_between(Duration::ZERO..=WEEK)),
            log: Log::take(&mut given),
            ignored: given.ignored().to_vec(),
        };
        if given.is_fine() {
            config.relations(&mut given);
        }
        given.finish(config)
    }

    /// What settings must be to each other.
    fn relations(&self, given: &mut Given) {
        self.access.relations(self.multitenancy, !self.receivers.receivers.is_empty(), given);
        if self.segment_age > self.block_age {
            given.wrong("segment-age", "must not be longer than block-age");
        }
        let least = self.least_keep_slots();
        if self.keep_slots < least {
            let least = duration_text(least);
            let why = "an epoch is written for an hour, and its last block comes block-age later";
            given.wrong("keep-slots", format!("must be at least {least}: {why}"));
        }
        let server =
            |setting: &str, listen| Server { setting: setting.to_owned(), is_udp: false, listen };
        let mut servers: Vec<_> = self.receivers.servers().collect();
        servers.push(server("wire-listen", &self.wire_listen));
        servers.push(server("http-listen", &self.http_listen));
        given.find_clashes(&servers);
    }
}

impl Config {
    /// The slots of an hour must outlast the epochs that are written in it, also where heartbeats
    /// cannot be read: an hour, the last block after it, and the time in which a process that is
    /// missing is swept up.
    fn least_keep_slots(&self) -> Duration {
        ROLL_AFTER + self.block_age + self.heartbeat * SWEEP_EVERY
    }
}

fn name(text: &str) -> Result<String, String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    if text.len() <= LONGEST_NAME && text.chars().all(fine) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` may have up to {LONGEST_NAME} of a-z A-Z 0-9 - _ . :"))
    }
}

fn memory(text: &str) -> Result<usize, String> {
    match text {
        "auto" => Ok(budget(container_limit())),
        text => match size(text)? {
            bytes if bytes >= LEAST_MEMORY => Ok(bytes),
            _ => Err(format!(
                "`{text}`: must be at least 64MiB, room for a few of the largest frames"
            )),
        },
    }
}

#[cfg(test)]
mod tests;
