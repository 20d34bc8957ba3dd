//! Stories told with the real programs: what users are promised, proven from outside.
//!
//! Every story has its own processes, its own ports and its own store.

mod compaction;
mod configuration;
mod crash;
mod daemonset;
mod datagrams;
mod descriptors;
mod every_field;
mod foreign_readers;
mod full_disk;
mod hostile_input;
mod identity;
mod legacy;
mod live_senders;
mod odd_times;
mod operations;
mod overload;
mod questions;
mod recorded_traffic;
mod sidecar_life;
mod span_metrics;
mod tenants;
mod verify;
