//! Both programs speak one dialect of settings. The same inputs go through both, and the answers
//! are the same; names that were used before are still known.

mod old_names;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Display;
use tributary_ingester::config::{Config as Ingester, TABLE as INGESTER};
use tributary_settings::{Asked, Listen, Mistakes, Table};
use tributary_sidecar::Config as Sidecar;
use tributary_sidecar::config::TABLE as SIDECAR;

/// A setting that both have, or a pair of settings of one kind: its name in the sidecar and in the
/// ingester, and what each has read as text.
struct Pair(&'static str, &'static str, fn(&Sidecar) -> String, fn(&Ingester) -> String);

const SIZE: Pair =
    Pair("buffer", "block-bytes", |s| s.buffer.to_string(), |i| i.block_bytes.to_string());
const TIME: Pair =
    Pair("grace", "grace", |s| format!("{:?}", s.grace), |i| format!("{:?}", i.grace));
const ADDRESS: Pair =
    Pair("admin-listen", "http-listen", |s| s.admin.to_string(), |i| i.http_listen.to_string());
const RECEIVERS: Pair = Pair(
    "receivers",
    "receivers",
    |s| joined(s.receivers.receivers.iter().map(|(receiver, _)| receiver)),
    |i| joined(i.receivers.receivers.iter().map(|(receiver, _)| receiver)),
);
const ORIGINS: Pair = Pair(
    "cors-origins",
    "cors-origins",
    |s| joined(s.receivers.cors_origins.iter()),
    |i| joined(i.receivers.cors_origins.iter()),
);
const RATE: Pair = Pair(
    "jaeger-sampling-rate",
    "jaeger-sampling-rate",
    |s| format!("{:?}", s.receivers.sampling),
    |i| format!("{:?}", i.receivers.sampling),
);
const FORMAT: Pair = Pair(
    "log-format",
    "log-format",
    |s| if s.log.json { "json" } else { "text" }.to_owned(),
    |i| if i.log.json { "json" } else { "text" }.to_owned(),
);
const LEVEL: Pair =
    Pair("log-level", "log-level", |s| s.log.level.to_string(), |i| i.log.level.to_string());

fn joined(items: impl Iterator<Item = impl Display>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(",")
}

