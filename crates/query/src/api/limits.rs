//! How much a question may ask for. The numbers are Tempo's defaults. How long a query may be
//! stands with its parser, [`tributary_traceql::MAX_QUERY_BYTES`].

const HOUR: u64 = 3_600;

/// Traces in the answer to a search that does not say how many it wants.
pub const DEFAULT_TRACES: usize = 20;
/// Traces in the answer to a search, at most.
pub const MAX_TRACES: usize = 262_144;
/// Spans of a set that are listed when a search does not say how many it wants.
pub const DEFAULT_SPANS_PER_SET: usize = 3;
/// Spans of a set that are listed, at most.
pub const MAX_SPANS_PER_SET: usize = 100;
/// Seconds that a search, tags or values may range over.
pub const SEARCH_SECONDS: u64 = 168 * HOUR;
/// Seconds that a metrics query may range over.
pub const METRICS_SECONDS: u64 = 24 * HOUR;
/// Steps in the range of a metrics query, at most.
pub const STEPS: u64 = 10_000;
/// Exemplars of a metrics query, at most and by default.
pub const EXEMPLARS: usize = 100;
/// Series in the answer to a metrics query, at most and by default.
pub const SERIES: usize = 1_000;
