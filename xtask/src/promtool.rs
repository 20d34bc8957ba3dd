//! promtool for the test of `deploy/mixin`: one program out of Debian's package `prometheus`, which is
//! not installed and brings none of its dependencies: 19 MB and two seconds, three more where
//! the machine has no lists of packages.

use crate::run;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's package.
const PACKAGE: &str = "prometheus";

/// Makes `target/promtool/promtool`, unless it is there, and gives its path. None, and why on standard
/// output, where it cannot be had: the test says then that it was skipped.
pub(crate) fn prepare() -> Option<PathBuf> {
    let folder = run::root().join("target/promtool");
    let tool = folder.join("promtool");
    if tool.is_file() {
        return Some(tool);
    }
    match fetch(&folder, &tool) {
        Ok(()) => Some(tool),
        Err(error) => {
            println!("=== no promtool, and no test of alerts with it: {error:#}");
            None
        }
    }
}

fn fetch(folder: &Path, tool: &Path) -> Result<()> {
    let (downloads, unpacked) = (folder.join("downloads"), folder.join("unpacked"));
    for folder in [&downloads, &unpacked] {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    // A container's image has mostly no lists; those of the machine are left as they are.
    let own = ["lists", "cache"].map(|what| {
        let place = folder.join(what).display().to_string();
        format!("-oDir::{}={place}", if what == "lists" { "State::lists" } else { "Cache" })
    });
    let download = |options: &[String]| {
        let mut command = Command::new("apt-get");
        command.args(options).args(["--quiet", "download", PACKAGE]).current_dir(&downloads);
        run::step("promtool", &mut command)
    };
    if download(&[]).is_err() {
        for part in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(part))?;
        }
        let mut update = Command::new("apt-get");
        run::step("lists of packages", update.args(&own).args(["--quiet", "update"]))?;
        download(&own)?;
    }
    let mut packages = fs::read_dir(&downloads)?.filter_map(|entry| Some(entry.ok()?.path()));
    let package = packages.find(|path| path.extension().is_some_and(|end| end == "deb"));
    let package = package.context("apt-get has downloaded nothing")?;
    let mut unpack = Command::new("dpkg-deb");
    run::step("promtool's package", unpack.arg("--extract").args([&package, &unpacked]))?;
    let inside = unpacked.join("usr/bin/promtool");
    ensure!(inside.is_file(), "no promtool in {}", package.display());
    fs::rename(inside, tool)?;
    // The server is twice as large, and lists of packages are, too.
    for rest in ["downloads", "unpacked", "lists", "cache"] {
        fs::remove_dir_all(folder.join(rest)).unwrap_or_default();
    }
    Ok(())
}
