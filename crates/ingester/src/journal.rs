//! The journal: frames of all streams become segment objects, and only then are acknowledged.
//!
//! One task gathers frames into the open segment and seals it by age or size; each sealed segment
//! is written by a task of its own, a few at a time. When the object is there, and not before,
//! its spans join the generation in memory and its frames are acknowledged.

mod cut;

pub use cut::{Cut, CutAt, Open, next_cut};

use crate::group::{Batch, FreezeAt, Live};
use crate::limits::{Limit, Policy};
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::receive::{FrameDedup, FrameId, PendingFrame, StreamState};
use crate::runtime::Names;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tributary_journal::epoch::EpochError;
use tributary_journal::segment::{Header, MAX_SEGMENT, NewFrame, Sealed, SegmentBuilder};
use tributary_journal::{EpochId, Uid};
use tributary_store::{Created, StoreError};
use tributary_telemetry::ErrorChain;
use tributary_wire::frame::FrameError;
use tributary_wire::v1::Reason;

/// Segments on their way to the store at a time.
const IN_FLIGHT: usize = 4;
/// Pause before a segment that could not be written is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What becomes of a frame once its segment is durable.
struct Waiting {
    batch: Batch,
    id: Option<FrameId>,
    seq: u64,
    stream: Arc<StreamState>,
}

/// The task that writes segments, and what it works with.
pub struct SegmentWriter {
    /// Where segments go.
    pub journal: tributary_journal::Journal,
    /// This ingester's name, for people who look at a segment.
    pub instance: String,
    /// Names epochs and segments.
    pub names: Names,
    /// Where durable spans go.
    pub live: Arc<Live>,
    /// When a segment is sealed.
    pub cut_at: CutAt,
    /// When a generation is frozen.
    pub freeze_at: FreezeAt,
    /// Wakes the task that writes blocks.
    pub due: Arc<Notify>,
    /// Frames that are known should they come again.
    pub known: Arc<FrameDedup>,
    /// Told when spans have come to rest in a generation.
    pub memory: Memory,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// The open segment: its bytes and the frames in them.
#[derive(Default)]
struct Segment {
    builder: SegmentBuilder,
    waiting: Vec<Waiting>,
    since: Option<Instant>,
}

/// A segment that was written, and the frames in it.
struct Written {
    epoch: EpochId,
    sealed: Sealed,
    waiting: Vec<Waiting>,
    since: Instant,
}

/// What became of a frame that was to join a segment.
enum Pushed {
    /// It is in it.
    In,
    /// There is no room for it.
    Full(Box<PendingFrame>),
    /// What it refers to is not there any more.
    Undefined(Box<PendingFrame>, FrameError),
}

/// No segment can be written any more; the process must end, and a new one opens a new epoch.
#[derive(Debug, thiserror::Error)]
pub enum SegmentWriterError {
    /// Another process writes under this process's random epoch id, as after a virtual machine
    /// was cloned.
    #[error("segment {0} of this epoch was written by another process: was this machine cloned?")]
    ForeignSegment(u64),
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
    pub async fn run(
        self,
        mut frames: mpsc::Receiver<PendingFrame>,
        drain: CancellationToken,
        stop: CancellationToken,
    ) -> Result<(), SegmentWriterError> {
        let commit = Arc::new(self);
        let mut segment = Segment::default();
        let mut puts: JoinSet<Result<Written, SegmentWriterError>> = JoinSet::new();
        // One that did not fit any more: it begins the next segment.
        let mut held: Option<Box<PendingFrame>> = None;
        let (mut closed, mut blocked) = (false, false);
        loop {
            let open = Open { bytes: segment.builder.bytes(), since: segment.since };
            let cut = match held {
                Some(_) => Cut::Now,
                None => next_cut(&open, commit.cut_at, Instant::now(), closed),
            };
            let may_put = puts.len() < IN_FLIGHT;
            if cut.is_now() && may_put {
                let full = std::mem::take(&mut segment);
                puts.spawn(write(commit.clone(), full, stop.clone()));
                if let Some(frame) = held.take() {
                    held = commit.push(&mut segment, *frame);
                }
                blocked = false;
                continue;
            }
            if cut.is_now() && !std::mem::replace(&mut blocked, true) {
                commit.metrics.limited(Limit::Segments);
            }
            if closed && puts.is_empty() && segment.waiting.is_empty() {
                return Ok(());
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = drain.cancelled(), if !frames.is_closed() => frames.close(),
                Some(done) = puts.join_next() => {
                    commit.durable(done.map_err(SegmentWriterError::Panicked)??)?;
                }
                () = cut.wait(), if may_put => {}
                frame = frames.recv(), if !closed && !cut.is_now() => match frame {
                    None => closed = true,
                    Some(frame) => held = commit.push(&mut segment, frame),
                },
            }
        }
    }

