//! The disk below a store that is a local folder, and how much of it is kept free.
//!
//! On a disk that is full nothing can be made smaller: blocks are written before the segments that
//! they cover are deleted. So new frames wait while what is free is less than a reserve, which is
//! left to what is on its way already: segments, blocks, commits, deletions. A task looks once a
//! second (`watch`), the [`Reserve`] decides, and what takes frames asks the `DiskRoom`.

mod reserve;
mod room;
mod watch;

pub use reserve::Reserve;
pub(crate) use room::{DiskRoom, DiskView, Shortage};
pub(crate) use watch::DiskWatch;
