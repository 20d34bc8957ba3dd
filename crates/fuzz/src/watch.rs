//! The parent of the process that is attacked: it sees how that ends, and keeps the input.

use anyhow::Result;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tributary_fuzz::Target;

/// No input of 64 KiB may take longer.
const STUCK: Duration = Duration::from_secs(20);
/// How often the process is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Attacks a target in a child; whether it held out.
pub(crate) fn watch(target: &Target, seed: u64, seconds: u64) -> Result<bool> {
    let folder = PathBuf::from(std::env::var_os("CARGO_TARGET_DIR").unwrap_or("target".into()));
    let folder = folder.join("fuzz");
    std::fs::create_dir_all(&folder)?;
    let notes = folder.join(format!("{}-{}.running", target.name, std::process::id()));
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(target.name).arg("--child").arg(&notes);
    command.arg("--seed").arg(seed.to_string()).arg("--seconds").arg(seconds.to_string());
    let mut child = command.spawn()?;
    let fault = wait(&mut child, &notes)?;
    let held_out = fault.is_none();
    if let Some(fault) = fault {
        let (executions, input) = read(&notes).unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        input.hash(&mut hasher);
        let kept = folder.join(format!("{}-{:016x}.bin", target.name, hasher.finish()));
        std::fs::write(&kept, input)?;
        println!("{}: {fault} after {executions} executions with seed {seed}", target.name);
        println!("the input is in {}; try it again with", kept.display());
        println!("    cargo xtask fuzz {} --replay {}", target.name, kept.display());
    }
    std::fs::remove_file(&notes).ok();
    Ok(held_out)
}

/// Waits for the child's end; what was wrong with it.
fn wait(child: &mut Child, notes: &Path) -> Result<Option<String>> {
    let mut last = (0, Instant::now());
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((!status.success()).then(|| format!("ended with {status}")));
        }
        let executions = read(notes).map_or(0, |(executions, _)| executions);
        if executions != last.0 {
            last = (executions, Instant::now());
        } else if last.1.elapsed() > STUCK {
            child.kill()?;
            child.wait()?;
            return Ok(Some("was stuck".to_owned()));
        }
        std::thread::park_timeout(LOOK);
    }
}

/// What the child has written down: how many inputs before, and the input.
fn read(notes: &Path) -> Option<(u64, Vec<u8>)> {
    let bytes = std::fs::read(notes).ok()?;
    let (executions, rest) = bytes.split_first_chunk::<8>()?;
    let (len, rest) = rest.split_first_chunk::<8>()?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
    Some((u64::from_le_bytes(*executions), rest.get(..len)?.to_vec()))
}
