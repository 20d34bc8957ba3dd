//! A small disk of a test's own, that can be full.
//!
//! It is a tmpfs, mounted where only the test and its children see it, so that nothing of it is
//! left, however the test ends.

use anyhow::{Context, Result, ensure};
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The variable by which an ingester keeps nothing of the disk free, for tests that are about other
/// things: how full the disk is on which they run is none of their business.
pub const HOWEVER_FULL: (&str, &str) = ("TRIBUTARY_DISK_RESERVE", "0");

/// The same, as an environment that settings are gathered from.
pub fn however_full() -> [(OsString, OsString); 1] {
    [(HOWEVER_FULL.0.into(), HOWEVER_FULL.1.into())]
}

/// Set in the process that has its own mounts.
const ALONE: &str = "TRIBUTARY_OWN_MOUNTS";

/// A mounted disk. Dropping it takes it away, with all that it holds.
#[derive(Debug)]
pub struct Disk {
    at: TempDir,
    bytes: u64,
}

impl Disk {
    /// An empty disk. Only within [`alone`].
    ///
    /// # Errors
    /// When it cannot be mounted.
    pub fn mount(bytes: u64) -> Result<Disk> {
        ensure!(std::env::var_os(ALONE).is_some(), "a disk is mounted only within disk::alone");
        let disk = Disk { at: tempfile::tempdir()?, bytes };
        let size = format!("size={bytes}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tributary-test"]).arg(disk.at.path());
        said(&mut mount)?;
        // A disk without anything on it could not be made as small as what is on it.
        std::fs::write(disk.at.path().join("not empty"), [1])?;
        std::fs::create_dir(disk.path())?;
        Ok(disk)
    }

    /// An empty folder on it.
    pub fn path(&self) -> PathBuf {
        self.at.path().join("store")
    }

    /// Makes the disk as small as what is on it. What is deleted from now on makes room.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn fill(&self) -> Result<()> {
        let mut tries = 0;
        loop {
            let filled = self.resize(self.used()?);
            tries += 1;
            // A process that uses it may have written more between the two.
            if filled.is_ok() || tries == 1000 {
                return filled;
            }
        }
    }

    /// Gives it its size again.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn free(&self) -> Result<()> {
        self.resize(self.bytes)
    }

    /// Puts a file on it, beside the folder, that leaves so many bytes free.
    ///
    /// # Errors
    /// When it cannot be written, as when less is free.
    pub fn leave_free(&self, bytes: u64) -> Result<()> {
        let free = self.bytes.saturating_sub(self.used()?);
        let filler = free.checked_sub(bytes).context("so much is not free")?;
        let mut file = std::fs::File::create(self.filler())?;
        std::io::copy(&mut std::io::repeat(7).take(filler), &mut file)?;
        Ok(())
    }

    /// Takes that file away.
    ///
    /// # Errors
    /// When there is none.
    pub fn take_filler_away(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.filler())?)
    }

    fn filler(&self) -> PathBuf {
        self.at.path().join("filler")
    }

    /// Bytes on it.
    ///
    /// # Errors
    /// When they cannot be asked for.
    pub fn used(&self) -> Result<u64> {
        let mut df = Command::new("df");
        let said = said(df.args(["-B1", "--output=used"]).arg(self.at.path()))?;
        Ok(said.lines().nth(1).context("df: no second line")?.trim().parse()?)
    }

    fn resize(&self, bytes: u64) -> Result<()> {
        let size = format!("remount,size={bytes}");
        said(Command::new("mount").args(["-o", &size]).arg(self.at.path())).map(drop)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What cannot be unmounted goes with the last process that sees it.
        drop(said(Command::new("umount").arg("--lazy").arg(self.at.path())));
    }
}

/// Runs `story`, the body of the test that libtest knows as `name`, in a process that has mounts of
/// its own: this test once more, alone.
///
/// # Errors
/// What the story says; or that there can be no such process, and what it needs.
#[expect(clippy::print_stderr, reason = "what the test in the other process says is said here")]
pub fn alone(name: &str, story: impl FnOnce() -> Result<()>) -> Result<()> {
    if std::env::var_os(ALONE).is_some() {
        return story();
    }
    let mut again = Command::new("unshare");
    again.args(["--map-root-user", "--mount"]).arg(own_program()?);
    again.args(["--exact", name, "--nocapture"]).env(ALONE, "yes");
    let output = again.output().context(NEEDS)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(said.contains("running "), "{NEEDS}; it says: {errors}");
    ensure!(output.status.success() && said.contains("1 passed"), "{name}:\n{said}\n{errors}");
    eprint!("{errors}");
    Ok(())
}

const NEEDS: &str = "this test mounts a disk of its own, by `unshare --map-root-user --mount` of \
                     util-linux. Root may do that, and others where the kernel permits user \
                     namespaces (sysctl user.max_user_namespaces above 0, \
                     kernel.apparmor_restrict_unprivileged_userns=0); a container needs the \
                     capability SYS_ADMIN";

fn own_program() -> Result<PathBuf> {
    std::env::current_exe().context("the test's own program")
}

/// Runs a command; its error is what it wrote to stderr.
fn said(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {errors}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Files below `folder` whose name no finished object has.
///
/// # Errors
/// When it cannot be read.
pub fn unfinished(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if entry.file_name().to_string_lossy().contains('#') {
                found.push(entry.path());
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_takes_nothing_until_it_is_free() {
        let story = || {
            let disk = Disk::mount(1 << 20)?;
            std::fs::write(disk.path().join("before"), [7; 5000])?;
            disk.fill()?;
            let full = std::fs::write(disk.path().join("while"), [7; 5000]).unwrap_err();
            assert_eq!(full.kind(), std::io::ErrorKind::StorageFull, "{full}");
            assert_eq!(std::fs::read(disk.path().join("before"))?, [7; 5000]);
            disk.free()?;
            Ok(std::fs::write(disk.path().join("after"), [7; 5000])?)
        };
        alone("disk::tests::a_full_disk_takes_nothing_until_it_is_free", story).unwrap();
    }
}
