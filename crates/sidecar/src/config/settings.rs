//! What can be set, and what was: by a flag, else by the environment, else not at all.

use super::Fault;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Write;

/// One setting. Its flag is `--<name>`, its variable `TRIBUTARY_<NAME>` with `_` for `-`.
pub(super) struct Setting {
    pub name: &'static str,
    /// What stands for the value in the help.
    pub value: &'static str,
    /// The default as the help shows it; empty when there is none.
    pub default: &'static str,
    pub help: &'static str,
}

const PREFIX: &str = "TRIBUTARY_";

macro_rules! settings {
    ($($name:literal $value:literal $default:literal $help:literal;)+) => {
        pub(super) const SETTINGS: &[Setting] =
            &[$(Setting { name: $name, value: $value, default: $default, help: $help },)+];
    };
}

settings! {
    "upstream" "HOST:PORT,…" "" "the ingesters: a name with many addresses, or a list; required";
    "upstream-tls-ca" "FILE" "" "certificates (PEM) that ingesters' must be signed by; switches TLS on";
    "upstream-tls-name" "NAME" "" "name that ingesters' certificates must have, if not the upstream's";
    "buffer" "SIZE" "16MiB" "most bytes of spans held at any time; above it senders are refused";
    "tenant" "NAME" "" "tenant of all spans, whatever senders say; else theirs (X-Scope-OrgID)";
    "name" "TEXT" "" "what to call this sidecar in ingesters' logs; else $HOSTNAME";
    "receivers" "LIST" "all" "which receivers to open: all, otlp, jaeger, or names as below";
    "otlp-grpc-listen" "ADDRESS" "127.0.0.1:4317" "where OTLP/gRPC is received";
    "otlp-http-listen" "ADDRESS" "127.0.0.1:4318" "where OTLP/HTTP is received";
    "jaeger-compact-listen" "ADDRESS" "127.0.0.1:6831" "where Jaeger's compact Thrift is received (UDP)";
    "jaeger-binary-listen" "ADDRESS" "127.0.0.1:6832" "where Jaeger's binary Thrift is received (UDP)";
    "jaeger-http-listen" "ADDRESS" "127.0.0.1:14268" "where Jaeger's Thrift over HTTP is received";
    "jaeger-grpc-listen" "ADDRESS" "127.0.0.1:14250" "where Jaeger's gRPC is received";
    "jaeger-sampling-listen" "ADDRESS" "127.0.0.1:5778" "where Jaeger's clients ask for their sampling strategy";
    "jaeger-sampling-rate" "PART" "1" "the part of traces that they are told to sample, 0 to 1";
    "zipkin-listen" "ADDRESS" "127.0.0.1:9411" "where Zipkin v1 and v2 are received";
    "cors-origins" "ORIGIN,…" "" "web pages that may send spans over HTTP: `https://shop.example`, or `*`";
    "admin-listen" "ADDRESS" ":4320" "where /live, /ready and /metrics are served";
    "resource-attributes" "K=V,…" "" "added to resources that lack these keys";
    "batch-age" "TIME" "200ms" "spans are sent at the latest after this time";
    "batch-bytes" "SIZE" "256KiB" "or as soon as so much of them (uncompressed) has come together";
    "grace" "TIME" "10s" "after SIGTERM: how long to wait for acknowledgements";
    "log-format" "text|json" "text" "how log lines are written";
    "log-level" "LEVEL" "info" "error, warn, info or debug";
}

/// Where a value came from, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Variable,
    Flag,
}

/// What was set, as text.
#[derive(Debug, Default)]
pub(super) struct Given {
    values: BTreeMap<&'static str, (Source, String)>,
    pub help: bool,
    pub version: bool,
}

impl Given {
    /// Reads flags and environment. What is wrong with them goes to `faults`.
    pub(super) fn gather(
        args: impl IntoIterator<Item = OsString>,
        env: impl IntoIterator<Item = (OsString, OsString)>,
        faults: &mut Vec<Fault>,
    ) -> Given {
        let mut given = Given::default();
        given.environment(env, faults);
        given.flags(args, faults);
        given
    }

