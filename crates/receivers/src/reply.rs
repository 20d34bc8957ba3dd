//! The body of every answer: some bytes that are there already, and trailers for gRPC.

use crate::complaints::Complaint;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// An answer's body.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    data: Option<Bytes>,
    trailers: Option<Box<HeaderMap>>,
    /// What the log is to have of it.
    pub(crate) complaint: Option<Box<Complaint>>,
}

impl Reply {
    /// Bytes alone.
    pub(crate) fn new(data: impl Into<Bytes>) -> Self {
        let data = data.into();
        Reply { data: (!data.is_empty()).then_some(data), ..Reply::default() }
    }

    /// Nothing, and what the log is to have.
    pub(crate) fn empty(complaint: Option<Box<Complaint>>) -> Self {
        Reply { complaint, ..Reply::default() }
    }

    /// Bytes and trailers.
    pub(crate) fn with_trailers(data: impl Into<Bytes>, trailers: HeaderMap) -> Self {
        Reply { trailers: Some(Box::new(trailers)), ..Reply::new(data) }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = self.data.take().map(Frame::data);
        let frame = data.or_else(|| self.trailers.take().map(|t| Frame::trailers(*t)));
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.as_ref().map_or(0, |d| d.len() as u64))
    }
}
