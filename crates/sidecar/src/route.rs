//! Which ingester gets which spans.
//!
//! [`mod@resolve`] looks up the configured names, and the ingesters tell of each other over the
//! streams. What is known of them stands in [`members`], which makes a [`plan`] of it: the one
//! ingester of each group of traces. Lanes of the buffer are numbered by these groups.

mod members;
mod plan;
mod resolve;

pub(crate) use members::Members;
pub(crate) use plan::{MOST_GROUPS, Plan};
pub(crate) use resolve::resolve;
