//! The wire's gRPC service: one task reads each stream.

use super::Intake;
use super::credit::LARGEST_MESSAGE;
use super::message_room::{AdmittedBody, MessageRoom};
use super::owner::Owner;
use super::replies::{Replies, nameless, replies};
use super::source::{FrameSource, SenderIdentity};
use super::stream::StreamState;
use crate::access::{Client, Port};
use crate::disk::DiskView;
use crate::limits::{Limit, Policy};
use crate::tenant_limits::Met;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::server::NamedService;
use tonic::{Code, Extensions, Request, Response, Status, Streaming};
use tributary_identity::{Caller, Refusal, Shown};
use tributary_telemetry::ErrorChain;
use tributary_wire::frame::FrameError;
use tributary_wire::v1::ingest_server::IngestServer;
use tributary_wire::v1::{self, Frame, Reason};

/// The gRPC service, each message of whose streams has room before it is read. Clones share
/// everything.
#[derive(Debug, Clone)]
pub struct WireService(IngestServer<IngestService>, Arc<Intake>);

impl WireService {
    /// Hands frames to `intake`.
    pub fn new(intake: Arc<Intake>) -> Self {
        let service = IngestServer::new(IngestService(intake.clone()));
        WireService(service.max_decoding_message_size(LARGEST_MESSAGE), intake)
    }
}

impl NamedService for WireService {
    const NAME: &'static str = IngestServer::<IngestService>::NAME;
}

impl tower::Service<http::Request<Body>> for WireService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = <IngestServer<IngestService> as tower::Service<http::Request<Body>>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let WireService(service, intake) = self;
        let room = Arc::new(MessageRoom::new(intake.messages.clone(), intake.metrics.clone()));
        let (mut head, body) = request.into_parts();
        head.extensions.insert(room.clone());
        let body = Body::new(AdmittedBody::new(body, room));
        service.call(http::Request::from_parts(head, body))
    }
}

/// What [`WireService`] does with the messages.
#[derive(Debug, Clone)]
pub struct IngestService(Arc<Intake>);

#[tonic::async_trait]
impl v1::ingest_server::Ingest for IngestService {
    type PushStream = Replies;

    async fn push(&self, request: Request<Streaming<Frame>>) -> Result<Response<Replies>, Status> {
        let room = request.extensions().get::<Arc<MessageRoom>>().cloned();
        let room = room.ok_or_else(|| Status::internal("a request without room for messages"))?;
        let (metadata, extensions, mut frames) = request.into_parts();
        let caller = caller(&self.0, &metadata, &extensions).await.map_err(refused)?;
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
        let wrong = |_: &Status| intake.metrics.limited(Limit::Hello);
        let Owner { tenant, tenants } = owner(&intake, caller.as_ref(), &hello.tenant)?;
        let Some(tenant) = tenant else { return Ok(Response::new(nameless(&intake))) };
        let sender = SenderIdentity::from_hello(&hello, tenant).inspect_err(wrong)?;
        let identity = caller.as_ref().map(|caller| tracing::field::display(&caller.identity));
        tracing::debug!(name = hello.name, lane = hello.lane, tenant = %sender.tenant, identity, "stream opened");
        let state = intake.new_stream();
        let tenant = sender.tenant.clone();
        room.belongs_to(&tenant);
        let source = FrameSource::new(&intake, sender, state.clone());
        let number = source.number();
        let reader = read(intake.clone(), frames, room, source);
        let stop = intake.stop_reading.clone();
        intake.tasks.spawn(async move { stop.run_until_cancelled(reader).await });
        Ok(Response::new(replies(intake, state, tenant, tenants, number)))
    }
}

/// Who opens a stream.
async fn caller(
    intake: &Intake,
    metadata: &MetadataMap,
    extensions: &Extensions,
) -> Result<Option<Caller>, Refusal> {
    let client = extensions.get::<Client>();
    let shown = Shown {
        authorization: metadata.get("authorization").map(|value| value.as_bytes()),
        certificate: client.and_then(Client::certificate),
    };
    intake.gate.caller(Port::Wire, shown).await
}

