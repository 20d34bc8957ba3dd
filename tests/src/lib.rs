//! What the end-to-end stories and whole-process benches are told with: the real programs, on
//! ports of their own, and the recorded traffic.

pub mod books;
pub mod ingester;
pub mod legacy;
pub mod load;
pub mod place;
pub mod program;
pub mod prometheus;
pub mod reader;
pub mod replay;
pub mod sidecar;
pub mod torture;
pub mod traffic;
pub mod usage;

pub use ingester::{Api, Ingester};
pub use place::Place;
pub use replay::Sent;
pub use sidecar::Sidecar;
pub use traffic::Traffic;

use std::time::Duration;

/// Deadline of a step that moves all recorded spans on a busy machine.
pub const LONG: Duration = Duration::from_secs(180);
