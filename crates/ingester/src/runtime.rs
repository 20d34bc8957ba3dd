//! What every part runs on: names, owners of tasks, errors in log lines.

mod error_chain;
mod names;
mod tasks;

pub(crate) use error_chain::ErrorChain;
pub use names::Names;
pub use tasks::{Helpers, Stage};
