//! The wire's server: streams of frames in, acknowledgements out.
//!
//! One task reads a stream: its messages arrive when there is room for them (`message_room`), and
//! then it takes memory, decodes and validates each frame and hands it to the journal. The replies are a stream that wakes when a frame is settled. A frame that cannot be
//! decoded is refused here, so that the journal never holds what cannot be read back; one that came
//! before is known again (`dedup`). The receivers for applications without a sidecar hand frames
//! over in the same way ([`direct`]).

mod ack_window;
mod age;
mod announcement;
mod credit;
mod dedup;
mod dictionary;
pub mod direct;
#[cfg(test)]
mod for_tests;
mod intake;
mod message_room;
mod owner;
mod pending;
mod replies;
mod service;
mod source;
mod stream;

pub use announcement::Announcement;
pub(crate) use dedup::{FrameDedup, FrameId};
pub(crate) use dictionary::Dictionary;
pub use intake::Intake;
pub(crate) use pending::PendingFrame;
pub use service::WireService;
pub(crate) use stream::StreamState;
