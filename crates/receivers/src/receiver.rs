//! A socket that receives: which protocol it speaks, and where what it takes goes.

use crate::body::Held;
use crate::counters::Counters;
use crate::fault::Fault;
use crate::jaeger::sampling::Strategy;
use crate::route;
use crate::serve::{self, Settings};
use crate::sink::Sink;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tributary_span::otlp::Outcome;

/// What a TCP socket speaks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Protocol {
    /// OTLP, over gRPC and HTTP alike.
    Otlp,
    /// Jaeger's Thrift over HTTP.
    JaegerHttp,
    /// Jaeger's gRPC: spans, and the sampling strategy.
    JaegerGrpc(Strategy),
    /// What Jaeger's clients ask their agent: sampling strategy and baggage restrictions.
    JaegerSampling(Strategy),
    /// Zipkin v1 and v2.
    Zipkin,
}

/// Serves `protocol` on `listener` until `stop`; then stops accepting, finishes the requests that
/// run and returns. Whoever cannot wait for that drops the future, which ends them.
pub async fn serve<S: Sink>(
    protocol: Protocol,
    listener: TcpListener,
    settings: Settings,
    sink: Arc<S>,
    counters: Arc<Counters>,
    stop: CancellationToken,
) {
    let receiver = Arc::new(Receiver { protocol, settings, sink, counters });
    let (settings, counters) = (receiver.settings.clone(), Arc::clone(&receiver.counters));
    // One handler for all protocols: each kind of handler would link all of hyper once more.
    let handler = move |request| route::answer(Arc::clone(&receiver), request);
    serve::serve(listener, &settings, &counters, handler, stop).await;
}

/// What every request of a socket is served with.
pub(crate) struct Receiver<S> {
    pub(crate) protocol: Protocol,
    pub(crate) settings: Settings,
    pub(crate) sink: Arc<S>,
    pub(crate) counters: Arc<Counters>,
}

impl<S: Sink> Receiver<S> {
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
        Ok(outcome)
    }
}
