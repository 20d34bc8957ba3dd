//! The ingesters of one bucket know each other by their heartbeats ([`heartbeat`]); what these say
//! together is the [`Membership`].

pub mod heartbeat;
pub mod membership;

pub use heartbeat::{HeartbeatTask, members};
pub use membership::Membership;