    fn environment(
        &mut self,
        env: impl IntoIterator<Item = (OsString, OsString)>,
        faults: &mut Vec<Fault>,
    ) {
        for (variable, value) in env {
            let Some(variable) = variable.to_str().filter(|v| v.starts_with(PREFIX)) else {
                continue;
            };
            if is_service_link(variable) {
                continue;
            }
            match SETTINGS.iter().find(|s| variable_of(s.name) == variable) {
                None => {
                    faults.push(Fault::new(variable, unknown(variable, |s| variable_of(s.name))))
                }
                // A variable that is set to nothing is how a template says "not set".
                Some(_) if value.is_empty() => {}
                Some(setting) => self.put(setting.name, Source::Variable, &value, faults),
            }
        }
    }

    fn flags(&mut self, args: impl IntoIterator<Item = OsString>, faults: &mut Vec<Fault>) {
        use lexopt::Arg;
        let mut parser = lexopt::Parser::from_args(args);
        loop {
            let fault = match parser.next() {
                Ok(None) => return,
                Ok(Some(Arg::Short('h'))) => {
                    self.help = true;
                    continue;
                }
                Ok(Some(Arg::Short('V'))) => {
                    self.version = true;
                    continue;
                }
                Ok(Some(Arg::Long("help"))) => {
                    self.help = true;
                    continue;
                }
                Ok(Some(Arg::Long("version"))) => {
                    self.version = true;
                    continue;
                }
                Ok(Some(Arg::Long(name))) => {
                    let known = SETTINGS.iter().find(|s| s.name == name);
                    let flag = format!("--{name}");
                    match known {
                        None => {
                            // Its value, if it has one, is not a mistake of its own.
                            let _value = parser.optional_value();
                            Fault::new(&flag, unknown(&flag, |s| format!("--{}", s.name)))
                        }
                        Some(setting) => match parser.value() {
                            Ok(value) => {
                                self.put(setting.name, Source::Flag, &value, faults);
                                continue;
                            }
                            Err(_) => Fault::new(&flag, "needs a value"),
                        },
                    }
                }
                Ok(Some(Arg::Short(c))) => Fault::new(&format!("-{c}"), "unknown flag"),
                Ok(Some(Arg::Value(value))) => {
                    Fault::new(&value.to_string_lossy(), "not understood: settings are flags")
                }
                Err(error) => Fault::new("arguments", error.to_string()),
            };
            faults.push(fault);
        }
    }

    fn put(&mut self, name: &'static str, source: Source, value: &OsStr, faults: &mut Vec<Fault>) {
        match value.to_str() {
            Some(value) => {
                self.values.insert(name, (source, value.to_owned()));
            }
            None => faults.push(Fault::new(&called(name, source), "is not UTF-8")),
        }
    }

    /// The value of setting `name`, read by `read`; its default when it is not set; `None` when
    /// there is no default either, or it cannot be read, which goes to `faults`.
    pub(super) fn take<T>(
        &self,
        name: &str,
        faults: &mut Vec<Fault>,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let default = SETTINGS.iter().find(|s| s.name == name).map_or("", |s| s.default);
        let (source, text) = match self.values.get(name) {
            Some((source, text)) => (*source, text.as_str()),
            None if default.is_empty() => return None,
            None => (Source::Flag, default),
        };
        read(text).map_err(|why| faults.push(Fault::new(&called(name, source), why))).ok()
    }
}

fn variable_of(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_uppercase().replace('-', "_"))
}

fn called(name: &str, source: Source) -> String {
    match source {
        Source::Variable => variable_of(name),
        Source::Flag => format!("--{name}"),
    }
}