/// What is set, and what both programs make of it: a value, or how the mistake begins.
const VALUES: [(Pair, &str, Result<&str, &str>); 62] = [
    (SIZE, "1048576", Ok("1048576")),
    (SIZE, "1048576B", Ok("1048576")),
    (SIZE, "16MiB", Ok("16777216")),
    (SIZE, "16Mi", Ok("16777216")),
    (SIZE, "16M", Ok("16000000")),
    (SIZE, "16MB", Ok("16000000")),
    (SIZE, "2048 KiB", Ok("2097152")),
    (SIZE, "2048Ki", Ok("2097152")),
    (SIZE, "2000kB", Ok("2000000")),
    (SIZE, "2000KB", Ok("2000000")),
    (SIZE, "2000k", Ok("2000000")),
    (SIZE, "1.5GiB", Ok("1610612736")),
    (SIZE, "1G", Ok("1000000000")),
    (SIZE, "16mib", Err("`mib` is no unit of size")),
    (SIZE, "16m", Err("`m` is no unit of size")),
    (SIZE, "lots", Err("`lots` is no size")),
    (SIZE, "-1", Err("`-1` is no size")),
    (SIZE, "1.2.3MiB", Err("`1.2.3MiB` is no size")),
    (SIZE, "99999999999999999999GiB", Err("`99999999999999999999GiB` is too large")),
    (TIME, "250ms", Ok("250ms")),
    (TIME, "10s", Ok("10s")),
    (TIME, "1.5s", Ok("1.5s")),
    (TIME, "2m", Ok("120s")),
    (TIME, "1h", Ok("3600s")),
    (TIME, "1h30m", Ok("5400s")),
    (TIME, "7d", Ok("604800s")),
    (TIME, "0s", Ok("0ns")),
    (TIME, "8d", Err("`8d` is not between 0s and 7d")),
    (TIME, "10", Err("`10` needs a unit of time")),
    (TIME, "10 sec", Err("`10 sec` needs a unit of time")),
    (TIME, "soon", Err("`soon` is no time")),
    (ADDRESS, "127.0.0.1:9", Ok("127.0.0.1:9")),
    (ADDRESS, "[::1]:9", Ok("[::1]:9")),
    (ADDRESS, "localhost:9", Ok("127.0.0.1:9,[::1]:9")),
    (ADDRESS, ":9", Ok("[::]:9")),
    (ADDRESS, "*:9", Ok("[::]:9")),
    (ADDRESS, "0.0.0.0:9", Ok("0.0.0.0:9")),
    (ADDRESS, "10.0.0.7:9,[fd00::7]:9", Ok("10.0.0.7:9,[fd00::7]:9")),
    (ADDRESS, " 10.0.0.7:9 ,\n localhost:9 ,", Ok("10.0.0.7:9,127.0.0.1:9,[::1]:9")),
    (ADDRESS, "localhost:9,:9", Ok("[::]:9")),
    (ADDRESS, "9", Err("`9` is no address")),
    (ADDRESS, "::1:9", Err("`::1:9` is no address")),
    (ADDRESS, "example.org:9", Err("`example.org:9` is no address")),
    (ADDRESS, "127.0.0.1", Err("`127.0.0.1` is no address")),
    (ADDRESS, "127.0.0.1:70000", Err("`127.0.0.1:70000` is no address")),
    (ADDRESS, ",", Err("names no address")),
    (
        RECEIVERS,
        "all",
        Ok(
            "otlp-grpc,otlp-http,jaeger-compact,jaeger-binary,jaeger-http,jaeger-grpc,jaeger-sampling,zipkin",
        ),
    ),
    (RECEIVERS, " zipkin,\r\n otlp ", Ok("otlp-grpc,otlp-http,zipkin")),
    (RECEIVERS, "otlp,otpl", Err("`otpl` is none of")),
    (RECEIVERS, ",", Err("names no receiver")),
    (ORIGINS, "https://a, http://b:1", Ok("https://a,http://b:1")),
    (ORIGINS, "shop", Err("`shop` is no origin")),
    (RATE, "0.5", Ok("Strategy { rate: 0.5 }")),
    (RATE, "2", Err("`2` is not between 0 and 1")),
    (FORMAT, "json", Ok("json")),
    (FORMAT, "JSON\n", Ok("json")),
    (FORMAT, "xml", Err("`xml` is none of text, json")),
    (LEVEL, "debug", Ok("DEBUG")),
    (LEVEL, "\t warn \r\n", Ok("WARN")),
    (LEVEL, "Info", Ok("INFO")),
    (LEVEL, "wern", Err("`wern` is none of error, warn, info, debug; did you mean `warn`?")),
    (LEVEL, "loud", Err("`loud` is none of error, warn, info, debug")),
];

type Args = &'static [&'static str];
type Env = &'static [(&'static str, &'static str)];

