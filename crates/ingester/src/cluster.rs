//! The ingesters of one bucket know each other by their heartbeats (`heartbeat`); what these say
//! together is the [`Membership`].

mod heartbeat;
mod membership;

pub(crate) use heartbeat::HeartbeatTask;
pub use membership::Membership;
