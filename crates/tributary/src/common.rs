//! What several commands need: asking over HTTP, reading a trace, drawing it, writing to a terminal.

pub(crate) mod address;
#[cfg(feature = "jemalloc")]
mod allocator;
pub(crate) mod caller;
pub(crate) mod http;
pub(crate) mod otlp;
pub(crate) mod random;
pub(crate) mod stop;
pub(crate) mod terminal;
pub(crate) mod trace;
pub(crate) mod waterfall;
