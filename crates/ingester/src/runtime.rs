//! What every part runs on: names, and owners of tasks.

mod names;
mod tasks;

pub use names::Names;
pub use tasks::{Helpers, Stage};
