//! Development only: what tests of every crate share.
//!
//! Recorded data ([`data`]), an OTLP decoder that shares no code with the one under test
//! ([`otlp`]), spans as plain values that are compared field by field ([`normal`]), waiting with a
//! deadline ([`wait`]), child processes ([`process`]), servers ([`moto`]), a disk that can be full
//! ([`disk`]), a bucket whose requests meet the fate that a test decides ([`bucket`]), what Kubernetes'
//! Pod Security Standards refuse ([`pod_security`]), and small readers of HTTP and of Prometheus'
//! text. Nothing here depends on the crates that it helps to test.
//!
//! What was sent, what came back, and where they differ:
//!
//! ```
//! use tributary_testkit::normal::differences;
//! use tributary_testkit::{NormalSpan, sample};
//!
//! let request = sample::request(1);
//! let sent = NormalSpan::parse(&request.encode_to_vec())?;
//! let mut came = sent.clone();
//! assert!(differences(&sent[0], &came[0]).is_empty());
//! came[0].name = "another".to_owned();
//! let told = differences(&sent[0], &came[0]);
//! assert!(told[0].starts_with("name:"), "{told:?}");
//! # use prost::Message;
//! # Ok::<(), anyhow::Error>(())
//! ```

pub mod azurite;
pub mod bucket;
pub mod data;
pub mod disk;
pub mod http;
pub mod moto;
pub mod normal;
pub mod otlp;
pub mod pod_security;
pub mod process;
pub mod prometheus;
mod random;
mod rounds;
pub mod sample;
pub mod wait;

pub use data::{Recording, data_dir, recording, recordings, traces};
pub use normal::NormalSpan;
pub use process::{Process, free_port};
pub use random::Random;
pub use rounds::rounds;
pub use wait::wait_for;

use std::path::PathBuf;

/// The workspace's top folder.
pub fn workspace_root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root.pop();
    root
}

/// Python with the packages that tests need: `TRIBUTARY_PYTHON`, or what `cargo xtask venv` made.
///
/// # Errors
/// When there is none: the message says how to make it.
pub fn python() -> anyhow::Result<PathBuf> {
    let python = told_or_made("TRIBUTARY_PYTHON", "target/venv/bin/python");
    if !python.is_file() {
        anyhow::bail!(
            "no Python at {}: run `cargo xtask venv`, or point TRIBUTARY_PYTHON at one that has \
             the packages named in xtask/requirements.txt",
            python.display()
        );
    }
    Ok(python)
}

/// Packages of npm that tests need, as the folder that has `node_modules`: `TRIBUTARY_SENDERS_NODE`,
/// or what `cargo xtask senders` made.
///
/// # Errors
/// When there are none: the message says how to get them.
pub fn node_packages() -> anyhow::Result<PathBuf> {
    let made = told_or_made("TRIBUTARY_SENDERS_NODE", "target/senders/node");
    let packages = made.join("node_modules");
    if !packages.is_dir() {
        anyhow::bail!(
            "nothing at {}: run `cargo xtask senders`, or point TRIBUTARY_SENDERS_NODE at a folder \
             with the packages named in tests/node/package.json",
            packages.display()
        );
    }
    Ok(made)
}

/// What a variable says, or else what `xtask` makes in the workspace.
pub fn told_or_made(variable: &str, made: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| workspace_root().join(made), PathBuf::from)
}
