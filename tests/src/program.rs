//! Where the programs under test are found.

use anyhow::{Result, bail};
use std::path::PathBuf;

/// The sidecar's binary: `TRIBUTARY_SIDECAR`, or what the dev profile built.
///
/// # Errors
/// When it was not built: the message says how to.
pub fn sidecar() -> Result<PathBuf> {
    find("TRIBUTARY_SIDECAR", "tributary-sidecar")
}

/// The ingester's binary: `TRIBUTARY_INGESTER`, or what the dev profile built.
///
/// # Errors
/// When it was not built: the message says how to.
pub fn ingester() -> Result<PathBuf> {
    find("TRIBUTARY_INGESTER", "tributary-ingester")
}

/// The tool: `TRIBUTARY_TOOL`, or what the dev profile built.
///
/// # Errors
/// When it was not built: the message says how to.
pub fn tool() -> Result<PathBuf> {
    find("TRIBUTARY_TOOL", "tributary")
}

fn find(variable: &str, name: &str) -> Result<PathBuf> {
    let path = match std::env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        // The test's own binary lies in <target>/<profile>/deps.
        None => {
            let own = std::env::current_exe()?;
            own.ancestors().nth(2).map(|profile| profile.join(name)).unwrap_or_default()
        }
    };
    if !path.is_file() {
        bail!(
            "no {name} at {}: run `cargo build --workspace --bins --tests` (or `cargo xtask test`, \
             which does), or point {variable} at one",
            path.display()
        );
    }
    Ok(path)
}
