//! promtool for the test of `deploy/mixin`, and Prometheus for that of metrics from spans: two programs out
//! of Debian's package `prometheus`, which is not installed and brings none of its dependencies: 19 MB and
//! two seconds, three more where the machine has no lists of packages.

use crate::run;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's package.
const PACKAGE: &str = "prometheus";
/// Its programs that are kept.
const PROGRAMS: [&str; 2] = ["promtool", "prometheus"];

/// Makes `target/promtool/promtool`, and `prometheus` beside it, unless they are there, and gives its path. None, and why on standard
/// output, where it cannot be had: the test says then that it was skipped.
pub(crate) fn prepare() -> Option<PathBuf> {
    let folder = run::root().join("target/promtool");
    let tool = folder.join("promtool");
    if PROGRAMS.iter().all(|name| folder.join(name).is_file()) {
        return Some(tool);
    }
    match fetch(&folder) {
        Ok(()) => Some(tool),
        Err(error) => {
            println!("=== no promtool and no Prometheus, and no test with them: {error:#}");
            None
        }
    }
}

fn fetch(folder: &Path) -> Result<()> {
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
    for name in PROGRAMS {
        let inside = unpacked.join("usr/bin").join(name);
        ensure!(inside.is_file(), "no {name} in {}", package.display());
        fs::rename(inside, folder.join(name))?;
    }
    // Lists of packages are twice as large.
    for rest in ["downloads", "unpacked", "lists", "cache"] {
        fs::remove_dir_all(folder.join(rest)).unwrap_or_default();
    }
    Ok(())
}
