//! What an ingester lets in: its engine behind a real socket, over a bucket whose segments or
//! blocks can be held back or refused.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the answer"
)]

mod clocks;
mod dedup;
mod disk;
mod evict;
mod fairness;
mod faulty;
mod gate;
mod giant;
mod lost_tasks;
mod namesakes;
mod refused;
mod server;
mod span_metrics;
mod start;
mod tenant_refused;
mod tenants;
mod unknown;
mod unmergeable;
mod untrusted;
