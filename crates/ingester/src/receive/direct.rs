//! The receivers of this ingester itself: for applications that send here and not to a sidecar
//! (one agent a node, a gateway).
//!
//! What they take goes the road of any stream: spans are gathered for a moment, encoded as a frame,
//! and handed to the journal. An application is answered when its spans are in object storage,
//! and not before; while memory or journal have no room it is refused and told to come again.

mod lane;
mod receivers;
mod sink;

pub(crate) use receivers::DirectReceivers;
pub use sink::DirectSink;
