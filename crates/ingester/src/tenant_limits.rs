//! What each tenant may have: limits out of a file ([`Limits`], `docs/limits.md`), and how far each
//! has got to its rates (`rates`).
//!
//! The file is plain data here: `read` makes it of the text, `file` reads it again and again and tells
//! what has changed to all who hold a [`watch::Receiver`](tokio::sync::watch::Receiver). Who goes by it
//! looks at it when it decides, so that a change counts at once.

mod bucket;
mod file;
mod rates;
mod read;
mod retention;

pub use file::LimitsFile;
pub(crate) use file::WatchedLimits;
pub(crate) use rates::{Met, Rates};
pub use read::Mistakes;
pub use retention::Retention;

use std::collections::BTreeMap;
use std::time::Duration;

/// What one tenant may have. What is none has no limit.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantLimits {
    /// Spans in a second, in each ingester.
    pub spans_per_second: Option<u64>,
    /// Bytes in a second, in each ingester: of spans as they are in memory.
    pub bytes_per_second: Option<u64>,
    /// For how long what is not used of these rates is saved up.
    pub burst: Duration,
    /// Its part of the memory when that is short, above 0 and up to 1. None: the same as the others'.
    pub memory: Option<f64>,
    /// Spans of a trace that are shown.
    pub trace_spans: Option<usize>,
    /// How long its blocks are kept. None: as the ingester's own setting says.
    pub retention: Option<Retention>,
    /// Questions that are answered at a time, in each ingester.
    pub queries: Option<usize>,
    /// The longest time that a question may be about.
    pub query_range: Option<Duration>,
    /// Bytes of blocks that a question may read.
    pub query_bytes: Option<u64>,
}

impl Default for TenantLimits {
    fn default() -> Self {
        TenantLimits {
            spans_per_second: None,
            bytes_per_second: None,
            burst: Duration::from_secs(2),
            memory: None,
            trace_spans: None,
            retention: None,
            queries: None,
            query_range: None,
            query_bytes: None,
        }
    }
}

/// What all tenants may have.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Limits {
    defaults: TenantLimits,
    /// Of those that are named: whole, with the defaults for what is not said.
    tenants: BTreeMap<String, TenantLimits>,
}

impl Limits {
    /// What this tenant may have.
    pub fn of(&self, tenant: &str) -> &TenantLimits {
        self.tenants.get(tenant).unwrap_or(&self.defaults)
    }

    /// How many tenants are named.
    pub fn named(&self) -> usize {
        self.tenants.len()
    }
}
