//! One tenant's way from the receivers into the journal: a stream whose sender is this process.

use crate::receive::source::{FrameSource, SenderIdentity};
use crate::receive::{Intake, StreamState};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tributary_receivers::{OfferError, Refused};
use tributary_span::Columns;
use tributary_span::columns::Builder;
use tributary_span::otlp::Outcome;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_telemetry::ErrorChain;
use tributary_wire::frame::Encoder;
use tributary_wire::v1::{Frame, reply::Kind};

/// Spans wait so long for others, to be one frame with them.
const MAX_AGE: Duration = Duration::from_millis(50);
/// Or until their columns have so many bytes.
const MAX_BYTES: usize = 1 << 20;

/// When a refused sender may come again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A request, and where its sender waits.
#[derive(Debug)]
pub(super) struct PendingRequest {
    pub(super) request: Bytes,
    pub(super) answer: Answer,
}

type Answer = oneshot::Sender<Result<Outcome, OfferError>>;

/// Takes requests until no sender can offer any, and then until all are settled.
pub(super) async fn run(
    intake: Arc<Intake>,
    tenant: Arc<str>,
    mut requests: mpsc::Receiver<PendingRequest>,
) {
    let state = intake.new_stream();
    let mut lane = Lane::new(intake, tenant, state.clone());
    let mut open = true;
    while open || !lane.waiting.is_empty() || !lane.gathered.is_empty() {
        let due = lane.opened.map(|opened| opened + MAX_AGE);
        tokio::select! {
            biased;
            () = state.changed() => {
                if !lane.settle() {
                    return;
                }
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                if !lane.cut().await {
                    return;
                }
            }
            request = requests.recv(), if open => match request {
                Some(request) => {
                    lane.take(request);
                    if lane.builder.columns().bytes() >= MAX_BYTES && !lane.cut().await {
                        return;
                    }
                }
                None => open = false,
            },
        }
    }
}

struct Lane {
    intake: Arc<Intake>,
    source: FrameSource,
    seq: u64,
    builder: Builder,
    opened: Option<Instant>,
    /// Requests whose spans are in the builder.
    gathered: Vec<(Answer, Outcome)>,
    /// Requests that are answered when a frame, and those before it, are settled.
    waiting: VecDeque<(u64, Vec<(Answer, Outcome)>)>,
    encoder: Encoder,
    /// Dictionary, and how many of its definitions were handed on.
    defined: (u32, u32),
}

impl Lane {
    fn new(intake: Arc<Intake>, tenant: Arc<str>, state: Arc<StreamState>) -> Self {
        // Frames are not sent twice, so that they need not be known again.
        let incarnation = intake.ids.uid().map(|uid| uid.0).unwrap_or_default();
        let sender = SenderIdentity { tenant, incarnation, lane: None };
        Lane {
            source: FrameSource::new(&intake, sender, state),
            intake,
            seq: 0,
            builder: Builder::new(),
            opened: None,
            gathered: Vec::new(),
            waiting: VecDeque::new(),
            encoder: Encoder::new(),
            defined: (0, 0),
        }
    }

    /// Walks a request into the columns.
    fn take(&mut self, PendingRequest { request, answer }: PendingRequest) {
        match append_all(&mut self.builder, &request, &Limits::default()) {
            Ok(outcome) if outcome.accepted > 0 => {
                self.opened.get_or_insert_with(Instant::now);
                self.gathered.push((answer, outcome));
            }
            // Its sender waits no more when it cannot be sent.
            Ok(outcome) => drop(answer.send(Ok(outcome))),
            Err(error) => drop(answer.send(Err(error.into()))),
        }
    }

    /// Hands what was gathered to the journal; whether there is one.
    async fn cut(&mut self) -> bool {
        self.opened = None;
        let columns = self.builder.take();
        let gathered = std::mem::take(&mut self.gathered);
        for piece in columns.into_pieces(4 * MAX_BYTES) {
            let frame = self.frame(&piece);
            let frame = match self.source.admit(&self.intake, frame, None).await {
                Ok(Some(frame)) => frame,
                Ok(None) => continue,
                Err(error) => {
                    tracing::error!(error = %ErrorChain(&error), "a frame of this ingester's own cannot be read");
                    return false;
                }
            };
            if self.intake.enqueue(frame).await.is_err() {
                return false;
            }
        }
        self.waiting.push_back((self.seq, gathered));
        self.settle()
    }

    /// Encodes columns as the next frame, with the definitions that it is the first to need.
    fn frame(&mut self, columns: &Columns) -> Frame {
        let encoded = self.encoder.encode(columns);
        if encoded.dict != self.defined.0 {
            self.defined = (encoded.dict, 0);
            self.encoder.release(encoded.dict);
        }
        let known = self.defined.1;
        let definitions = (encoded.needs > known)
            .then(|| self.encoder.definitions(encoded.dict, known..encoded.needs))
            .flatten();
        self.defined.1 = known.max(encoded.needs);
        self.seq += 1;
        let in_order = self.source.state.arrived(self.seq, encoded.payload.len());
        debug_assert!(in_order.is_ok(), "numbers rise by one");
        Frame {
            seq: self.seq,
            dict: encoded.dict,
            definitions: definitions.unwrap_or_default(),
            payload: encoded.payload,
            spans: encoded.spans,
            ..Frame::default()
        }
    }

    /// Answers all requests whose frames are settled; whether the stream goes on.
    fn settle(&mut self) -> bool {
        while let Some(reply) = self.source.state.next_reply(0) {
            match reply {
                Ok(Kind::Ack(ack)) => {
                    while let Some((_, done)) =
                        self.waiting.pop_front_if(|(seq, _)| *seq <= ack.seq)
                    {
                        for (answer, outcome) in done {
                            drop(answer.send(Ok(outcome)));
                        }
                    }
                }
                Ok(Kind::Reject(reject)) => {
                    let of = |(seq, _): &mut (u64, Vec<_>)| *seq <= reject.seq;
                    while let Some((_, lost)) = self.waiting.pop_front_if(of) {
                        for (answer, _) in lost {
                            drop(answer.send(Err(refused("the journal refused it").into())));
                        }
                    }
                }
                Ok(_) => {}
                // Senders that wait are told by being dropped.
                Err(_) => return false,
            }
        }
        true
    }
}

/// The sender still has its spans, and may come again soon.
pub(super) fn refused(why: &'static str) -> Refused {
    Refused { retry_after: RETRY_AFTER, why }
}
