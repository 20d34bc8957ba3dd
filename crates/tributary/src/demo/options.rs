//! The flags of `tributary demo`.

use std::path::PathBuf;

/// What the demo can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// End after this many seconds; exit code 0 only if every acknowledged span was read back.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) seconds: Option<u64>,
    /// Add this to every port, when the usual ones are in use.
    #[arg(long, default_value_t = 0)]
    pub(super) port_offset: u16,
    /// Folder for the data.
    #[arg(long, default_value = "tributary-data")]
    pub(super) data: PathBuf,
    /// Customers' requests a second; each is a trace of 8 to 15 spans.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..=5000))]
    pub(super) rate: u64,
    /// Seed of the story: the same seed gives the same trace ids. Random if not given.
    #[arg(long)]
    pub(super) seed: Option<u64>,
}
