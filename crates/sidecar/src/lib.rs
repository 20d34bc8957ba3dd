//! The sidecar: takes spans on localhost in whatever protocol, and forwards them to the ingesters.
//!
//! In flow requests of the pod's own application ([`tributary_receivers`]); out flow frames
//! ([`tributary_wire`]). In between spans are in a buffer that is bounded in bytes (`buffer`):
//! "accepted" means being in it, and a span leaves it only when an ingester says that it is in
//! object storage, or was rejected for good. A full buffer refuses, so that the sender still owns
//! its spans. Nothing is written to disk, and nothing runs while nothing happens.
//!
//! This program runs in every pod, so its size is what it is about: one thread, no framework. It
//! must never depend on storage, Parquet or the ingester.
//!
//! The road of a span:
//!
//! 1. receive: [`tributary_receivers`] reads a request and hands it to the `buffer`, which takes
//!    it in (`buffer/intake.rs`), counted against one budget of bytes (`buffer/budget.rs`).
//! 2. `route`: the trace id picks a group, that is a lane of the buffer. Which ingester a group
//!    belongs to follows from who the ingesters are.
//! 3. `batch`: a lane's open columns are cut into a frame by age and size, after the pod's
//!    attributes were added (`enrich`).
//! 4. hold: the frame waits in its lane until it is settled (`buffer/outbox.rs`).
//! 5. `forward`: a forwarder sends a lane's frames over a stream, and applies what the ingester
//!    answers.
//!
//! Around it: `app` puts this together, `run` is the program, `admin` answers probes and
//! shows the [`metrics`].

mod admin;
mod app;
mod backoff;
mod batch;
mod buffer;
pub mod config;
mod enrich;
mod forward;
pub mod metrics;
mod random;
mod route;
mod run;
mod tenancy;

pub use app::{App, Report, Shutdown};
pub use batch::BatchLimits;
pub use config::Config;
pub use run::run_from_args;
