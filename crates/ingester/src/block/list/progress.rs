//! How far the first look-up of all blocks has come.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counts, until it is through.
#[derive(Debug, Default)]
pub(super) struct Progress {
    listed: AtomicU64,
    tried: AtomicU64,
    through: AtomicBool,
}

/// What is left of it to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StillReading {
    /// Metas that were listed so far.
    pub(crate) listed: u64,
    /// Those of them that were read, or tried.
    pub(crate) tried: u64,
}

impl Progress {
    pub(super) fn list(&self, metas: usize) {
        self.listed.fetch_add(metas as u64, Ordering::Relaxed);
    }

    pub(super) fn try_one(&self) {
        self.tried.fetch_add(1, Ordering::Relaxed);
    }

    /// It begins, or begins again after a failure: what is known by then is listed no more.
    pub(super) fn begin(&self) {
        self.listed.store(0, Ordering::Relaxed);
        self.tried.store(0, Ordering::Relaxed);
    }

    pub(super) fn is_through(&self) -> bool {
        self.through.load(Ordering::Relaxed)
    }

    pub(super) fn end(&self) {
        self.through.store(true, Ordering::Relaxed);
    }

    /// What is left to do; nothing when it is through.
    pub(super) fn left(&self) -> Option<StillReading> {
        (!self.is_through()).then(|| StillReading {
            listed: self.listed.load(Ordering::Relaxed),
            tried: self.tried.load(Ordering::Relaxed),
        })
    }
}
