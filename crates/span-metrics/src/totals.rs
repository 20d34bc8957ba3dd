//! What is counted of a series.

use crate::histogram::Histogram;
use crate::native::Native;
use crate::series::Counted;

/// Of spans with the same labels.
#[derive(Debug, Default)]
pub(crate) struct SpanTotals {
    /// Bytes.
    pub(crate) size: u64,
    pub(crate) latency: Histogram<15>,
}

/// Of calls with the same ends.
#[derive(Debug, Default)]
pub(crate) struct EdgeTotals {
    pub(crate) failed: u64,
    pub(crate) server: Histogram<9>,
    pub(crate) client: Histogram<9>,
}

/// A resource that sent spans.
#[derive(Debug, Default)]
pub(crate) struct Target;

impl Counted for Target {
    const LEAST_BYTES: usize = 0;

    fn bytes(&self) -> usize {
        0
    }
}

impl Counted for SpanTotals {
    const LEAST_BYTES: usize = Native::LEAST_BYTES;

    fn bytes(&self) -> usize {
        self.latency.native.bytes()
    }
}

impl Counted for EdgeTotals {
    const LEAST_BYTES: usize = 2 * Native::LEAST_BYTES;

    fn bytes(&self) -> usize {
        self.server.native.bytes() + self.client.native.bytes()
    }
}
