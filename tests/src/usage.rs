//! What a process has cost so far, as `/proc` tells it.

use anyhow::{Context, Result};
use std::fs;
use std::time::Duration;
use tributary_testkit::Process;

/// CPU time of all threads that the process has now. The kernel counts it in nanoseconds.
///
/// # Errors
/// When the process is no longer there.
pub fn cpu(process: &Process) -> Result<Duration> {
    let tasks = format!("/proc/{}/task", process.id());
    let mut sum = Duration::ZERO;
    for task in fs::read_dir(&tasks).with_context(|| tasks.clone())? {
        // A thread may end while we look.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        let nanos = text.split_whitespace().next().context("schedstat")?.parse()?;
        sum += Duration::from_nanos(nanos);
    }
    Ok(sum)
}

/// The most bytes that the process has held in memory at a time.
///
/// # Errors
/// When it is no longer there.
pub fn peak_memory(process: &Process) -> Result<u64> {
    let path = format!("/proc/{}/status", process.id());
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kib: u64 = peak.split_whitespace().next().context("no VmHWM")?.parse()?;
    Ok(kib * 1024)
}

/// Bytes of all files below a folder.
///
/// # Errors
/// When it cannot be read.
pub fn folder_bytes(folder: &std::path::Path) -> Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let meta = entry.metadata()?;
        sum += if meta.is_dir() { folder_bytes(&entry.path())? } else { meta.len() };
    }
    Ok(sum)
}