/// Whose spans a caller may send, that says they are `asked`'s.
fn owner(intake: &Intake, caller: Option<&Caller>, asked: &str) -> Result<Owner, Status> {
    let mut only = None;
    if let Some(caller) = caller {
        only = caller.only_tenant().ok().flatten();
        // One that names none may carry no spans: whether there is a rule for it is what counts.
        let may = match asked {
            "" => caller.only_tenant().map(drop),
            asked => caller.writes(asked).map(drop),
        };
        intake.gate.permit(Port::Wire, may, ()).map_err(refused)?;
    }
    Owner::of(intake.multitenancy, only, asked).map_err(|why| match only {
        Some(only) => Status::permission_denied(format!("the policy's tenant {only:?}: {why}")),
        None => {
            intake.metrics.limited(Limit::Hello);
            Status::invalid_argument(format!("hello.tenant: {why}"))
        }
    })
}

/// What a caller is told that is not let in.
fn refused(refusal: Refusal) -> Status {
    match refusal.is_forbidden() {
        true => Status::permission_denied(refusal.to_string()),
        false => Status::unauthenticated(refusal.to_string()),
    }
}

/// Reads one stream to its end.
async fn read(
    intake: Arc<Intake>,
    mut frames: Streaming<Frame>,
    room: Arc<MessageRoom>,
    mut source: FrameSource,
) {
    let state = source.state.clone();
    let mut disk = intake.disk.subscribe();
    while state.has_room().await && may_send(&intake, source.tenant(), &state).await {
        let frame = match next(&intake, &mut frames, &state, &mut disk).await {
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
        let arrived = room.take_over();
        let seq = frame.seq;
        if let Err(out_of_order) = state.arrived(seq, frame.payload.len()) {
            intake.metrics.limited(Limit::Order);
            state.fail(Status::invalid_argument(out_of_order.to_string()));
            return;
        }
        intake.metrics.frames_received.inc();
        match source.admit(&intake, frame, arrived).await {
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

/// Waits until the stream's tenant owes nothing to its rates: its sender has the next frame until then,
/// and is told that there is no credit. Whether the stream goes on.
async fn may_send(intake: &Intake, tenant: &str, state: &StreamState) -> bool {
    let Some(debt) = intake.rates.debt(tenant) else { return true };
    let limit = match debt.met {
        Met::Spans => Limit::TenantSpans,
        Met::Bytes => Limit::TenantBytes,
    };
    intake.metrics.limited_for(tenant, limit);
    state.hold(true);
    let goes_on = tokio::select! {
        () = intake.rates.paid(tenant) => true,
        // Its sender has gone, which is not seen by one that does not read.
        () = state.left() => false,
    };
    state.hold(false);
    goes_on
}

/// The next frame. None is taken from the wire while the store's disk is short of room: its sender
/// has it until then.
async fn next(
    intake: &Intake,
    frames: &mut Streaming<Frame>,
    state: &StreamState,
    disk: &mut DiskView,
) -> Result<Option<Frame>, Status> {
    loop {
        tokio::select! {
            biased;
            () = disk.short() => {}
            frame = frames.message() => return frame,
        }
        intake.metrics.limited(Limit::DiskReserve);
        tokio::select! {
            () = disk.enough() => {}
            // Or its sender has gone to another ingester, which is not seen by one that does not read.
            () = state.left() => return Ok(None),
        }
    }
}

/// What to tell the sender, and which limit was met.
fn classify(error: &FrameError) -> (Reason, Limit) {
    match error {
        FrameError::Malformed(_) | FrameError::Version(_) => (Reason::Malformed, Limit::Malformed),
        FrameError::TooLarge { .. } => (Reason::TooLarge, Limit::FrameSize),
        FrameError::Undefined { .. } => (Reason::Undefined, Limit::Undefined),
    }
}
