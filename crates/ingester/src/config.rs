//! Configuration: a YAML file, `TRIBUTARY_…` variables, flags; each overrides the one before.
//!
//! One table ([`SETTINGS`]) says what there is. Reading it happens in two steps: [`gather`]
//! collects the text of each setting and where it came from, [`Config::from_settings`] turns the
//! texts into values. Both collect every mistake, so that an operator fixes all of them at once.

mod gather;
mod limit;
mod units;

pub use gather::{Command, Mistakes, Settings, gather};
use limit::{budget, container_limit};
pub use units::{parse_bytes, parse_duration};

use std::net::SocketAddr;
use std::time::Duration;
use tributary_receivers::{Receiver, Strategy};

/// One setting: its key in the YAML file. The variable is `TRIBUTARY_` and the key in capitals,
/// the flag is `--` and the key with dashes.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Key in the YAML file, words joined by `_`.
    pub key: &'static str,
    /// What the value looks like, for `--help`.
    pub value: &'static str,
    /// Default, as one would write it.
    pub default: &'static str,
    /// What it does, for `--help`.
    pub help: &'static str,
}

const fn setting(
    key: &'static str,
    value: &'static str,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting { key, value, default, help }
}

/// Everything that can be set.
pub const SETTINGS: &[Setting] = &[
    setting(
        "store",
        "URL",
        "./tributary-data",
        "where blocks and journal lie: file:///path, s3://bucket/prefix, gs://…, az://…",
    ),
    setting(
        "receivers",
        "LIST",
        "none",
        "receivers to open for applications: none, all, otlp, jaeger, or names as below",
    ),
    setting("otlp_grpc_listen", "ADDRESS", "0.0.0.0:4317", "where OTLP/gRPC is received"),
    setting("otlp_http_listen", "ADDRESS", "0.0.0.0:4318", "where OTLP/HTTP is received"),
    setting("jaeger_compact_listen", "ADDRESS", "0.0.0.0:6831", "Jaeger's compact Thrift (UDP)"),
    setting("jaeger_binary_listen", "ADDRESS", "0.0.0.0:6832", "Jaeger's binary Thrift (UDP)"),
    setting("jaeger_http_listen", "ADDRESS", "0.0.0.0:14268", "Jaeger's Thrift over HTTP"),
    setting("jaeger_grpc_listen", "ADDRESS", "0.0.0.0:14250", "Jaeger's gRPC"),
    setting("jaeger_sampling_listen", "ADDRESS", "0.0.0.0:5778", "Jaeger's sampling strategies"),
    setting(
        "jaeger_sampling_rate",
        "PART",
        "1",
        "the part of traces that Jaeger's clients are told to sample, 0 to 1",
    ),
    setting("zipkin_listen", "ADDRESS", "0.0.0.0:9411", "where Zipkin v1 and v2 are received"),
    setting("cors_origins", "ORIGIN,…", "", "web pages that may send spans over HTTP; `*` for any"),
    setting("wire_listen", "ADDRESS", "0.0.0.0:4319", "where sidecars connect"),
    setting("http_listen", "ADDRESS", "0.0.0.0:3200", "Tempo's query API, /ready /live /metrics"),
    setting(
        "name",
        "NAME",
        "",
        "this ingester's name, the same after a restart; default: host name and wire port",
    ),
    setting(
        "advertise",
        "HOST",
        "",
        "host under which sidecars and other ingesters reach this one; default: the host's address, or what it listens on",
    ),
    setting("zone", "NAME", "", "availability zone, told to sidecars"),
    setting("segment_age", "DURATION", "300ms", "longest wait of a frame for its segment"),
    setting("segment_bytes", "BYTES", "4MiB", "size at which a segment is closed early"),
    setting("block_age", "DURATION", "60s", "age at which spans in memory become a block"),
    setting(
        "block_bytes",
        "BYTES",
        "64MiB",
        "memory of one generation of spans, at most a quarter of all: more becomes a block early",
    ),
    setting(
        "memory",
        "BYTES|auto",
        "auto",
        "bound for all spans in memory; beyond it sidecars get no credit; auto: three fifths of the container's limit, or 256MiB",
    ),
    setting(
        "blocks_poll",
        "DURATION",
        "15s",
        "how often the blocks of other ingesters are looked up",
    ),
    setting(
        "heartbeat",
        "DURATION",
        "5s",
        "how often this ingester tells the others that it lives; after four times of it without a sign, what it left is taken over",
    ),
    setting(
        "collect",
        "DURATION",
        "10m",
        "how often one of the ingesters looks for blocks that can never become visible",
    ),
    setting(
        "compact",
        "DURATION|never",
        "1m",
        "how often small blocks are looked for that are worth merging; never: a Tempo that compacts this bucket does it",
    ),
    setting(
        "keep_compacted",
        "DURATION",
        "1h",
        "how long blocks are kept that were merged into others, for readers that have not noticed",
    ),
    setting(
        "keep_slots",
        "DURATION",
        "24h",
        "how long records of finished commits are kept in the journal",
    ),
    setting("multitenancy", "BOOL", "false", "queries must name their tenant in X-Scope-OrgID"),
    setting("fsync", "BOOL", "true", "file:// only: survive a power loss, not just a crash"),
    setting("grace", "DURATION", "60s", "longest time between SIGTERM and the end"),
    setting("log_format", "text|json", "text", "format of the log lines on standard error"),
    setting("log_level", "LEVEL", "info", "error, warn, info or debug"),
];

