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

mod allowed;
mod jobs;
mod live;
mod metrics;
mod prepared;
mod search;
mod stored;
mod tags;
mod whole;

use super::peers::Peers;
use super::pool::QueryPool;
use super::room::Room;
use super::traces::TraceFinder;
use crate::block::KnownBlocks;
use crate::cluster::Membership;
use crate::limits::Limit;
use crate::metrics::Metrics;
use crate::runtime::IdGenerator;
use crate::tenant_limits::Limits;
use allowed::Answering;
use jobs::Failed;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use tributary_block::BlockError;
use tributary_query::api::TimeRange;
use tributary_query::{Gate, How, Stop};
use whole::TraceIds;

const SECOND: u64 = 1_000_000_000;
/// What is recent, when a question does not say when, seconds.
const RECENT: u64 = 30 * 60;
/// Questions that are answered at a time; more are refused.
const AT_ONCE: usize = 32;
/// How often a question is put again.
const AGAIN: usize = 3;
/// A question that takes longer than this is told in the log.
const SLOW: Duration = Duration::from_secs(5);
/// How long a question may take.
const LONGEST: Duration = Duration::from_secs(30);

/// Answers questions.
pub(crate) struct Asker {
    pub(super) traces: Arc<TraceFinder>,
    pub(super) membership: Membership,
    pub(super) peers: Peers,
    pub(super) metrics: Arc<Metrics>,
    pub(super) pool: Arc<QueryPool>,
    room: Room,
    ids: TraceIds,
    clock: IdGenerator,
    questions: Arc<Semaphore>,
    answering: Arc<Answering>,
    limits: watch::Receiver<Arc<Limits>>,
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
    /// A block was deleted while it was read: what it held stands in a newer one.
    #[error("blocks were merged while they were read: ask again")]
    Moved,
    /// Too much is asked at once.
    #[error("{AT_ONCE} questions are being answered: ask again in a moment")]
    Busy,
    /// Too much is asked at once for one tenant.
    #[error("{most} questions of {tenant} are being answered: ask again in a moment")]
    TenantBusy {
        /// Which.
        tenant: String,
        /// How many may be.
        most: usize,
    },
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
        limits: watch::Receiver<Arc<Limits>>,
        (memory, cores): (usize, usize),
    ) -> std::io::Result<Asker> {
        Ok(Asker {
            traces,
            membership,
            peers,
            metrics,
            pool: Arc::new(QueryPool::start((cores / 2).max(1))?),
            room: Room::new(memory / 8, Limit::QuestionRoom),
            ids: TraceIds::new(memory / 32),
            clock,
            questions: Arc::new(Semaphore::new(AT_ONCE)),
            answering: Arc::default(),
            limits,
        })
    }

    /// Bounds a question about the `time` that it names: how many there are, and how long each takes. One whose blocks were merged
    /// while they were read is put again, to the blocks that there are then.
    async fn within<T, F: Future<Output = Result<T, NotAnswered>>>(
        &self,
        tenants: &[String],
        time: Option<TimeRange>,
        question: impl Fn() -> F,
    ) -> Result<T, NotAnswered> {
        let _own = self.place(tenants, time)?;
        let Ok(_place) = self.questions.try_acquire() else {
            self.metrics.limited(Limit::Questions);
            return Err(NotAnswered::Busy);
        };
        self.metrics.queries.inc();
        let began = Instant::now();
        let again = async {
            for _ in 0..AGAIN {
                match question().await {
                    Err(NotAnswered::Moved) => {}
                    outcome => return outcome,
                }
                for tenant in tenants {
                    let (now, deadline) = (Instant::now(), KnownBlocks::patience());
                    let look = self.traces.blocks.look_up_since(tenant, now, deadline).await;
                    look.map_err(|why| NotAnswered::Missing(vec![why.to_string()]))?;
                }
            }
            question().await
        };
        let outcome = tokio::time::timeout(LONGEST, again).await;
        let took = began.elapsed();
        if took > SLOW {
            tracing::info!(?tenants, ?took, answered = outcome.is_ok(), "a slow question");
        }
        outcome.unwrap_or_else(|_| {
            self.metrics.limited(Limit::QuestionTime);
            Err(NotAnswered::TooLong)
        })
    }

    fn how(&self, stop: &Stop) -> How {
        let gate: Arc<Gate> = self.pool.gate();
        How { gate: Some(gate), stop: stop.clone(), ..How::default() }
    }

    /// When a question is about, in its words or by default.
    fn time(&self, asked: Option<TimeRange>) -> TimeRange {
        asked.unwrap_or_else(|| {
            let now = self.clock.unix_ms() / 1000;
            TimeRange { start: now.saturating_sub(RECENT), end: now + RECENT }
        })
    }
}

/// Refuses what cannot be complete.
fn complete(missing: &[String]) -> Result<(), NotAnswered> {
    if missing.is_empty() { Ok(()) } else { Err(NotAnswered::Missing(missing.to_vec())) }
}

fn refuse(failed: Vec<Failed>) -> Result<(), NotAnswered> {
    let mut missing = Vec::new();
    for error in failed {
        match error {
            Failed::Refused(why) => return Err(why),
            Failed::Unreadable(why) => missing.push(why),
            Failed::IsGone => return Err(NotAnswered::Moved),
        }
    }
    complete(&missing)
}

/// A block that could not be read for a whole trace.
fn not_read(error: BlockError) -> NotAnswered {
    match error {
        BlockError::Missing(_) => NotAnswered::Moved,
        error => NotAnswered::Missing(vec![error.to_string()]),
    }
}
