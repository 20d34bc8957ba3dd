//! Whether the disk has room for new frames: shared between the task that looks and all that take
//! frames.

use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;

/// Whether there is room. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct DiskRoom {
    shortage: Arc<watch::Sender<Option<Shortage>>>,
}

/// Less of the disk is free than is kept in reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shortage {
    /// Bytes that are free.
    pub free: u64,
    /// Bytes that should be.
    pub reserve: u64,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (free, reserve) = (Mebibytes(self.free), Mebibytes(self.reserve));
        write!(f, "{free} of the store's disk are free, and {reserve} are kept in reserve")
    }
}

/// Bytes as a person reads them.
pub(super) struct Mebibytes(pub(super) u64);

impl fmt::Display for Mebibytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0 / ((1 << 20) / 10);
        write!(f, "{}.{} MiB", tenths / 10, tenths % 10)
    }
}

impl Default for DiskRoom {
    /// Enough, until a look finds otherwise.
    fn default() -> Self {
        DiskRoom { shortage: Arc::new(watch::Sender::new(None)) }
    }
}

impl DiskRoom {
    /// What is missing at the moment.
    pub(crate) fn shortage(&self) -> Option<Shortage> {
        *self.shortage.borrow()
    }

    /// Whether new frames wait at the moment.
    pub(crate) fn is_short(&self) -> bool {
        self.shortage.borrow().is_some()
    }

    /// A view of its own for one that waits.
    pub(crate) fn subscribe(&self) -> DiskView {
        DiskView(self.shortage.subscribe())
    }

    /// Takes in what a look has found. Waking is for those that wait for the other state.
    pub(super) fn found(&self, shortage: Option<Shortage>) {
        self.shortage.send_if_modified(|before| {
            let changed = before.is_some() != shortage.is_some();
            *before = shortage;
            changed
        });
    }
}

/// Waits for the room to change.
#[derive(Debug)]
pub(crate) struct DiskView(watch::Receiver<Option<Shortage>>);

impl DiskView {
    /// Waits until there is room.
    pub(crate) async fn enough(&mut self) {
        self.until(false).await;
    }

    /// Waits until there is none.
    pub(crate) async fn short(&mut self) {
        self.until(true).await;
    }

    async fn until(&mut self, short: bool) {
        if self.0.wait_for(|shortage| shortage.is_some() == short).await.is_err() {
            // The engine is gone, and with it all that could change.
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn those_that_wait_are_woken_by_a_change_and_told_of_the_last_look() {
        let room = DiskRoom::default();
        let mut view = room.subscribe();
        assert!(view.enough().now_or_never().is_some() && !room.is_short());
        let shortage = |free| Some(Shortage { free, reserve: 64 << 20 });
        room.found(shortage(5 << 20));
        room.found(shortage(3 << 19));
        assert_eq!(room.shortage(), shortage(3 << 19));
        assert!(view.short().now_or_never().is_some() && room.is_short());
        assert!(view.enough().now_or_never().is_none());
        room.found(None);
        assert!(view.enough().now_or_never().is_some());
        assert!(view.short().now_or_never().is_none());
    }

    #[test]
    fn a_person_reads_how_much_is_missing() {
        let text = Shortage { free: 3 << 19, reserve: 64 << 20 }.to_string();
        assert_eq!(text, "1.5 MiB of the store's disk are free, and 64.0 MiB are kept in reserve");
        assert_eq!(
            Shortage { free: 0, reserve: 1 << 30 }.to_string().split_once(' ').unwrap().0,
            "0.0"
        );
    }
}
