//! The flags of `tributary verify`.

use super::plan::Protocol;
use crate::common::address::{Address, DEFAULT};
use crate::common::caller::Caller;
use std::net::SocketAddr;
use std::time::Duration;
use tributary_settings::value;

/// Where applications write OTLP over HTTP.
const OTLP: &str = "http://127.0.0.1:4318";
/// How old a trace is when it lies in a block, with the ingester's `--block-age` of 30 s and all
/// that may be in the way.
const BLOCK_AFTER: Duration = Duration::from_secs(180);
/// How old a trace is when its block was merged with others.
const MERGED_AFTER: Duration = Duration::from_secs(1800);
/// How often a trace is written at most: one of them has thousands of spans.
const OFTENEST: Duration = Duration::from_millis(100);

/// Write known traces where applications do, read each back, and tell what is missing, late, double or
/// different. Goes on until it is asked to end; with --once it ends with 0 when all was well, 1 when
/// something was missing, double or different, 2 when nothing took or showed the traces, 64 when the
/// arguments are wrong.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// One trace of each kind, and the end.
    #[arg(long)]
    pub(crate) once: bool,
    /// How often a trace is written.
    #[arg(long, env = "TRIBUTARY_VERIFY_EVERY", value_name = "TIME", default_value = "10s", value_parser = often)]
    every: Duration,
    /// Which verifier this is: two that write to the same place need two names.
    #[arg(long, env = "TRIBUTARY_VERIFY_NAME", value_name = "NAME", default_value = "verifier")]
    name: String,
    /// Where OTLP is written over HTTP: a sidecar, or an ingester that takes it.
    #[arg(long, env = "TRIBUTARY_VERIFY_OTLP", value_name = "URL", default_value = OTLP, value_parser = Address::read)]
    pub(crate) otlp: Address,
    /// Where Jaeger's Thrift is written over HTTP (port 14268); not at all if not given.
    #[arg(long, env = "TRIBUTARY_VERIFY_JAEGER", value_name = "URL", value_parser = Address::read)]
    pub(crate) jaeger: Option<Address>,
    /// Where Zipkin's JSON is written (port 9411); not at all if not given.
    #[arg(long, env = "TRIBUTARY_VERIFY_ZIPKIN", value_name = "URL", value_parser = Address::read)]
    pub(crate) zipkin: Option<Address>,
    /// The ingester's query port, or Tempo's.
    #[arg(long, env = "TRIBUTARY_URL", value_name = "URL", default_value = DEFAULT, value_parser = Address::read)]
    pub(crate) url: Address,
    #[command(flatten)]
    pub(crate) caller: Caller,
    /// Age at which a trace is looked at in its block: 3m if not given, never with 0s, and never with
    /// --once if not given.
    #[arg(long, env = "TRIBUTARY_VERIFY_BLOCK_AFTER", value_name = "TIME", value_parser = duration)]
    block_after: Option<Duration>,
    /// Age at which a trace is looked at once more, when its block was merged: 30m if not given, never
    /// with 0s, and never with --once if not given.
    #[arg(long, env = "TRIBUTARY_VERIFY_MERGED_AFTER", value_name = "TIME", value_parser = duration)]
    merged_after: Option<Duration>,
    /// How long what is missing is looked for before it is told.
    #[arg(long, env = "TRIBUTARY_VERIFY_PATIENCE", value_name = "TIME", default_value = "1m", value_parser = duration)]
    pub(crate) patience: Duration,
    /// Where `/metrics` is served for Prometheus; nowhere if not given.
    #[arg(long, env = "TRIBUTARY_VERIFY_LISTEN", value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
}

impl Options {
    /// Protocols that are written beside OTLP.
    pub(crate) fn others(&self) -> Vec<Protocol> {
        let jaeger = self.jaeger.as_ref().map(|_| Protocol::Jaeger);
        jaeger.into_iter().chain(self.zipkin.as_ref().map(|_| Protocol::Zipkin)).collect()
    }

    /// How often a trace is written: with --once as soon as may be.
    pub(crate) fn every(&self) -> Duration {
        if self.once { OFTENEST } else { self.every }
    }

    /// Which verifier this is. What runs once at a time has a past of its own.
    pub(crate) fn name(&self, now: Duration) -> String {
        match self.once {
            true => format!("{} once at {}", self.name, now.as_nanos()),
            false => self.name.clone(),
        }
    }

    /// Ages at which traces are looked at in blocks, and in merged ones; zero for never.
    pub(crate) fn ages(&self) -> (Duration, Duration) {
        let usual = |age| if self.once { Duration::ZERO } else { age };
        (
            self.block_after.unwrap_or(usual(BLOCK_AFTER)),
            self.merged_after.unwrap_or(usual(MERGED_AFTER)),
        )
    }
}

fn often(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        time if time < OFTENEST => Err(format!("`{text}` is less than {OFTENEST:?}")),
        time => Ok(time),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    value::duration(text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn read(line: &[&str]) -> Result<Options, String> {
        let line = std::iter::once(&"verify").chain(line);
        Line::try_parse_from(line).map(|line| line.options).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_are_read() {
        let usual = read(&[]).unwrap();
        assert_eq!(usual.ages(), (BLOCK_AFTER, MERGED_AFTER));
        assert_eq!((usual.every(), usual.others().len()), (Duration::from_secs(10), 0));
        assert_eq!(usual.name(Duration::ZERO), "verifier");
        let once = read(&["--once", "--jaeger", "h:14268", "--block-after", "20s"]).unwrap();
        assert_eq!(once.ages(), (Duration::from_secs(20), Duration::ZERO));
        assert_eq!(once.others(), [Protocol::Jaeger]);
        assert_ne!(once.name(Duration::ZERO), once.name(Duration::from_nanos(1)));
        for (line, expected) in [
            (["--every", "5ms"], "less than 100ms"),
            (["--every", "10"], "needs a unit of time"),
            (["--zipkin", "ftp://a"], "is no URL"),
            (["--listen", "9464"], "invalid socket address"),
        ] {
            let why = read(&line).unwrap_err();
            assert!(why.contains(expected), "{line:?}: {why}");
        }
    }
}
