//! What the page is checked and looked at with: packages of npm, and Debian's Chromium, which is
//! installed: it shares most of its 350 MB with nothing, and wants libraries. 20 s where the
//! machine has lists of packages.

use crate::run;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGES: &str = include_str!("../../tests/page/package.json");
/// Where Debian's package puts it.
const CHROMIUM: &str = "/usr/bin/chromium";

/// Installs packages under `target/page`, and Chromium, unless they are there; gives the folder with
/// `node_modules`. A browser that cannot be had is told on standard output: the test says then
/// that it was skipped.
pub(crate) fn prepare() -> Result<PathBuf> {
    let folder = packages()?;
    if !Path::new(CHROMIUM).is_file()
        && let Err(error) = chromium()
    {
        println!("=== no Chromium, and no stories of the page in it: {error:#}");
    }
    Ok(folder)
}

fn packages() -> Result<PathBuf> {
    let folder = run::root().join("target/page");
    let mark = folder.join("versions");
    if fs::read_to_string(&mark).is_ok_and(|have| have == PACKAGES) {
        return Ok(folder);
    }
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    fs::write(folder.join("package.json"), PACKAGES)?;
    let mut install = Command::new("npm");
    install.args(["install", "--silent", "--no-audit", "--no-fund"]).current_dir(&folder);
    run::step("page: node packages", &mut install)?;
    fs::write(&mark, PACKAGES).with_context(|| mark.display().to_string())?;
    Ok(folder)
}

fn chromium() -> Result<()> {
    let install = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command.args(["--quiet", "--yes", "--no-install-recommends", "install", "chromium"]);
        run::step("page: Chromium", &mut command)
    };
    if install().is_err() {
        // A container's image has mostly no lists of packages.
        run::step("lists of packages", Command::new("apt-get").args(["--quiet", "update"]))?;
        install()?;
    }
    ensure!(Path::new(CHROMIUM).is_file(), "apt-get has installed no {CHROMIUM}");
    Ok(())
}