/// Kubernetes sets variables for every Service of the namespace: `TRIBUTARY_INGESTER_PORT`,
/// `…_SERVICE_HOST`, `…_PORT_4319_TCP_ADDR` and so on. They are nobody's mistake.
fn is_service_link(variable: &str) -> bool {
    let after_port = variable.split("_PORT").last().unwrap_or_default();
    let docker = |rest: &str| {
        let rest = rest.strip_prefix('_')?;
        let (port, protocol) = rest.split_once('_')?;
        let known = ["TCP", "UDP", "SCTP"].iter().any(|p| protocol.starts_with(p));
        (known && port.parse::<u16>().is_ok()).then_some(())
    };
    variable.ends_with("_SERVICE_HOST")
        || variable.contains("_SERVICE_PORT")
        || variable.ends_with("_PORT")
        || docker(after_port).is_some()
        || ["_ADDR", "_PROTO", "_PORT"].iter().any(|end| {
            let rest = variable.strip_suffix(end);
            rest.and_then(|r| docker(r.split("_PORT").last()?)).is_some()
        })
}

fn unknown(given: &str, spelled: impl Fn(&Setting) -> String) -> String {
    let near = SETTINGS.iter().map(spelled).min_by_key(|known| distance(known, given));
    match near.filter(|known| distance(known, given) <= 3) {
        Some(near) => format!("unknown; did you mean `{near}`?"),
        None => "unknown".to_owned(),
    }
}

/// Edit distance of two short texts.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut before = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let replaced = before + usize::from(x != y);
            before = *cell;
            left = replaced.min(before + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// What `--help` prints.
pub(super) fn help() -> String {
    let mut text = String::from(
        "Takes spans on localhost and streams them to Tributary's ingesters.\n\n\
         Usage: tributary-sidecar --upstream HOST:PORT [--SETTING VALUE]…\n\n\
         Each setting is a flag, or a variable: --batch-age is TRIBUTARY_BATCH_AGE. Flags win.\n\n",
    );
    for setting in SETTINGS {
        let flag = format!("--{} {}", setting.name, setting.value);
        let default = match setting.default {
            "" => String::new(),
            default => format!(" [{default}]"),
        };
        writeln!(text, "  {flag:<32} {}{default}", setting.help)
            .unwrap_or_else(|_| unreachable!("writing to a string"));
    }
    text.push_str(
        "  -h, --help                       this text\n\
         \x20 -V, --version                    the version\n\n\
         Exit codes: 0 after SIGTERM or SIGINT, also when spans had to be given up (the last line\n\
         of the log says how many and why); 64 when a setting is wrong; 1 when the system refuses\n\
         what is needed, such as a port.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_links_are_told_from_typos() {
        for link in [
            "TRIBUTARY_PORT",
            "TRIBUTARY_SERVICE_HOST",
            "TRIBUTARY_INGESTER_SERVICE_PORT",
            "TRIBUTARY_INGESTER_SERVICE_PORT_WIRE",
            "TRIBUTARY_INGESTER_PORT",
            "TRIBUTARY_INGESTER_PORT_4319_TCP",
            "TRIBUTARY_INGESTER_PORT_4319_TCP_ADDR",
            "TRIBUTARY_INGESTER_PORT_4319_TCP_PORT",
            "TRIBUTARY_INGESTER_PORT_4319_TCP_PROTO",
        ] {
            assert!(is_service_link(link), "{link}");
        }
        for typo in ["TRIBUTARY_BUFER", "TRIBUTARY_PORT_X", "TRIBUTARY_OTLP_GRPC_LISTENS"] {
            assert!(!is_service_link(typo), "{typo}");
        }
    }

    #[test]
    fn no_setting_looks_like_a_service_link() {
        for setting in SETTINGS {
            assert!(!is_service_link(&variable_of(setting.name)), "{}", setting.name);
        }
    }

    #[test]
    fn edit_distance() {
        for (a, b, expected) in
            [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn the_help_names_every_setting() {
        let help = help();
        for setting in SETTINGS {
            assert!(help.contains(&format!("--{} ", setting.name)), "{}", setting.name);
        }
    }
}
