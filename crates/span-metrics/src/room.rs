//! Bytes that may be taken, and those that are.

/// A bound in bytes.
#[derive(Debug)]
pub(crate) struct Room {
    limit: usize,
    used: usize,
}

impl Room {
    pub(crate) fn new(limit: usize) -> Room {
        Room { limit, used: 0 }
    }

    /// Takes so many, when a share of all (in eighths) is not passed with them; whether it has.
    pub(crate) fn take(&mut self, bytes: usize, eighths: usize) -> bool {
        let most = self.limit / 8 * eighths;
        let fits = self.used.saturating_add(bytes) <= most;
        if fits {
            self.used += bytes;
        }
        fits
    }

    pub(crate) fn give_back(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }

    pub(crate) fn used(&self) -> usize {
        self.used
    }
}