/// Validated configuration: plain data, no sockets yet.
#[derive(Debug, Clone)]
pub struct Config {
    /// URL of the store.
    pub store: String,
    /// The receivers for applications, and where.
    pub receivers: Vec<(Receiver, SocketAddr)>,
    /// The sampling strategy that Jaeger's clients are told.
    pub sampling: Strategy,
    /// Origins whose browser pages may send spans over HTTP.
    pub cors_origins: Vec<String>,
    /// Address of the wire listener.
    pub wire_listen: SocketAddr,
    /// Address of the HTTP listener.
    pub http_listen: SocketAddr,
    /// Name of the ingester, or empty for host name and port.
    pub name: String,
    /// Host told to others, or empty.
    pub advertise: String,
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
    /// Age up to which commit slots are kept.
    pub keep_slots: Duration,
    /// Whether queries must name their tenant.
    pub multitenancy: bool,
    /// Whether a local folder is synced.
    pub fsync: bool,
    /// Time from SIGTERM to the end.
    pub grace: Duration,
    /// Log lines as JSON.
    pub log_json: bool,
    /// Lowest level logged.
    pub log_level: tracing::Level,
}

impl Config {
    /// Turns texts into values.
    ///
    /// # Errors
    /// Every mistake, each with the setting's name and where its value came from.
    pub fn from_settings(settings: &Settings) -> Result<Config, Mistakes> {
        let mut bad = Mistakes::default();
        let config = Config {
            store: settings.text("store"),
            receivers: receivers(settings, &mut bad),
            sampling: settings.parse("jaeger_sampling_rate", &mut bad, |t| {
                let rate = t.parse().ok().and_then(Strategy::new);
                rate.ok_or_else(|| "is not between 0 and 1".to_owned())
            }),
            cors_origins: settings
                .text("cors_origins")
                .split(',')
                .map(|origin| origin.trim().to_owned())
                .filter(|origin| !origin.is_empty())
                .collect(),
            wire_listen: settings.parse("wire_listen", &mut bad, |t| {
                t.parse().map_err(|_| "is not ADDRESS:PORT, for example 0.0.0.0:4319".to_owned())
            }),
            http_listen: settings.parse("http_listen", &mut bad, |t| {
                t.parse().map_err(|_| "is not ADDRESS:PORT, for example 0.0.0.0:3200".to_owned())
            }),
            name: settings.parse("name", &mut bad, |t| {
                let fine = t.len() <= 100
                    && t.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c));
                if fine {
                    Ok(t.to_owned())
                } else {
                    Err("may have up to 100 of a-z A-Z 0-9 - _ . :".to_owned())
                }
            }),
            advertise: settings.text("advertise"),
            zone: settings.text("zone"),
            segment_age: settings.parse("segment_age", &mut bad, parse_duration),
            segment_bytes: settings.parse("segment_bytes", &mut bad, parse_bytes),
            block_age: settings.parse("block_age", &mut bad, parse_duration),
            block_bytes: settings.parse("block_bytes", &mut bad, parse_bytes),
            memory: settings.parse("memory", &mut bad, |t| match t {
                "auto" => Ok(budget(container_limit())),
                bytes => parse_bytes(bytes),
            }),
            blocks_poll: settings.parse("blocks_poll", &mut bad, parse_duration),
            heartbeat: settings.parse("heartbeat", &mut bad, parse_duration),
            collect: settings.parse("collect", &mut bad, parse_duration),
            compact: settings.parse("compact", &mut bad, |t| match t {
                "never" => Ok(None),
                period => parse_duration(period).map(Some),
            }),
            keep_compacted: settings.parse("keep_compacted", &mut bad, parse_duration),
            keep_slots: settings.parse("keep_slots", &mut bad, parse_duration),
            multitenancy: settings.parse("multitenancy", &mut bad, parse_bool),
            fsync: settings.parse("fsync", &mut bad, parse_bool),
            grace: settings.parse("grace", &mut bad, parse_duration),
            log_json: settings.parse("log_format", &mut bad, |t| match t {
                "text" => Ok(false),
                "json" => Ok(true),
                _ => Err("is neither text nor json".to_owned()),
            }),
            log_level: settings.parse("log_level", &mut bad, |t| {
                t.parse().map_err(|_| "is not one of error, warn, info, debug".to_owned())
            }),
        };
        if bad.is_empty() {
            config.relations(&mut bad);
        }
        if bad.is_empty() { Ok(config) } else { Err(bad) }
    }

    /// What two settings must be to each other.
    fn relations(&self, bad: &mut Mistakes) {
        let mut rule = |holds: bool, what: String| {
            if !holds {
                bad.add(what);
            }
        };
        rule(
            self.segment_bytes >= 64 << 10 && self.segment_bytes <= 16 << 20,
            format!("segment_bytes is {}: must be between 64KiB and 16MiB", self.segment_bytes),
        );
        rule(
            self.memory >= 64 << 20,
            format!(
                "memory is {}: must be at least 64MiB, room for a few of the largest frames",
                self.memory
            ),
        );
        rule(
            self.segment_age <= self.block_age,
            "segment_age must not be longer than block_age".to_owned(),
        );
        for (name, period) in [
            ("blocks_poll", self.blocks_poll),
            ("heartbeat", self.heartbeat),
            ("collect", self.collect),
            ("compact", self.compact.unwrap_or(self.collect)),
        ] {
            rule(period >= Duration::from_millis(100), format!("{name} must be at least 100ms"));
        }
    }
}

/// The receivers that are switched on. All addresses are checked, also those of others.
fn receivers(settings: &Settings, bad: &mut Mistakes) -> Vec<(Receiver, SocketAddr)> {
    let chosen = settings.parse("receivers", bad, Receiver::list);
    let places = [
        (Receiver::OtlpGrpc, "otlp_grpc_listen"),
        (Receiver::OtlpHttp, "otlp_http_listen"),
        (Receiver::JaegerCompact, "jaeger_compact_listen"),
        (Receiver::JaegerBinary, "jaeger_binary_listen"),
        (Receiver::JaegerHttp, "jaeger_http_listen"),
        (Receiver::JaegerGrpc, "jaeger_grpc_listen"),
        (Receiver::JaegerSampling, "jaeger_sampling_listen"),
        (Receiver::Zipkin, "zipkin_listen"),
    ];
    let read = |t: &str| t.parse().map_err(|_| "is not ADDRESS:PORT".to_owned());
    let all = places.map(|(kind, key)| (kind, settings.parse(key, bad, read)));
    all.into_iter().filter(|(kind, _)| chosen.contains(kind)).collect()
}

fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err("is neither true nor false".to_owned()),
    }
}

#[cfg(test)]
mod tests;
