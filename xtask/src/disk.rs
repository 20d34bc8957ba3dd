//! The room that a run takes on the disk: told before it fails for the want of it.

use crate::run;
use anyhow::{Context, Result, ensure};
use std::process::Command;

/// What a run takes that starts from nothing: what is built in three profiles, and what is fetched.
const ALL_GIB: u64 = 10;
/// What tests take for themselves at most, when all is built.
const TESTS_GIB: u64 = 2;

/// Says how much is free where cargo builds.
///
/// # Errors
/// When it is too little even for the tests.
pub(crate) fn look() -> Result<()> {
    let target = run::target();
    std::fs::create_dir_all(&target).with_context(|| target.display().to_string())?;
    let table = run::output(Command::new("df").arg("-Pk").arg(&target))?;
    let kib = available(&table).with_context(|| format!("what df says: {table}"))?;
    let gib = kib >> 20;
    println!("=== disk: {gib} GiB free; a run from nothing takes some {ALL_GIB}");
    ensure!(
        gib >= TESTS_GIB,
        "{} has {} MiB left: make room on its disk",
        target.display(),
        kib >> 10
    );
    Ok(())
}

/// The kibibytes that are available, in what `df -Pk` prints for one file (POSIX, `df`, STDOUT).
fn available(table: &str) -> Option<u64> {
    table.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_available_is_read() {
        let table = "Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                     /dev/vda 264212480 11631616 83655680 13% /\n";
        assert_eq!(available(table), Some(83_655_680));
        assert_eq!(available("Filesystem 1024-blocks Used Available Capacity Mounted on\n"), None);
        assert_eq!(available(""), None);
    }
}
