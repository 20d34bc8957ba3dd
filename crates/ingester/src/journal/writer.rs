//! The task that writes segments.

use super::cut::{Cut, CutAt, next_cut};
use super::open_segment::{OpenSegment, Pushed, UnackedFrame};
use super::refusing::{REFUSED_AFTER, Refusing};
use crate::block::Pauses;
use crate::group::{FreezeAt, LiveSpans};
use crate::limits::{Limit, Policy};
use crate::memory::MemoryBudget;
use crate::metrics::Metrics;
use crate::receive::{FrameDedup, PendingFrame};
use crate::runtime::IdGenerator;
use crate::span_metrics::CountingQueue;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tributary_journal::epoch::EpochError;
use tributary_journal::segment::{Header, MAX_SEGMENT, Sealed};
use tributary_journal::{EpochId, Journal, JournalError};
use tributary_store::{Created, StoreError};
use tributary_telemetry::{ErrorChain, Repeated};
use tributary_wire::v1::Reason;

/// Segments on their way to the store at a time.
pub(crate) const IN_FLIGHT: usize = 4;
/// Pauses before a segment that could not be written is tried again.
const RETRY: Pauses =
    Pauses { first: Duration::from_millis(500), longest: Duration::from_secs(15) };

/// The task that writes segments, and what it works with.
pub(crate) struct SegmentWriter {
    /// Where segments go.
    pub journal: Journal,
    /// This ingester's name, for people who look at a segment.
    pub instance: String,
    /// Makes the ids of epochs and segments.
    pub ids: IdGenerator,
    /// Where durable spans go.
    pub live: Arc<LiveSpans>,
    /// When a segment is sealed.
    pub cut_at: CutAt,
    /// When a generation is frozen.
    pub freeze_at: FreezeAt,
    /// Wakes the task that writes blocks.
    pub flush_due: Arc<Notify>,
    /// Frames that are known should they come again.
    pub dedup: Arc<FrameDedup>,
    /// Told when spans have come to rest in a generation.
    pub memory: MemoryBudget,
    /// Has the spans of each frame counted, where that is asked for.
    pub counting: Option<CountingQueue>,
    /// Told when the store does not take a segment, and when it does.
    pub refusing: Refusing,
    /// When the log is due to tell of that.
    pub told: Repeated,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// A segment that was written, and the frames in it.
struct Written {
    epoch: EpochId,
    sealed: Sealed,
    frames: Vec<UnackedFrame>,
    since: Instant,
}

/// No segment can be written any more; the process must end, and a new one opens a new epoch.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SegmentWriterError {
    /// Another process writes under this process's random epoch id, as after a virtual machine
    /// was cloned.
    #[error("segment {0} of this epoch was written by another process: was this machine cloned?")]
    ForeignSegment(u64),
    /// The store's disk may have lost what it took. Nothing that it takes from this process is
    /// acknowledged any more, and sidecars send their frames elsewhere.
    #[error("segment {n} is not durable")]
    Untrusted {
        /// The segment's number.
        n: u64,
        /// What the store says.
        source: StoreError,
    },
    /// The operating system gives no random bytes.
    #[error(transparent)]
    Random(#[from] StoreError),
    /// A fault in this program: the journal's core was told something that cannot be.
    #[error(transparent)]
    Core(#[from] EpochError),
    /// A task panicked.
    #[error("writing a segment panicked: {0}")]
    Panicked(tokio::task::JoinError),
}

impl SegmentWriter {
    /// Runs until `drain`, after which it takes what is in the channel, makes it durable and
    /// returns; or until `stop`, which gives up what is not durable.
    ///
    /// # Errors
    /// See [`SegmentWriterError`].
    pub(crate) async fn run(
        self,
        mut frames: mpsc::Receiver<PendingFrame>,
        drain: CancellationToken,
        stop: CancellationToken,
    ) -> Result<(), SegmentWriterError> {
        let writer = Arc::new(self);
        let mut segment = OpenSegment::default();
        let mut puts: JoinSet<Result<Written, SegmentWriterError>> = JoinSet::new();
        // One that did not fit any more: it begins the next segment.
        let mut held: Option<Box<PendingFrame>> = None;
        let (mut closed, mut blocked) = (false, false);
        loop {
            let fill = segment.fill();
            let cut = match held {
                Some(_) => Cut::Now,
                None => next_cut(&fill, writer.cut_at, Instant::now(), closed),
            };
            let may_put = puts.len() < IN_FLIGHT;
            if cut.is_now() && may_put {
                let full = std::mem::take(&mut segment);
                puts.spawn(write(writer.clone(), full, stop.clone()));
                if let Some(frame) = held.take() {
                    held = writer.push(&mut segment, *frame);
                }
                blocked = false;
                continue;
            }
            if cut.is_now() && !std::mem::replace(&mut blocked, true) {
                writer.metrics.limited(Limit::Segments);
            }
            if closed && puts.is_empty() && segment.frames.is_empty() {
                return Ok(());
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = drain.cancelled(), if !frames.is_closed() => frames.close(),
                Some(done) = puts.join_next() => {
                    writer.durable(done.map_err(SegmentWriterError::Panicked)??)?;
                }
                () = cut.wait(), if may_put => {}
                frame = frames.recv(), if !closed && !cut.is_now() => match frame {
                    None => closed = true,
                    Some(frame) => held = writer.push(&mut segment, frame),
                },
            }
        }
    }

    /// The object is there: its spans are readable, then its frames are acknowledged.
    fn durable(&self, written: Written) -> Result<(), SegmentWriterError> {
        let Written { epoch, sealed, frames, since } = written;
        let spans: u64 = frames.iter().map(|frame| frame.batch.columns.len() as u64).sum();
        let (batches, acks): (Vec<_>, Vec<_>) =
            frames.into_iter().map(|f| (f.batch, (f.stream, f.seq, f.id))).unzip();
        if self.live.durable(epoch, sealed.info, batches, self.freeze_at, Instant::now())? {
            self.flush_due.notify_one();
        }
        self.memory.request_check();
        for (stream, seq, id) in acks {
            stream.durable(seq);
            if let Some(id) = id {
                self.dedup.durable(id);
            }
        }
        let metrics = &self.metrics;
        metrics.spans_journaled.add(spans);
        metrics.segments.inc();
        metrics.segment_bytes.add(sealed.info.len);
        metrics.ack_seconds.observe(since.elapsed().as_secs_f64());
        Ok(())
    }

    /// Appends a frame to the open segment; gives it back if it has to wait for the next one.
    fn push(&self, segment: &mut OpenSegment, frame: PendingFrame) -> Option<Box<PendingFrame>> {
        match segment.push(frame) {
            Pushed::In => {
                let pushed = segment.frames.last().map(|frame| &frame.batch);
                if let (Some(counting), Some(batch)) = (&self.counting, pushed) {
                    counting.offer(&batch.tenant, &batch.columns);
                }
            }
            Pushed::Full(frame) if !segment.frames.is_empty() => return Some(frame),
            Pushed::Full(frame) => {
                let why = format!("the frame is larger than a segment of {MAX_SEGMENT} bytes");
                self.refuse(&frame, Reason::TooLarge, Limit::SegmentSize, why);
            }
            Pushed::Undefined(frame, error) => {
                let why = format!("its definitions are gone: {error}");
                self.refuse(&frame, Reason::Undefined, Limit::Undefined, why);
            }
        }
        None
    }

    /// A frame will not be in a segment: tells the streams that brought it.
    fn refuse(&self, frame: &PendingFrame, reason: Reason, limit: Limit, why: String) {
        let permanent = limit.policy() == Policy::Rejects;
        self.metrics.limited(limit);
        if let Some(id) = &frame.id {
            self.dedup.given_up(id, reason, &why, permanent);
        }
        frame.stream.reject(frame.seq, reason, why, permanent);
    }

    /// A number and a name of its own for the next segment.
    fn next_header(&self) -> Result<Header, SegmentWriterError> {
        let (spare, uid) = (self.ids.epoch()?, self.ids.uid()?);
        let (epoch, n) = self.live.reserve(spare, Instant::now())?;
        let written_ms = self.ids.unix_ms();
        Ok(Header { epoch, n, uid, written_ms, instance: self.instance.clone() })
    }
}

/// Seals a segment and writes it, until it is there or `stop` gives it up. The same bytes are sent
/// each time, so trying again is always right.
async fn write(
    writer: Arc<SegmentWriter>,
    segment: OpenSegment,
    stop: CancellationToken,
) -> Result<Written, SegmentWriterError> {
    let OpenSegment { builder, frames, since, .. } = segment;
    let header = writer.next_header()?;
    let sealed = builder.seal(&header);
    let begun = Instant::now();
    let mut failures: u32 = 0;
    loop {
        let put = writer.journal.put_segment(&header.epoch, &sealed);
        let patience = begun + REFUSED_AFTER;
        match noticed(put, patience, || writer.refusing.not_written(begun)).await {
            Ok(Created::Won) => break,
            Ok(Created::Lost) => return Err(SegmentWriterError::ForeignSegment(header.n)),
            Err(JournalError::Store(source)) if source.is_untrusted() => {
                writer.metrics.segments_failed.inc();
                return Err(SegmentWriterError::Untrusted { n: header.n, source });
            }
            Err(error) => {
                writer.metrics.segments_failed.inc();
                writer.refusing.not_written(begun);
                if let Some(times) = writer.told.due(Instant::now().into_std()) {
                    tracing::warn!(epoch = %header.epoch, n = header.n, times, error = %ErrorChain(&error), "a segment could not be written yet; its frames are not acknowledged");
                }
                failures = failures.saturating_add(1);
                // Its id is as good as any chance: each segment has another one.
                let pause = tokio::time::sleep(RETRY.jittered(failures, header.uid.0[0]));
                if stop.run_until_cancelled(pause).await.is_none() {
                    return std::future::pending().await;
                }
            }
        }
    }
    writer.refusing.written();
    writer.metrics.put_seconds.observe(begun.elapsed().as_secs_f64());
    Ok(Written { epoch: header.epoch, sealed, frames, since: since.unwrap_or(begun) })
}

/// What comes of the work; `late` is done when that takes until `patience` and longer.
async fn noticed<T>(work: impl Future<Output = T>, patience: Instant, late: impl FnOnce()) -> T {
    let mut work = std::pin::pin!(work);
    match tokio::time::timeout_at(patience, &mut work).await {
        Ok(done) => done,
        Err(_) => {
            late();
            work.await
        }
    }
}
