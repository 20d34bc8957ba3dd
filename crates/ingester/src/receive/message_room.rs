//! Memory for messages while they arrive: asked for before their bytes are read.
//!
//! gRPC writes the length of each message before it (five bytes: a flag, and the length in big
//! endian; gRPC over HTTP/2, "Length-Prefixed-Message"). [`AdmittedBody`] stands between the
//! connection and tonic, which would gather any message as it comes, of every stream at once: it
//! holds a message back at that place until its bytes are taken from a budget that all streams
//! share, fair between tenants like the one for spans. What is not read yet stays with its sender,
//! by HTTP/2's flow control.
//!
//! The bytes are given back as soon as the frame has memory of its own, which does not depend on
//! any other message's arrival: so no two messages wait for each other.

use super::credit::LARGEST_MESSAGE;
use crate::limits::Limit;
use crate::memory::{Admission, MemoryBudget, Permit};
use crate::metrics::Metrics;
use bytes::{Buf, Bytes};
use hyper::body::{Body, Frame};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use tonic::Status;

/// A stream's first message, which names its tenant, is no longer than this.
const LONGEST_HELLO: usize = 64 << 10;
/// Bytes before a message.
const HEAD: usize = 5;

/// What one stream's messages hold of the budget.
#[derive(Debug)]
pub(super) struct MessageRoom {
    budget: MemoryBudget,
    metrics: Arc<Metrics>,
    /// Known once the first message was read.
    tenant: OnceLock<Arc<str>>,
    /// Of messages whose bytes may be read, or were read and not taken over yet: in their order.
    held: Mutex<VecDeque<Permit>>,
}

impl MessageRoom {
    pub(super) fn new(budget: MemoryBudget, metrics: Arc<Metrics>) -> Self {
        MessageRoom { budget, metrics, tenant: OnceLock::new(), held: Mutex::default() }
    }

    /// The stream's first message was read: what follows is this tenant's.
    pub(super) fn belongs_to(&self, tenant: &Arc<str>) {
        // A stream has one first message.
        drop(self.tenant.set(tenant.clone()));
    }

    fn held(&self) -> MutexGuard<'_, VecDeque<Permit>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the oldest message holds that was not taken over yet: to be dropped when what it
    /// carries has memory of its own.
    pub(super) fn take_over(&self) -> Option<Permit> {
        self.held().pop_front()
    }

    fn admit(&self, tenant: &Arc<str>, bytes: usize) -> Admission {
        let admission = self.budget.admit(tenant, bytes);
        if let Admission::Queued(_) = admission {
            self.metrics.limited(Limit::MessageRoom);
        }
        admission
    }
}

/// A message's head, and how long the message is.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    bytes: Bytes,
    len: usize,
}

/// What comes next of a body.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// A message begins.
    Head(Head),
    /// Bytes of a message that has begun.
    Content(Bytes),
    /// Not known before there is more.
    Unknown,
}

/// Where in its messages a body is.
#[derive(Debug, Default)]
struct Cutter {
    head: Vec<u8>,
    /// Of the message that has begun.
    left: usize,
}

impl Cutter {
    /// Cuts the next piece off `data`, which is not empty.
    fn cut(&mut self, data: &mut Bytes) -> Piece {
        if self.left > 0 {
            let content = data.split_to(self.left.min(data.len()));
            self.left -= content.len();
            return Piece::Content(content);
        }
        let part = data.split_to((HEAD - self.head.len()).min(data.len()));
        self.head.extend_from_slice(&part);
        let &[_, a, b, c, d] = self.head.as_slice() else { return Piece::Unknown };
        self.left = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        Piece::Head(Head { bytes: std::mem::take(&mut self.head).into(), len: self.left })
    }
}

/// Ends when a message has room.
type Granted = Pin<Box<dyn Future<Output = Permit> + Send>>;

/// The body of a stream's requests, each message of which has room before it is read.
pub(super) struct AdmittedBody<B> {
    inner: B,
    room: Arc<MessageRoom>,
    cutter: Cutter,
    /// What has come and was not handed on yet.
    data: Bytes,
    /// A message that waits for room, and its head.
    waiting: Option<(Granted, Bytes)>,
}

impl<B> AdmittedBody<B> {
    pub(super) fn new(inner: B, room: Arc<MessageRoom>) -> Self {
        AdmittedBody { inner, room, cutter: Cutter::default(), data: Bytes::new(), waiting: None }
    }

    /// A message begins: its head, if it may be read now.
    fn begin(&mut self, head: Head) -> Result<Option<Bytes>, Status> {
        let Some(tenant) = self.room.tenant.get() else {
            return match head.len <= LONGEST_HELLO {
                true => Ok(Some(head.bytes)),
                false => Err(Status::invalid_argument("the first message must be a short hello")),
            };
        };
        // A longer one is refused when its head is read.
        match self.room.admit(tenant, head.len.min(LARGEST_MESSAGE)) {
            Admission::Granted(permit) => {
                self.room.held().push_back(permit);
                Ok(Some(head.bytes))
            }
            Admission::Queued(queued) => {
                self.waiting = Some((Box::pin(queued.granted()), head.bytes));
                Ok(None)
            }
        }
    }
}

impl<B> Body for AdmittedBody<B>
where
    B: Body<Data = Bytes, Error = Status> + Unpin,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        loop {
            if let Some((granted, head)) = &mut this.waiting {
                let permit = ready!(granted.as_mut().poll(context));
                this.room.held().push_back(permit);
                let head = std::mem::take(head);
                this.waiting = None;
                return Poll::Ready(Some(Ok(Frame::data(head))));
            }
            if !this.data.has_remaining() {
                let next = ready!(Pin::new(&mut this.inner).poll_frame(context));
                match next.map(|frame| frame.map(Frame::into_data)) {
                    Some(Ok(Ok(data))) => this.data = data,
                    Some(Ok(Err(trailers))) => return Poll::Ready(Some(Ok(trailers))),
                    Some(Err(status)) => return Poll::Ready(Some(Err(status))),
                    None => return Poll::Ready(None),
                }
                continue;
            }
            match this.cutter.cut(&mut this.data) {
                Piece::Unknown => {}
                Piece::Content(content) => return Poll::Ready(Some(Ok(Frame::data(content)))),
                Piece::Head(head) => match this.begin(head) {
                    Ok(None) => {}
                    Ok(Some(head)) => return Poll::Ready(Some(Ok(Frame::data(head)))),
                    Err(status) => return Poll::Ready(Some(Err(status))),
                },
            }
        }
    }
}

#[cfg(test)]
mod tests;
