//! A small disk of a test's own, that can be full.
//!
//! It is a tmpfs, mounted where only the test and its children see it, so that nothing of it is
//! left, however the test ends.

use crate::Random;
use anyhow::{Context, Result, ensure};
use std::ffi::OsString;
use std::fs::Permissions;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
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

/// Folders of a store in which files may be denied. What an ingester asks before it starts at all stands
/// elsewhere.
const MAY_BE_DENIED: [&str; 5] =
    ["blocks", "journal/live", "journal/log", "journal/windows", "journal/floor"];

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
        io::copy(&mut io::repeat(7).take(filler), &mut file)?;
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

    /// Takes the right to read from so many of a hundred files of the journal and of blocks that are in
    /// the folder now.
    ///
    /// # Errors
    /// When they cannot be found.
    pub fn deny(&self, share: u64, random: &mut Random) -> Result<()> {
        for part in MAY_BE_DENIED {
            for file in files(&self.path().join(part))? {
                if random.draw(100) < share {
                    permit(&file, 0)?;
                }
            }
        }
        Ok(())
    }

    /// Gives it back.
    ///
    /// # Errors
    /// When they cannot be found.
    pub fn allow(&self) -> Result<()> {
        files(&self.path())?.iter().try_for_each(|file| permit(file, 0o644))
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
/// its own: this test once more, alone. Its root may mount, and reads no more than files permit.
///
/// # Errors
/// What the story says; or that there can be no such process, and what it needs.
#[expect(clippy::print_stderr, reason = "what the test in the other process says is said here")]
pub fn alone(name: &str, story: impl FnOnce() -> Result<()>) -> Result<()> {
    if std::env::var_os(ALONE).is_some() {
        return story();
    }
    let mut again = Command::new("unshare");
    again.args(["--map-root-user", "--mount"]);
    again.args(["setpriv", "--bounding-set=-dac_override,-dac_read_search"]).arg(own_program()?);
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
    let mut found = files(folder)?;
    found.retain(|file| file.file_name().unwrap_or_default().to_string_lossy().contains('#'));
    Ok(found)
}

/// All files below `folder`, but those that go meanwhile.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in unless_gone(std::fs::read_dir(&folder))?.into_iter().flatten() {
            let Some(entry) = unless_gone(entry)? else { continue };
            match unless_gone(entry.file_type())? {
                Some(kind) if kind.is_dir() => folders.push(entry.path()),
                Some(_) => found.push(entry.path()),
                None => {}
            }
        }
    }
    Ok(found)
}

/// Sets who may do what with a file that may be gone.
fn permit(file: &Path, mode: u32) -> Result<()> {
    unless_gone(std::fs::set_permissions(file, Permissions::from_mode(mode)))?;
    Ok(())
}

/// `None` when it is not there any more.
fn unless_gone<T>(looked: io::Result<T>) -> io::Result<Option<T>> {
    match looked {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        looked => looked.map(Some),
    }
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
            assert_eq!(full.kind(), io::ErrorKind::StorageFull, "{full}");
            assert_eq!(std::fs::read(disk.path().join("before"))?, [7; 5000]);
            disk.free()?;
            Ok(std::fs::write(disk.path().join("after"), [7; 5000])?)
        };
        alone("disk::tests::a_full_disk_takes_nothing_until_it_is_free", story).unwrap();
    }
    #[test]
    fn what_is_denied_is_listed_and_not_read() {
        let story = || {
            let disk = Disk::mount(1 << 20)?;
            let (segment, own) =
                (disk.path().join("journal/log/1"), disk.path().join("cluster.json"));
            std::fs::create_dir_all(disk.path().join("journal/log"))?;
            std::fs::write(&segment, [7; 5])?;
            std::fs::write(&own, [7; 5])?;
            disk.deny(100, &mut Random::new(1))?;
            let denied = std::fs::read(&segment).unwrap_err();
            assert_eq!(denied.kind(), io::ErrorKind::PermissionDenied, "{denied}");
            assert_eq!(std::fs::read(&own)?, [7; 5]);
            assert_eq!(files(&disk.path())?.len(), 2);
            disk.allow()?;
            assert_eq!(std::fs::read(&segment)?, [7; 5]);
            Ok(())
        };
        alone("disk::tests::what_is_denied_is_listed_and_not_read", story).unwrap();
    }
}
