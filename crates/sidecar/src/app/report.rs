//! What became of the spans of a run.

use crate::metrics::Metrics;
use tracing::{info, warn};

/// What became of the spans of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Taken into the buffer.
    pub accepted: u64,
    /// In object storage.
    pub acked: u64,
    /// Rejected for good by an ingester, and lost.
    pub lost_rejected: u64,
    /// Not acknowledged in time at the end, and perhaps lost.
    pub lost_shutdown: u64,
    /// Lost by a mistake in the program.
    pub lost_internal: u64,
}

impl Report {
    /// As counted by now.
    pub(super) fn of(metrics: &Metrics) -> Self {
        Report {
            accepted: metrics.accepted.get(),
            acked: metrics.acked.get(),
            lost_rejected: metrics.dropped_rejected.get(),
            lost_shutdown: metrics.dropped_shutdown.get(),
            lost_internal: metrics.dropped_internal.get(),
        }
    }

    /// Spans that are lost, as far as can be known.
    pub fn lost(&self) -> u64 {
        self.lost_rejected + self.lost_shutdown + self.lost_internal
    }

    /// The last line of the log.
    pub fn log(&self) {
        let Report { accepted, acked, lost_rejected, lost_shutdown, lost_internal } = *self;
        match self.lost() {
            0 => info!(accepted, acked, lost = 0, "stopped, every span is in storage"),
            lost => warn!(
                accepted,
                acked,
                lost,
                lost_rejected,
                lost_shutdown,
                lost_internal,
                "stopped, spans were given up"
            ),
        }
    }
}
