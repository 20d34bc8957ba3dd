//! The sidecar and the ingester as processes of their own.

use crate::common::http::Http;
use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// A program that runs. One that is dropped is killed.
#[derive(Debug)]
pub(crate) struct Program {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

/// Between two looks at a program that is starting.
const PAUSE: Duration = Duration::from_millis(20);
/// Lines of a failed program's log that are shown.
const TAIL: usize = 8;

impl Program {
    /// Starts this very executable as the program `name`. Its log goes to a file in `logs`.
    pub(crate) fn start(
        name: &'static str,
        flags: &[OsString],
        logs: &Path,
    ) -> anyhow::Result<Self> {
        let executable = std::env::current_exe().context("cannot find this executable")?;
        let log = logs.join(format!("{name}.log"));
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(executable);
        command
            .arg(name)
            .args(flags)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .kill_on_drop(true)
            // Ctrl-C in a terminal goes to the whole group, but these end when they are told to.
            .process_group(0);
        // What is set for programs that are deployed must not change the demo.
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("TRIBUTARY_") {
                command.env_remove(variable);
            }
        }
        let child = command.spawn().with_context(|| format!("cannot start the {name}"))?;
        Ok(Program { name, child, log })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Waits until `url` answers 200.
    pub(crate) async fn wait_ready(
        &mut self,
        http: &Http,
        url: &str,
        patience: Duration,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            self.check()?;
            let state = match http.get(url, "*/*").await {
                Ok((status, _)) if status.is_success() => return Ok(()),
                Ok((status, body)) => {
                    format!("{status}: {}", String::from_utf8_lossy(&body).trim())
                }
                Err(error) => format!("{error:#}"),
            };
            if Instant::now() > deadline {
                bail!("the {} did not become ready: {state}{}", self.name, self.tail());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Says with its last words when the program has ended.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the {} ended by itself ({status}){}", self.name, self.tail()),
        }
    }

    /// SIGTERM, then waits; after `grace` it is killed.
    pub(crate) async fn end(mut self, grace: Duration) -> anyhow::Result<()> {
        if let Some(pid) = self.pid() {
            // It may be gone already, which `wait` tells.
            kill_process(pid, Signal::TERM).ok();
        }
        let status: ExitStatus = match tokio::time::timeout(grace, self.child.wait()).await {
            Ok(status) => status?,
            Err(_) => {
                self.child.kill().await?;
                bail!(
                    "the {} did not end within {grace:?} and was killed{}",
                    self.name,
                    self.tail()
                );
            }
        };
        if status.success() {
            Ok(())
        } else {
            bail!("the {} ended with {status}{}", self.name, self.tail())
        }
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()?).ok()?)
    }

    fn tail(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let last = lines.iter().skip(lines.len().saturating_sub(TAIL));
        last.fold(format!("\n{}:", self.log.display()), |text, line| text + "\n  " + line)
    }
}

/// Bytes of all files in a folder and those below it. What cannot be read counts nothing.
pub(crate) fn folder_size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => folder_size(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
