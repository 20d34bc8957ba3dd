//! The sidecar's diet: what it links, what its binary weighs, what it holds when idle.

use crate::run;
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Never linked into the sidecar; a trailing `*` stands for any ending.
const FORBIDDEN: &[&str] = &[
    "arrow*",
    "aws-lc-*",
    "axum*",
    "chrono*",
    "clap*",
    "h3*",
    "hickory-*",
    "jemalloc*",
    "mimalloc",
    "native-tls",
    "object_store",
    "openssl",
    "openssl-sys",
    "opentelemetry*",
    "parquet*",
    "regex*",
    "reqwest",
    "saphyr-parser",
    "serde_yaml*",
    "sonic-rs",
    "tikv-jemalloc*",
    "time",
];

/// Stripped binary, bytes. What tenants mean to an ingester, the last batch after SIGTERM and lines about what
/// senders do wrong cost 26 KB; the OTLP JSON reader gave back 15.
const MOST_BYTES: u64 = 3_430_000;

/// Resident memory with all receivers on and nothing sent, KiB.
const MOST_IDLE_KIB: u64 = 5 * 1024;

/// The dependencies that were agreed on, one name a line.
const SNAPSHOT: &str = "xtask/sidecar-dependencies.txt";

pub(crate) fn run() -> Result<()> {
    let linked = linked()?;
    check_forbidden(&linked)?;
    check_snapshot(&linked)?;
    let build = ["build", "--locked", "--profile", "sidecar", "-p", "tributary-sidecar"];
    run::whole("sidecar as users deploy it", &mut run::patient_cargo(&build))?;
    let binary = run::target().join("sidecar/tributary-sidecar");
    let bytes = fs::metadata(&binary).with_context(|| binary.display().to_string())?.len();
    let idle = idle_kib(&binary)?;
    println!("sidecar links {} crates, weighs {bytes} bytes, idles at {idle} KiB", linked.len());
    ensure!(bytes <= MOST_BYTES, "the sidecar's binary may weigh {MOST_BYTES} bytes, not {bytes}");
    ensure!(idle <= MOST_IDLE_KIB, "the idle sidecar may hold {MOST_IDLE_KIB} KiB, not {idle}");
    Ok(())
}

/// Names of all crates that end up in the sidecar, without those that only run at compile time.
fn linked() -> Result<BTreeSet<String>> {
    let tree = ["tree", "--locked", "-p", "tributary-sidecar", "-e", "normal,no-proc-macro"];
    let mut command = run::cargo(&tree);
    let text = run::output(command.args(["--prefix", "none", "--format", "{p}"]))?;
    Ok(text.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect())
}

fn is_forbidden(name: &str) -> bool {
    FORBIDDEN.iter().any(|rule| match rule.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *rule,
    })
}

fn check_forbidden(linked: &BTreeSet<String>) -> Result<()> {
    let found: Vec<_> = linked.iter().filter(|name| is_forbidden(name)).collect();
    ensure!(found.is_empty(), "the sidecar must not link {found:?}");
    Ok(())
}

/// Compares with the checked-in list; `TRIBUTARY_REGENERATE=1` writes it.
fn check_snapshot(linked: &BTreeSet<String>) -> Result<()> {
    let path = run::root().join(SNAPSHOT);
    if std::env::var_os("TRIBUTARY_REGENERATE").is_some() {
        let names: String = linked.iter().map(|name| format!("{name}\n")).collect();
        return fs::write(&path, names).context(SNAPSHOT);
    }
    let text = fs::read_to_string(&path).context(SNAPSHOT)?;
    let agreed: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    let new: Vec<_> = linked.difference(&agreed).collect();
    let gone: Vec<_> = agreed.difference(linked).collect();
    if !new.is_empty() || !gone.is_empty() {
        bail!(
            "the sidecar's dependencies changed: new {new:?}, gone {gone:?}. If that is meant: \
             TRIBUTARY_REGENERATE=1 cargo xtask diet"
        );
    }
    Ok(())
}

/// Starts the sidecar with all receivers on ports of their own and no ingester in reach, and
/// reads its resident memory once it listens everywhere.
fn idle_kib(binary: &Path) -> Result<u64> {
    let mut command = Command::new(binary);
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("TRIBUTARY_") {
            command.env_remove(key);
        }
    }
    command.env("TRIBUTARY_UPSTREAM", "127.0.0.1:9");
    let listeners = listeners(&run::output(Command::new(binary).arg("--help"))?);
    ensure!(listeners.contains("otlp-grpc"), "--help names no --otlp-grpc-listen: {listeners:?}");
    // Both loopbacks, as where it is deployed.
    command.args(listeners.iter().map(|name| format!("--{name}-listen=localhost:0")));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let measured = listening(&mut child, listeners).and_then(|()| resident_kib(child.id()));
    child.kill()?;
    child.wait()?;
    measured
}

/// Names of everything that the sidecar can listen with: `--<name>-listen` in its help.
fn listeners(help: &str) -> BTreeSet<String> {
    let flag = |word: &str| Some(word.strip_prefix("--")?.strip_suffix("-listen")?.to_owned());
    help.split_whitespace().filter_map(flag).collect()
}

/// Waits until the log says that all of them are open.
fn listening(child: &mut Child, mut missing: BTreeSet<String>) -> Result<()> {
    let log = child.stderr.take().context("no stderr")?;
    let mut seen = String::new();
    for line in BufReader::new(log).lines() {
        let line = line?;
        let name = line.split_once("listening ").map(|(_, fields)| fields);
        let name = name.and_then(|f| f.split_whitespace().find_map(|w| w.strip_prefix("name=")));
        missing.remove(name.unwrap_or_default().trim_matches('"'));
        if missing.is_empty() {
            return Ok(());
        }
        seen.push_str(&line);
        seen.push('\n');
    }
    bail!("the sidecar ended before it listened as {missing:?}:\n{seen}")
}

fn resident_kib(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).context(path)?;
    let line = text.lines().find_map(|l| l.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.split_whitespace().next().context("no VmRSS")?.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_stand_in_the_help() {
        let help = "  --upstream HOST:PORT,…\n  --zipkin-listen ADDRESS  where\n --admin-listen\n --listen";
        assert_eq!(listeners(help), ["admin", "zipkin"].map(str::to_owned).into());
    }

    #[test]
    fn forbidden_names() {
        for name in ["arrow-array", "clap", "clap_derive", "time", "openssl-sys"] {
            assert!(is_forbidden(name), "{name}");
        }
        for name in ["bytes", "tokio", "timer", "serde_json"] {
            assert!(!is_forbidden(name), "{name}");
        }
    }
}
