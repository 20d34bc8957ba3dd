//! What every part runs on: ids and the clock, tasks that have an owner, errors in log lines.

mod error_chain;
mod ids;
mod tasks;

pub(crate) use error_chain::ErrorChain;
pub use ids::IdGenerator;
pub use tasks::TaskError;
pub(crate) use tasks::{BackgroundTasks, CriticalTask};
