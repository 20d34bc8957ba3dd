//! Questions about many traces: searches, metrics, names and values of attributes.
//!
//! The ingester that is asked looks at everything itself: its own memory, that of the other
//! ingesters (`live`), segments of those that do not answer, and all blocks of the time (`stored`).
//! The order is the one in which spans move, as for one trace ([`super::traces`]): what is missed in
//! one place is found in the next. Where a question is about whole traces, those with parts in more
//! than one place are put together first (`whole`).
//!
//! What is asked in vain makes the answer incomplete, and is told: by name in the answer to metrics,
//! as a refusal of searches, which have no place for it.

mod answers;
mod jobs;
mod live;
mod stored;
mod whole;

use super::peers::Peers;
use super::pool::QueryPool;
use super::traces::TraceFinder;
use crate::cluster::Membership;
use crate::metrics::Metrics;
use crate::runtime::IdGenerator;
use jobs::Room;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tributary_query::{Gate, How, Stop};
use whole::TraceIds;

/// Questions that are answered at a time; more are refused.
const AT_ONCE: usize = 32;
/// How long a question may take.
const LONGEST: Duration = Duration::from_secs(30);

/// Answers questions.
pub(crate) struct Asker {
    pub(super) traces: Arc<TraceFinder>,
    pub(super) membership: Membership,
    pub(super) peers: Peers,
    pub(super) metrics: Arc<Metrics>,
    pool: Arc<QueryPool>,
    room: Room,
    ids: TraceIds,
    clock: IdGenerator,
    questions: Arc<Semaphore>,
}

/// Why a question is not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAnswered {
    /// It wants what cannot be done; the person who asks can change it.
    #[error("{0}")]
    Query(String),
    /// Something could not be read; what, stands in it.
    #[error("not all could be read: {}", .0.join("; "))]
    Missing(Vec<String>),
    /// Too much is asked at once.
    #[error("{AT_ONCE} questions are being answered: ask again in a moment")]
    Busy,
    /// It took too long.
    #[error("the question took longer than {LONGEST:?}: ask for less time, or for less")]
    TooLong,
}

/// Ends the work for a question when its answer is not waited for any more.
struct GiveUp(Stop);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Asker {
    /// With a share of `memory` for what questions read, and `cores` processors in the machine.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(crate) fn new(
        traces: Arc<TraceFinder>,
        membership: Membership,
        peers: Peers,
        metrics: Arc<Metrics>,
        clock: IdGenerator,
        (memory, cores): (usize, usize),
    ) -> std::io::Result<Asker> {
        Ok(Asker {
            traces,
            membership,
            peers,
            metrics,
            pool: Arc::new(QueryPool::start((cores / 2).max(1))?),
            room: Room::new(memory / 8),
            ids: TraceIds::new(memory / 32),
            clock,
            questions: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    /// Bounds a question: how many there are, and how long each takes.
    async fn within<T>(
        &self,
        question: impl Future<Output = Result<T, NotAnswered>>,
    ) -> Result<T, NotAnswered> {
        let Ok(_place) = self.questions.try_acquire() else { return Err(NotAnswered::Busy) };
        self.metrics.queries.inc();
        let answer = tokio::time::timeout(LONGEST, question).await;
        answer.unwrap_or(Err(NotAnswered::TooLong))
    }

    fn how(&self, stop: &Stop) -> How {
        let gate: Arc<Gate> = self.pool.gate();
        How { gate: Some(gate), stop: stop.clone(), ..How::default() }
    }
}
