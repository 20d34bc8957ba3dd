//! What streams share, without an engine around it.

use super::{Announcement, FrameDedup, Intake, PendingFrame};
use crate::access::Gate;
use crate::config::Access;
use crate::disk::DiskRoom;
use crate::memory::MemoryBudget;
use crate::metrics::Metrics;
use crate::runtime::IdGenerator;
use crate::tenant_limits::{Limits, Rates};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// With so much memory, and these limits of tenants. Frames come out of the receiver.
pub(super) fn intake(memory: usize, limits: &str) -> (Intake, mpsc::Receiver<PendingFrame>) {
    let metrics = Arc::<Metrics>::default();
    let limits = Arc::new(Limits::read(limits).unwrap());
    let (journal_queue, frames) = mpsc::channel(1024);
    let intake = Intake {
        name: String::new(),
        ids: IdGenerator::default(),
        memory: MemoryBudget::new(memory),
        messages: MemoryBudget::new(memory),
        disk: DiskRoom::default(),
        dedup: Arc::new(FrameDedup::new(0, metrics.clone())),
        journal_queue,
        multitenancy: false,
        gate: Arc::new(
            Gate::open(&Access::default(), IdGenerator::default(), metrics.clone()).unwrap(),
        ),
        rates: Rates::new(watch::channel(limits).1),
        max_stream_age: None,
        announcements: watch::channel(Announcement::default()).1,
        tasks: TaskTracker::new(),
        stop_reading: CancellationToken::new(),
        stop: CancellationToken::new(),
        next_stream: AtomicU32::new(0),
        metrics: metrics.clone(),
    };
    (intake, frames)
}
