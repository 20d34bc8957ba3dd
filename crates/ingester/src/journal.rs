//! The journal: frames of all streams become segment objects, and only then are acknowledged.
//!
//! One task gathers frames into the open segment and seals it by age or size; each sealed segment
//! is written by a task of its own, a few at a time. When the object is there, and not before,
//! its spans join the generation in memory and its frames are acknowledged.

mod cut;
mod open_segment;
mod refusing;
mod writer;

pub(crate) use cut::CutAt;
pub(crate) use refusing::Refusing;
pub(crate) use writer::{IN_FLIGHT, SegmentWriter};
