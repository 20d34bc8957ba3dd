//! What happened, in numbers.

/// What happened, in numbers that only rise; and how much there is now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Spans counted.
    pub spans: u64,
    /// Those of them without a series of their own.
    pub spans_overflowed: u64,
    /// Spans of tenants for which there was no room at all.
    pub spans_dropped: u64,
    /// Calls counted.
    pub edges: u64,
    /// Those of them without a series of their own.
    pub edges_overflowed: u64,
    /// Sides of calls whose other side did not come, and of which nothing tells who it is.
    pub sides_expired: u64,
    /// Sides of calls for which there was no room to wait.
    pub sides_dropped: u64,
    /// Sets of labels now.
    pub series: usize,
    /// Sides of calls that wait now.
    pub waiting: usize,
    /// Memory of both now, bytes.
    pub bytes: usize,
}
