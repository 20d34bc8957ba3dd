//! What several commands need: asking over HTTP, reading a trace, drawing it, writing to a terminal.

pub(crate) mod http;
pub(crate) mod terminal;
pub(crate) mod trace;
pub(crate) mod waterfall;
