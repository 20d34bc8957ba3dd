//! The ingester: takes frames from sidecars, keeps them in object storage, acknowledges, groups
//! spans into blocks, answers queries.
//!
//! The road of a span through here: [`receive`] → [`commit`] (segment, then acknowledgement) →
//! [`group`] → [`flush`] (blocks, slot) → [`traces`], [`serve`]. [`engine`] puts the stages together and
//! [`app`] sockets around them; [`upkeep`]
//! looks after what others left: it adopts ([`adopt`]) and collects ([`collect`]); [`compact`] merges
//! small blocks. It must never depend on the sidecar.

pub mod adopt;
pub mod app;
pub mod blocks;

mod chain;
pub mod collect;
pub mod commit;
pub mod compact;
pub mod config;
pub mod engine;
pub mod flush;
pub mod group;
pub mod limits;
pub mod local;
pub mod members;
pub mod memory;
pub mod metrics;
pub mod names;
pub mod rebuild;
pub mod receive;
mod run;
pub mod segments;
pub mod serve;
pub mod stage;
pub mod traces;
pub mod upkeep;
pub mod windows;

pub use run::run_from_args;
