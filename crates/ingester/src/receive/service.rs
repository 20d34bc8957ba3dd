//! The wire's gRPC service: one task reads each stream.

use super::Intake;
use super::replies::{Replies, replies};
use super::source::{FrameSource, SenderIdentity};
use crate::limits::{Limit, Policy};
use std::sync::Arc;
use tonic::{Code, Request, Response, Status, Streaming};
use tributary_telemetry::ErrorChain;
use tributary_wire::frame::FrameError;
use tributary_wire::v1::{self, Frame, Reason};

/// The gRPC service. Clones share everything.
#[derive(Debug, Clone)]
pub struct IngestService(pub Arc<Intake>);

#[tonic::async_trait]
impl v1::ingest_server::Ingest for IngestService {
    type PushStream = Replies;

    async fn push(&self, request: Request<Streaming<Frame>>) -> Result<Response<Replies>, Status> {
        let mut frames = request.into_inner();
        let hello = match frames.message().await? {
            Some(Frame { hello: Some(hello), .. }) => hello,
            _ => {
                self.0.metrics.limited(Limit::Hello);
                return Err(Status::invalid_argument(
                    "the first message of a stream must be a hello",
                ));
            }
        };
        let intake = self.0.clone();
        let sender = SenderIdentity::from_hello(&hello)
            .inspect_err(|_| intake.metrics.limited(Limit::Hello))?;
        tracing::debug!(name = hello.name, lane = hello.lane, tenant = %sender.tenant, "stream opened");
        let state = intake.new_stream();
        let tenant = sender.tenant.clone();
        let source = FrameSource::new(&intake, sender, state.clone());
        let reader = read(intake.clone(), frames, source);
        let stop = intake.stop_reading.clone();
        intake.tasks.spawn(async move { stop.run_until_cancelled(reader).await });
        Ok(Response::new(replies(intake, state, tenant)))
    }
}

/// Reads one stream to its end.
async fn read(intake: Arc<Intake>, mut frames: Streaming<Frame>, mut source: FrameSource) {
    let state = source.state.clone();
    while state.has_room().await {
        let frame = match frames.message().await {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(status) => {
                if status.code() == Code::OutOfRange {
                    intake.metrics.limited(Limit::Message);
                    state.fail(status.clone());
                }
                tracing::debug!(%status, "stream broken");
                break;
            }
        };
        let seq = frame.seq;
        if let Err(out_of_order) = state.arrived(seq, frame.payload.len()) {
            intake.metrics.limited(Limit::Order);
            state.fail(Status::invalid_argument(out_of_order.to_string()));
            return;
        }
        intake.metrics.frames_received.inc();
        match source.admit(&intake, frame).await {
            Ok(None) => {}
            Ok(Some(frame)) => {
                if let Err(leaving) = intake.enqueue(frame).await {
                    state.fail(Status::unavailable(leaving.to_string()));
                    return;
                }
            }
            Err(error) => {
                intake.metrics.frames_rejected.inc();
                let (reason, limit) = classify(&error);
                let permanent = limit.policy() == Policy::Rejects;
                intake.metrics.limited(limit);
                tracing::warn!(error = %ErrorChain(&error), seq, permanent, "frame rejected");
                state.reject(seq, reason, error.to_string(), permanent);
                if !permanent {
                    state.fail(Status::failed_precondition(
                        "the stream's definitions are out of step",
                    ));
                    return;
                }
            }
        }
    }
    state.end();
}

/// What to tell the sender, and which limit was met.
fn classify(error: &FrameError) -> (Reason, Limit) {
    match error {
        FrameError::Malformed(_) | FrameError::Version(_) => (Reason::Malformed, Limit::Malformed),
        FrameError::TooLarge { .. } => (Reason::TooLarge, Limit::FrameSize),
        FrameError::Undefined { .. } => (Reason::Undefined, Limit::Undefined),
    }
}
