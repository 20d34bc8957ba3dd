//! Python for tests: an S3 server, foreign readers of blocks, Kubernetes' schemas.

use crate::run;
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Pinned packages, each a reader or a server that is not ours.
const REQUIREMENTS: &str = include_str!("../requirements.txt");

/// Makes `target/venv`, unless it has these packages already. Gives its Python.
pub(crate) fn prepare() -> Result<PathBuf> {
    let venv = run::root().join("target/venv");
    let python = venv.join("bin/python");
    let mark = venv.join("requirements.txt");
    if python.is_file() && fs::read_to_string(&mark).is_ok_and(|have| have == REQUIREMENTS) {
        return Ok(python);
    }
    let mut make = Command::new("python3");
    run::step("python venv", make.args(["-m", "venv", "--clear"]).arg(&venv))?;
    let wanted = run::root().join("xtask/requirements.txt");
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
    run::step("python packages", install.arg(wanted))?;
    fs::write(&mark, REQUIREMENTS).with_context(|| mark.display().to_string())?;
    Ok(python)
}
