//! The injector's program, asked by a stand-in for the API server that speaks admission over TLS as the
//! real one does: webhooks in the order of their names, plugins that are its own, and one more round when
//! an answer is changed by what comes later.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "code of a test fails it by panicking"
)]

mod admission;
mod api_server;
mod hostile;
mod injector;
mod own_authority;
mod rotation;