    /// The object is there: its spans are readable, then its frames are acknowledged.
    fn durable(&self, written: Written) -> Result<(), SegmentWriterError> {
        let Written { epoch, sealed, waiting, since } = written;
        let spans: u64 = waiting.iter().map(|w| w.batch.columns.len() as u64).sum();
        let (batches, acks): (Vec<_>, Vec<_>) =
            waiting.into_iter().map(|w| (w.batch, (w.stream, w.seq, w.id))).unzip();
        if self.live.durable(epoch, sealed.info, batches, self.freeze_at, Instant::now())? {
            self.due.notify_one();
        }
        self.memory.look_after();
        for (stream, seq, id) in acks {
            stream.durable(seq);
            if let Some(id) = id {
                self.known.durable(id);
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
    fn push(&self, segment: &mut Segment, frame: PendingFrame) -> Option<Box<PendingFrame>> {
        match segment.push(frame) {
            Pushed::In => {}
            Pushed::Full(frame) if !segment.waiting.is_empty() => return Some(frame),
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

    /// A frame will not be in a segment: tells everybody who brought it.
    fn refuse(&self, frame: &PendingFrame, reason: Reason, limit: Limit, why: String) {
        let permanent = limit.policy() == Policy::Rejects;
        self.metrics.limited(limit);
        if let Some(id) = &frame.id {
            self.known.given_up(id, reason, &why, permanent);
        }
        frame.stream.reject(frame.seq, reason, why, permanent);
    }

    /// A number and a name of its own for the next segment.
    fn next_header(&self) -> Result<Header, SegmentWriterError> {
        let (spare, uid) = (self.names.epoch()?, self.names.uid()?);
        let (epoch, n) = self.live.reserve(spare, Instant::now())?;
        let written_ms = self.names.now_ms();
        Ok(Header { epoch, n, uid, written_ms, instance: self.instance.clone() })
    }
}

impl Segment {
    /// Appends a frame with the definitions that the segment lacks.
    fn push(&mut self, frame: PendingFrame) -> Pushed {
        let missing =
            self.builder.missing(frame.stream_number, frame.dictionary.number, &frame.referenced);
        let definitions = if missing.is_empty() {
            Bytes::new()
        } else {
            match frame.dictionary.export(&missing) {
                Ok(definitions) => definitions,
                Err(error) => return Pushed::Undefined(Box::new(frame), error),
            }
        };
        let new = NewFrame {
            stream: frame.stream_number,
            tenant: &frame.tenant,
            incarnation: Uid(frame.incarnation),
            seq: frame.seq,
            dict: frame.dictionary.number,
            spans: u32::try_from(frame.columns.len()).unwrap_or(u32::MAX),
            defines: &missing,
            definitions: &definitions,
            payload: &frame.payload,
        };
        if self.builder.push(&new).is_err() {
            return Pushed::Full(Box::new(frame));
        }
        self.since.get_or_insert_with(Instant::now);
        let PendingFrame { id, seq, stream, tenant, columns, permit, .. } = frame;
        let batch = Batch { tenant, columns, permit: Some(permit) };
        self.waiting.push(Waiting { batch, id, seq, stream });
        Pushed::In
    }
}

/// Seals a segment and writes it, until it is there or `stop` gives it up. The same bytes are sent
/// each time, so trying again is always right.
async fn write(
    commit: Arc<SegmentWriter>,
    segment: Segment,
    stop: CancellationToken,
) -> Result<Written, SegmentWriterError> {
    let Segment { builder, waiting, since } = segment;
    let header = commit.next_header()?;
    let sealed = builder.seal(&header);
    let begun = Instant::now();
    loop {
        match commit.journal.put_segment(&header.epoch, &sealed).await {
            Ok(Created::Won) => break,
            Ok(Created::Lost) => return Err(SegmentWriterError::ForeignSegment(header.n)),
            Err(error) => {
                commit.metrics.segments_failed.inc();
                tracing::warn!(error = %ErrorChain(&error), n = header.n, "a segment could not be written yet; its frames are not acknowledged");
                if stop.run_until_cancelled(tokio::time::sleep(AGAIN_AFTER)).await.is_none() {
                    return std::future::pending().await;
                }
            }
        }
    }
    commit.metrics.put_seconds.observe(begun.elapsed().as_secs_f64());
    Ok(Written { epoch: header.epoch, sealed, waiting, since: since.unwrap_or(begun) })
}