/// Flags and variables, and what both programs find wrong with them.
const NAMES: [(Args, Env, &[&str]); 13] = [
    (&[], &[], &[]),
    (&["--grace", "1s", "--grace=2s"], &[("TRIBUTARY_GRACE", "3s")], &[]),
    (&["--log_level", "debug"], &[], &[]),
    (&[], &[("TRIBUTARY_GRACE", ""), ("TRIBUTARY_LOG_LEVEL", " \n")], &[]),
    (&[], &[("TRIBUTARY_WIRE_PORT_4319_TCP", "x"), ("TRIBUTARY_SERVICE_HOST", "x")], &[]),
    (&["--grace", ""], &[], &[]),
    (&["--grace"], &[], &["--grace: needs a value"]),
    (&["--grace", "--log-level", "debug"], &[], &["--grace: needs a value"]),
    (&["--colour", "red"], &[], &["--colour: unknown"]),
    (&["--log-levl", "debug"], &[], &["--log-levl: unknown; did you mean `--log-level`?"]),
    (&["stray", "-x"], &[], &["stray: not understood: settings are flags", "-x: unknown flag"]),
    (
        &[],
        &[("TRIBUTARY_GRASE", "1s"), ("TRIBUTARY_grace", "1s"), ("TRIBUTARY_COLOUR", "red")],
        &[
            "TRIBUTARY_COLOUR: unknown",
            "TRIBUTARY_GRASE: unknown; did you mean `TRIBUTARY_GRACE`?",
            "TRIBUTARY_grace: unknown; did you mean `TRIBUTARY_GRACE`?",
        ],
    ),
    (
        &[
            "--zipkn-listen=:9",
            "--log-format",
            "xml",
            "--receivers=otlp",
            "--otlp-http-listen",
            ":x",
        ],
        &[("TRIBUTARY_GRACE", "soon")],
        &[
            "--zipkn-listen: unknown; did you mean `--zipkin-listen`?",
            "--otlp-http-listen: `:x` is no address such as `127.0.0.1:4317`, `[::1]:4317`, `localhost:4317`, or `:4317` for all",
            "TRIBUTARY_GRACE: `soon` is no time such as `250ms`, `10s` or `1h30m`",
            "--log-format: `xml` is none of text, json",
        ],
    ),
];

fn words(args: &[&str]) -> Vec<OsString> {
    args.iter().map(OsString::from).collect()
}

fn pairs(env: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    env.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn sidecar(args: &[&str], env: &[(&str, &str)]) -> Result<Sidecar, Mistakes> {
    // The one setting that is required.
    let has = args.iter().any(|arg| arg.starts_with("--upstream="))
        || env.iter().any(|(name, _)| *name == "TRIBUTARY_UPSTREAM");
    let upstream = (!has).then(|| "--upstream=ingester".into());
    let args = upstream.into_iter().chain(words(args));
    match Sidecar::gather(args, pairs(env))? {
        Asked::Run(config) => Ok(*config),
        Asked::Print(text) => panic!("{text}"),
    }
}

fn ingester(args: &[&str], env: &[(&str, &str)]) -> Result<Ingester, Mistakes> {
    match Ingester::gather(words(args), pairs(env), |path| panic!("no file was named: {path}"))? {
        Asked::Run(config) => Ok(*config),
        Asked::Print(text) => panic!("{text}"),
    }
}

fn variable(name: &str) -> String {
    format!("TRIBUTARY_{}", name.to_uppercase().replace('-', "_"))
}

/// What is wrong at `at`, which is all that is wrong.
fn only(mistakes: Mistakes, at: &str) -> String {
    let [mistake] = &mistakes.0[..] else { panic!("{mistakes}") };
    assert_eq!(mistake.at, at, "{mistakes}");
    mistake.why.clone()
}

#[test]
fn the_same_values_have_the_same_answers() {
    for (Pair(in_sidecar, in_ingester, of_sidecar, of_ingester), text, expected) in VALUES {
        let flags = [in_sidecar, in_ingester].map(|name| format!("--{name}"));
        let variables = [in_sidecar, in_ingester].map(variable);
        let ats = [&flags, &variables];
        let sidecars = [sidecar(&[&flags[0], text], &[]), sidecar(&[], &[(&variables[0], text)])];
        let ingesters =
            [ingester(&[&flags[1], text], &[]), ingester(&[], &[(&variables[1], text)])];
        for ((at, sidecar), ingester) in ats.into_iter().zip(sidecars).zip(ingesters) {
            let sidecar = sidecar.map(|c| of_sidecar(&c)).map_err(|m| only(m, &at[0]));
            let ingester = ingester.map(|c| of_ingester(&c)).map_err(|m| only(m, &at[1]));
            assert_eq!(sidecar, ingester, "{in_sidecar} {text:?}");
            match (&sidecar, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{in_sidecar} {text:?}"),
                (Err(why), Err(expected)) => assert!(why.starts_with(expected), "{why}"),
                _ => panic!("{in_sidecar} {text:?}: {sidecar:?}"),
            }
        }
    }
}

#[test]
fn the_same_names_have_the_same_answers() {
    for (args, env, expected) in NAMES {
        let lines = |mistakes: Mistakes| -> Vec<String> {
            mistakes.0.iter().map(|m| format!("{}: {}", m.at, m.why)).collect()
        };
        let from_sidecar = sidecar(args, env).map_or_else(lines, |_| Vec::new());
        let from_ingester = ingester(args, env).map_or_else(lines, |_| Vec::new());
        assert_eq!(from_sidecar, expected, "{args:?} {env:?}");
        assert_eq!(from_ingester, expected, "{args:?} {env:?}");
    }
}

#[test]
fn the_last_flag_wins_over_all() {
    let (args, env) = (["--grace", "1s", "--grace=2s"], [("TRIBUTARY_GRACE", "3s")]);
    assert_eq!(sidecar(&args, &env).unwrap().grace.as_secs(), 2);
    assert_eq!(ingester(&args, &env).unwrap().grace.as_secs(), 2);
}

fn names(table: &Table) -> BTreeSet<&'static str> {
    let names: BTreeSet<_> = table.settings().map(|setting| setting.name).collect();
    assert_eq!(names.len(), table.settings().count(), "{} has a name twice", table.program);
    names
}

