//! What every part runs on: ids and the clock, and tasks that have an owner.

mod ids;
mod tasks;

pub use ids::IdGenerator;
pub use tasks::TaskError;
pub(crate) use tasks::{BackgroundTasks, CriticalTask};
