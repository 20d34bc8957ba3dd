//! The ingester: takes frames from sidecars, keeps them in object storage, acknowledges, groups
//! spans into blocks, answers queries. The folders follow the road of a span:
//!
//! | | |
//! |---|---|
//! | `access` | who is let in: TLS, tokens, certificates, the table of tenants |
//! | [`receive`] | streams of frames from sidecars, and the receivers for applications without one |
//! | [`disk`] | what is kept free of the disk below a local folder, and who waits for it |
//! | [`tenant_limits`] | what each tenant may have, out of a file |
//! | [`memory`] | the budget that everything on the way is admitted to |
//! | [`journal`] | frames become segment objects; then they are acknowledged |
//! | [`group`] | spans of a trace meet: generations in memory |
//! | [`block`] | generations become blocks, commit slots, metas |
//! | [`cluster`] | which other ingesters there are |
//! | [`upkeep`] | what other processes left is adopted, garbage collected, small blocks merged |
//! | [`query`] | where a trace is looked for, and the HTTP API |
//! | `span_metrics` | what is counted of spans for Prometheus, beside their road |
//! | `page` | traces in a browser: files for those who ask that port for `/` |
//!
//! [`engine`] puts these together, [`app`] sockets around them, `run` makes a program of it. What
//! all of them use: [`config`], [`limits`], [`metrics`], [`runtime`]. It must never depend on the
//! sidecar.

mod access;
pub mod app;
pub mod block;
pub mod cluster;
mod conditional;
pub mod config;
pub mod disk;
pub mod engine;
mod error;
pub mod group;
pub mod journal;
pub mod limits;
pub mod memory;
pub mod metrics;
mod page;
pub mod query;
pub mod receive;
mod run;
pub mod runtime;
pub mod span_metrics;
pub mod tenant_limits;
pub mod upkeep;

pub use access::AccessError;
pub use error::IngesterError;
pub use run::run_from_args;
