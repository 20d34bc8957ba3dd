//! What several commands need: asking over HTTP, reading a trace, drawing it, writing to a terminal.

#[cfg(feature = "jemalloc")]
mod allocator;
pub(crate) mod http;
pub(crate) mod terminal;
pub(crate) mod trace;
pub(crate) mod waterfall;
