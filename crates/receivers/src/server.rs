//! What every request of a socket is served with, whatever its protocol.

use crate::body::Held;
use crate::connections::Settings;
use crate::counters::Counters;
use crate::fault::Fault;
use crate::sink::Sink;
use std::sync::Arc;
use tributary_span::otlp::Outcome;

/// A socket's settings and counters, and where it hands on what it took.
pub(crate) struct Server<S> {
    pub(crate) settings: Settings,
    pub(crate) sink: Arc<S>,
    pub(crate) counters: Arc<Counters>,
}

impl<S: Sink> Server<S> {
    /// Hands a request to the sink.
    pub(crate) async fn offer(
        &self,
        tenant: Option<&str>,
        held: Held<S::Permit>,
    ) -> Result<Outcome, Fault> {
        self.counters.otlp_bytes.add(held.bytes.len() as u64);
        let Held { bytes, permits } = held;
        let outcome = self.sink.offer(tenant, bytes).await?;
        drop(permits);
        self.sink.pace().await;
        Ok(outcome)
    }
}
