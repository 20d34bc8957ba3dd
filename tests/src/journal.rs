//! What `tributary journal` says of a place.

use crate::{Place, program};
use anyhow::{Result, ensure};
use std::process::Command;

/// `tributary journal --verify` finds every promise kept.
///
/// # Errors
/// With what it says, if not.
pub fn verify(place: &Place) -> Result<()> {
    let mut tool = Command::new(program::tool()?);
    tool.args(["journal", "--store", &place.url(), "--verify"]).envs(place.env());
    let output = tool.output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the journal is not in order: {said}\n{errors}");
    Ok(())
}
