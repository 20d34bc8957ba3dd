//! What all streams share, and the last step of a frame's way in.

use super::credit::max_in_flight;
use super::{Announcement, FrameDedup, PendingFrame, StreamState};
use crate::access::Gate;
use crate::disk::DiskRoom;
use crate::limits::Limit;
use crate::memory::MemoryBudget;
use crate::metrics::Metrics;
use crate::runtime::IdGenerator;
use crate::tenant_limits::Rates;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What all streams share.
#[derive(Debug)]
pub struct Intake {
    /// The ingester's name, told in the welcome.
    pub(crate) name: String,
    /// Makes the incarnations of streams that begin here.
    pub(crate) ids: IdGenerator,
    /// Budget for what is decoded.
    pub(crate) memory: MemoryBudget,
    /// Budget for messages that arrive.
    pub(crate) messages: MemoryBudget,
    /// Whether the store's disk has room for new frames.
    pub(crate) disk: DiskRoom,
    /// Frames that are known should they come again.
    pub(crate) dedup: Arc<FrameDedup>,
    /// Where valid frames go.
    pub(crate) journal_queue: mpsc::Sender<PendingFrame>,
    /// Whether tenants are told apart. If not, all spans are one tenant's, whatever senders say.
    pub(crate) multitenancy: bool,
    /// Lets senders in.
    pub(crate) gate: Arc<Gate>,
    /// How far tenants have got to their rates.
    pub(crate) rates: Rates,
    /// How old streams become, if they do.
    pub(crate) max_stream_age: Option<Duration>,
    /// What all senders are told: which ingesters there are, and whether this one leaves.
    pub(crate) announcements: watch::Receiver<Announcement>,
    /// Owner of the reading tasks.
    pub(crate) tasks: TaskTracker,
    /// Ends the reading of all streams.
    pub(crate) stop_reading: CancellationToken,
    /// Ends all streams, replies included.
    pub(crate) stop: CancellationToken,
    /// Numbers the streams.
    pub(crate) next_stream: AtomicU32,
    /// Counters.
    pub(crate) metrics: Arc<Metrics>,
}

/// Nothing new is taken.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the ingester is leaving")]
pub(crate) struct Leaving;

impl Intake {
    /// The state of a stream that begins.
    pub(crate) fn new_stream(&self) -> Arc<StreamState> {
        Arc::new(StreamState::new(self.metrics.clone(), max_in_flight(self.memory.limit())))
    }

    /// Hands a frame to the journal; or finds that it was handed there before, by a stream that
    /// took less time, and is settled with that.
    ///
    /// # Errors
    /// When there is no journal any more.
    pub(crate) async fn enqueue(&self, frame: PendingFrame) -> Result<(), Leaving> {
        let place = match self.journal_queue.try_reserve() {
            Ok(place) => place,
            Err(TrySendError::Full(())) => {
                self.metrics.limited(Limit::JournalQueue);
                self.journal_queue.reserve().await.map_err(|_| self.leaving())?
            }
            Err(TrySendError::Closed(())) => return Err(self.leaving()),
        };
        // From here to the journal nothing is waited for: a frame that counts as on its way is.
        if let Some(id) = &frame.id
            && self.dedup.is_repeat_or_track(id, &frame.stream)
        {
            return Ok(());
        }
        place.send(frame);
        Ok(())
    }

    fn leaving(&self) -> Leaving {
        self.metrics.limited(Limit::Leaving);
        Leaving
    }
}
