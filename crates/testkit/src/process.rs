//! Child processes: started, watched, signalled, and never left behind.

use crate::wait::wait_for;
use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A child process whose output is kept. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: Output,
    readers: Vec<JoinHandle<()>>,
}

/// Lines that a process wrote, stdout's and stderr's together, as they came.
#[derive(Debug, Clone, Default)]
pub struct Output(Arc<Mutex<Vec<String>>>);

impl Output {
    /// A copy of all lines.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn push(&self, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

impl Process {
    /// Starts `program`. The child's environment is this process's without `TRIBUTARY_*`, and
    /// with `env`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn<A: AsRef<OsStr>>(
        program: impl AsRef<Path>,
        args: impl IntoIterator<Item = A>,
        env: &[(&str, &str)],
    ) -> Result<Process> {
        let program = program.as_ref();
        let mut command = Command::new(program);
        for (key, _) in std::env::vars_os() {
            if key.to_string_lossy().starts_with("TRIBUTARY_") {
                command.env_remove(key);
            }
        }
        command.args(args).envs(env.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| program.display().to_string())?;
        let output = Output::default();
        let mut readers = Vec::new();
        if let Some(pipe) = child.stdout.take() {
            readers.push(read_lines(pipe, output.clone()));
        }
        if let Some(pipe) = child.stderr.take() {
            readers.push(read_lines(pipe, output.clone()));
        }
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Process { name, child, output, readers })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far.
    pub fn output(&self) -> Vec<String> {
        self.output.lines()
    }

    /// The handle by which its output can be read while it runs and afterwards.
    pub fn output_handle(&self) -> Output {
        self.output.clone()
    }

    /// Waits until a line is written for which `pick` gives a value.
    ///
    /// # Errors
    /// When the process ends first or the deadline passes; the message carries its output.
    pub async fn line<T>(
        &mut self,
        what: &str,
        deadline: Duration,
        pick: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        let ended = wait_for(&format!("{}: {what}", self.name), deadline, || {
            // Ended is asked first: what it wrote before it ended is then complete.
            let ended = self.ended();
            let lines = self.output.lines();
            let found = lines.iter().find_map(|line| pick(line));
            std::future::ready(match (found, ended) {
                (Some(found), _) => Ok(Ok(found)),
                (None, Some(status)) => Ok(Err(format!("{status}; output:\n{}", lines.join("\n")))),
                (None, None) => Err(format!("output:\n{}", lines.join("\n"))),
            })
        })
        .await?;
        ended.map_err(|e| anyhow::anyhow!("{} ended before {what}: {e}", self.name))
    }

    /// Waits for the line `listening name=<what> address=<addr>` and gives the address.
    ///
    /// # Errors
    /// As [`Process::line`].
    pub async fn listening(&mut self, name: &str, deadline: Duration) -> Result<SocketAddr> {
        let pick = |line: &str| listening_line(line).filter(|(n, _)| *n == name).map(|(_, a)| a);
        self.line(&format!("listening name={name}"), deadline, pick).await
    }

    /// How it ended, if it has. Its output is complete then.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok().flatten()?;
        for reader in self.readers.drain(..) {
            drop(reader.join());
        }
        Some(status)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When the deadline passes; the message carries its output.
    pub async fn wait(&mut self, deadline: Duration) -> Result<ExitStatus> {
        wait_for(&format!("the end of {}", self.name), deadline, || {
            let ended = self.ended();
            let lines = self.output.lines();
            std::future::ready(
                ended.ok_or_else(|| format!("running; output:\n{}", lines.join("\n"))),
            )
        })
        .await
    }

    /// `kill -9`, and waits until the kernel has taken it away.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        self.child.kill().ok();
        let status = self.child.wait()?;
        self.ended();
        Ok(status)
    }

    /// SIGTERM.
    ///
    /// # Errors
    /// When it is no longer there.
    pub fn terminate(&self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// SIGSTOP: it stays, and does nothing.
    ///
    /// # Errors
    /// When it is no longer there.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// When it is no longer there.
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.with_context(|| format!("{}: no process id", self.name))?;
        kill_process(pid, signal).with_context(|| format!("{signal:?} to {}", self.name))
    }

    /// Resident memory as `/proc` tells it, bytes.
    ///
    /// # Errors
    /// When it is no longer there.
    pub fn resident_bytes(&self) -> Result<u64> {
        self.proc_status_bytes("VmRSS:")
    }

    /// The most resident memory that it ever had, bytes.
    ///
    /// # Errors
    /// When it is no longer there.
    pub fn peak_resident_bytes(&self) -> Result<u64> {
        self.proc_status_bytes("VmHWM:")
    }

    fn proc_status_bytes(&self, field: &str) -> Result<u64> {
        let path = format!("/proc/{}/status", self.id());
        let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
        let line = text.lines().find_map(|l| l.strip_prefix(field));
        let kib = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
        Ok(kib.with_context(|| format!("no {field} in {path}"))? * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().is_none() && self.kill().is_err() {
            // Nothing more can be done about a process that cannot be waited for.
        }
    }
}

fn read_lines(pipe: impl Read + Send + 'static, output: Output) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            output.push(String::from_utf8_lossy(&line).trim_end().to_owned());
            line.clear();
        }
    })
}

/// Reads `… listening name=<name> address=<addr> …`.
fn listening_line(line: &str) -> Option<(&str, SocketAddr)> {
    let (_, fields) = line.split_once("listening ")?;
    let field = |key: &str| fields.split_whitespace().find_map(|f| f.strip_prefix(key));
    Some((field("name=")?, field("address=")?.parse().ok()?))
}

/// A TCP port of 127.0.0.1 on which no process listened a moment ago. Programs that can bind port 0
/// and tell theirs should do that: between this call and its use another may take the port.
///
/// # Errors
/// When no socket can be bound.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::SOON;

    #[test]
    fn listening_lines() {
        let addr: SocketAddr = "127.0.0.1:43117".parse().unwrap();
        let line = "2026-01-01T00:00:00Z INFO listening name=otlp-grpc address=127.0.0.1:43117";
        assert_eq!(listening_line(line), Some(("otlp-grpc", addr)));
        assert_eq!(listening_line("listening name=x"), None);
        assert_eq!(listening_line("listening name=x address=nowhere"), None);
    }

    #[tokio::test]
    async fn a_process_is_heard_signalled_and_waited_for() {
        let script = "echo listening name=a address=127.0.0.1:1; echo oops >&2; \
                      trap 'echo bye; exit 3' TERM; while :; do sleep 0.01; done";
        let mut p = Process::spawn("/bin/sh", ["-c", script], &[]).unwrap();
        let address = p.listening("a", SOON).await.unwrap();
        assert_eq!(address.port(), 1);
        p.line("oops", SOON, |l| (l == "oops").then_some(())).await.unwrap();
        assert!(p.resident_bytes().unwrap() > 0);
        p.freeze().unwrap();
        p.thaw().unwrap();
        p.terminate().unwrap();
        assert_eq!(p.wait(SOON).await.unwrap().code(), Some(3));
        assert_eq!(p.output().last().unwrap(), "bye");
        let early = p.listening("b", SOON).await.unwrap_err().to_string();
        assert!(early.contains("ended before listening name=b"), "{early}");
    }

    #[test]
    fn dropping_kills() {
        let p = Process::spawn("/bin/sleep", ["1000"], &[]).unwrap();
        let proc = format!("/proc/{}", p.id());
        assert!(Path::new(&proc).exists());
        drop(p);
        assert!(!Path::new(&proc).exists());
    }
}
