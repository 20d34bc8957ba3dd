//! OTLP: gRPC and HTTP, protobuf and JSON.
//!
//! Specification: <https://opentelemetry.io/docs/specs/otlp/> 1.11. Both transports are answered on
//! every OTLP socket, told apart by path and content type, so that an exporter pointed at the
//! other's port works as well; what differs between 4317 and 4318 is the number.

mod answer;
mod grpc;
mod http;
mod json;
mod route;

use crate::body::Held;
use crate::counters::Counters;
use crate::fault::Fault;
use crate::serve::{self, Settings};
use crate::sink::Sink;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tributary_span::otlp::Outcome;

/// Serves OTLP on `listener` until `stop`; then stops accepting, finishes the requests that run
/// and returns. Whoever cannot wait for that drops the future, which ends them.
pub async fn serve<S: Sink>(
    listener: TcpListener,
    settings: Settings,
    sink: Arc<S>,
    counters: Arc<Counters>,
    stop: CancellationToken,
) {
    let receiver = Arc::new(Receiver { settings, sink, counters });
    let (settings, counters) = (receiver.settings.clone(), Arc::clone(&receiver.counters));
    let handler = move |request| route::answer(Arc::clone(&receiver), request);
    serve::serve(listener, &settings, &counters, handler, stop).await;
}

/// What every request of a socket is served with.
struct Receiver<S> {
    settings: Settings,
    sink: Arc<S>,
    counters: Arc<Counters>,
}

impl<S: Sink> Receiver<S> {
    /// Hands a request to the sink.
    async fn offer(&self, tenant: Option<&str>, held: Held<S::Permit>) -> Result<Outcome, Fault> {
        self.counters.otlp_bytes.add(held.bytes.len() as u64);
        let Held { bytes, permits } = held;
        let outcome = self.sink.offer(tenant, bytes).await?;
        drop(permits);
        Ok(outcome)
    }
}
