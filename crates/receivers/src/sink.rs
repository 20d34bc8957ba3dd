//! The seam between receivers and the owner of the spans after them: sidecar or ingester.

use bytes::Bytes;
use std::time::Duration;
use tributary_span::otlp::Outcome;
use tributary_span::protobuf::Malformed;
use tributary_span::tenant;

/// Where a receiver hands what it got. Implemented by the sidecar's buffer and by the ingester.
pub trait Sink: Send + Sync + 'static {
    /// Leave to hold bytes in memory, given back when dropped.
    type Permit: Send + 'static;

    /// Asks for leave to hold `bytes` more, before they are read. A request may ask several times:
    /// for what its sender announced, and then as more comes or as it is inflated. All permits of
    /// a request are held until [`Sink::offer`] has returned.
    ///
    /// Called on the connection's task; must not block.
    ///
    /// # Errors
    /// When there is no room now. The sender is told to come again.
    fn admit(&self, bytes: usize) -> Result<Self::Permit, Refused>;

    /// What it means to senders that they name a tenant. May wait for a moment, when that is not
    /// known yet.
    fn tenants(&self) -> impl Future<Output = tenant::Header> + Send;

    /// Takes an `ExportTraceServiceRequest`, decompressed, not looked into yet. The answer to the
    /// sender waits for the future. It may be dropped at any await when the sender goes away; the
    /// spans are then taken or not, as after any broken connection.
    ///
    /// `tenant` is what the sender gave, as far as [`Sink::tenants`] lets it mean something: it can be
    /// a tenant's id. Datagrams name none.
    ///
    /// # Errors
    /// When the request is not protobuf, or when it cannot be taken now; nothing of it is kept then.
    fn offer(
        &self,
        tenant: Option<&str>,
        request: Bytes,
    ) -> impl Future<Output = Result<Outcome, OfferError>> + Send;

    /// Waits as long as a sender is to wait for its answer that was taken already: so that one which
    /// sends as fast as it is answered goes no faster than what comes after. Datagrams, whose
    /// senders wait for no answer, are not held up by it.
    fn pace(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// No room now: the sender keeps its spans and comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Refused {
    /// When to come again.
    pub retry_after: Duration,
    /// What is full, for the sender's log.
    pub why: &'static str,
}

/// Why a request was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// It is broken, and will be the next time too.
    #[error("the request is not a valid ExportTraceServiceRequest: {0}")]
    Malformed(#[from] Malformed),
    /// Not now.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Not now: the tenant has sent as much as it may. Others are taken.
    #[error(transparent)]
    Limited(Refused),
}