#[test]
fn each_program_knows_the_others_names() {
    let (sidecar, ingester) = (names(&SIDECAR), names(&INGESTER));
    for (table, own, others) in [(&SIDECAR, &sidecar, &ingester), (&INGESTER, &ingester, &sidecar)]
    {
        let told: Vec<_> = others.difference(own).copied().collect();
        assert_eq!(table.sibling.names, told, "what {} knows of the other", table.program);
    }
    assert_eq!(SIDECAR.sibling.program, INGESTER.program);
    assert_eq!(INGESTER.sibling.program, SIDECAR.program);
}

#[test]
fn one_environment_serves_both() {
    let env = [("TRIBUTARY_BUFFER", "lots"), ("TRIBUTARY_MEMORY", "lots")];
    assert_eq!(ingester(&[], &env[..1]).unwrap().ignored, [env[0].0]);
    assert_eq!(sidecar(&[], &env[1..]).unwrap().ignored, [env[1].0]);
    let why = "unknown here: it is a setting of tributary-ingester";
    let mistakes = sidecar(&["--memory", "1GiB"], &[]).unwrap_err();
    assert_eq!(only(mistakes, "--memory"), why);
}

#[test]
fn defaults_listen_on_both_families() {
    let listens = |config: &tributary_receivers::config::Config| -> Vec<Listen> {
        config.receivers.iter().map(|(_, listen)| listen.clone()).collect()
    };
    let sidecar = sidecar(&[], &[]).unwrap();
    for listen in listens(&sidecar.receivers) {
        let ips: Vec<_> = listen.addresses().iter().map(|a| a.ip().to_string()).collect();
        assert_eq!(ips, ["127.0.0.1", "::1"]);
    }
    let ingester = ingester(&["--receivers", "all"], &[]).unwrap();
    let own = [ingester.wire_listen, ingester.http_listen, sidecar.admin];
    for listen in listens(&ingester.receivers).into_iter().chain(own) {
        let [all] = listen.addresses() else { panic!("{listen}") };
        assert!(all.is_ipv6() && all.ip().is_unspecified(), "{listen}");
    }
}

#[test]
fn the_help_of_both_is_aligned_and_says_each_default() {
    for table in [&SIDECAR, &INGESTER] {
        let help = table.help();
        for setting in table.settings() {
            let begins = format!("\n  --{} {}", setting.name, setting.value);
            let (_, rest) =
                help.split_once(&begins).unwrap_or_else(|| panic!("no {begins} in {help}"));
            let entry = rest.split("\n  -").next().and_then(|entry| entry.split("\n\n").next());
            let entry = entry.unwrap_or_default();
            assert!(entry.starts_with("  ") || entry.starts_with('\n'), "{begins}: {entry}");
            assert!(entry.contains("[default: ") || entry.contains("[required]"), "{begins}");
        }
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    }
}
