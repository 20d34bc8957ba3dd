//! What is counted, and how much of it there may be.

use crate::Dimensions;

/// How spans are counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Labels of the span metrics.
    pub dimensions: Dimensions,
    /// Sets of labels that one tenant may have of each kind: spans, edges, resources.
    pub series: usize,
    /// How long one side of a call waits for the other, milliseconds.
    pub wait_ms: u64,
    /// After so long without a span a series is dropped, milliseconds.
    pub stale_ms: u64,
    /// Whether resources are told as `traces_target_info`, and span metrics have `job` and `instance`.
    pub target_info: bool,
    /// Whether each series says whose it is, in a label `tenant`.
    pub name_tenants: bool,
    /// A label that every series has: name and value.
    pub label: Option<(String, String)>,
    /// Memory for series of all tenants, bytes.
    pub series_bytes: usize,
    /// Memory for sides of calls that wait, bytes.
    pub waiting_bytes: usize,
}

impl Default for Settings {
    /// As Tempo counts where nothing else is said: ten seconds' wait, stale after a quarter of an hour.
    fn default() -> Self {
        Settings {
            dimensions: Dimensions::default(),
            series: 10_000,
            wait_ms: 10_000,
            stale_ms: 15 * 60_000,
            target_info: false,
            name_tenants: false,
            label: None,
            series_bytes: 16 << 20,
            waiting_bytes: 8 << 20,
        }
    }
}
