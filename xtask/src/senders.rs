//! Libraries that tests send spans with, from PyPI and npm. Beside the other Python packages, because
//! they want other versions of what they share. Azurite comes with the packages of npm.

use crate::run;
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const PYTHON: &str = include_str!("../senders.txt");
const NODE: &str = include_str!("../../tests/node/package.json");

/// Where they lie.
pub(crate) struct Senders {
    /// A Python that has them.
    pub(crate) python: PathBuf,
    /// The folder with `node_modules`.
    pub(crate) node: PathBuf,
}

/// Installs them under `target/senders`, unless they are there already.
pub(crate) fn prepare() -> Result<Senders> {
    let folder = run::root().join("target/senders");
    let (venv, node) = (folder.join("venv"), folder.join("node"));
    let made = Senders { python: venv.join("bin/python"), node: node.clone() };
    let mark = folder.join("versions");
    let wanted = format!("{PYTHON}{NODE}");
    if fs::read_to_string(&mark).is_ok_and(|have| have == wanted) {
        return Ok(made);
    }
    fs::create_dir_all(&node).with_context(|| node.display().to_string())?;
    let mut make = Command::new("python3");
    run::step("senders: python venv", make.args(["-m", "venv", "--clear"]).arg(&venv))?;
    let mut install = Command::new(&made.python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
    let list = run::root().join("xtask/senders.txt");
    run::step("senders: python packages", install.arg(list))?;
    fs::write(node.join("package.json"), NODE)?;
    let mut install = Command::new("npm");
    install.args(["install", "--silent", "--no-audit", "--no-fund"]).current_dir(&node);
    run::step("senders: node packages", &mut install)?;
    fs::write(&mark, wanted).with_context(|| mark.display().to_string())?;
    Ok(made)
}
