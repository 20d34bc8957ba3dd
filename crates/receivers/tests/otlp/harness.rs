//! A receiver on a free port, before a sink that remembers.

use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tributary_receivers::{
    Counters, Listener, OfferError, Protocol, Refused, Settings, Sink, render_metrics, serve,
};
use tributary_settings::Listen;
use tributary_span::columns::Builder;
use tributary_span::otlp::Outcome;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_span::tenant::Header;
use tributary_telemetry::Text;
use tributary_testkit::prometheus::Metrics;

/// What a refusal of the sink tells its sender.
pub(crate) const RETRY_AFTER: Duration = Duration::from_millis(2500);

/// Remembers what it was offered.
pub(crate) struct Memory {
    /// Tenant and bytes of each request that was taken.
    pub(crate) taken: Mutex<Vec<(Option<String>, Bytes)>>,
    /// What it means that senders name tenants.
    pub(crate) tenants: Mutex<Header>,
    /// Refuse to admit anything.
    pub(crate) full: AtomicBool,
    /// Refuse what was admitted.
    pub(crate) refuse: AtomicBool,
    /// Leaves to return from `offer`; plenty unless a test takes them away.
    pub(crate) gate: Semaphore,
    /// Offers begun.
    pub(crate) begun: AtomicUsize,
    held: Arc<AtomicUsize>,
    most: AtomicUsize,
}

pub(crate) struct Permit(usize, Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.1.fetch_sub(self.0, SeqCst);
    }
}

impl Memory {
    fn new() -> Self {
        Memory {
            taken: Mutex::default(),
            tenants: Mutex::new(Header::Optional),
            full: AtomicBool::default(),
            refuse: AtomicBool::default(),
            gate: Semaphore::new(1_000_000),
            begun: AtomicUsize::default(),
            held: Arc::default(),
            most: AtomicUsize::default(),
        }
    }

    /// Bytes that were admitted at the same time at most.
    pub(crate) fn most(&self) -> usize {
        self.most.load(SeqCst)
    }

    /// Bytes admitted now.
    pub(crate) fn held(&self) -> usize {
        self.held.load(SeqCst)
    }

    /// Bytes of the request that was taken last.
    pub(crate) fn last(&self) -> Bytes {
        self.taken.lock().unwrap().last().map(|(_, bytes)| bytes.clone()).unwrap_or_default()
    }
}

impl Sink for Memory {
    type Permit = Permit;

    fn admit(&self, bytes: usize) -> Result<Permit, Refused> {
        if self.full.load(SeqCst) {
            return Err(Refused { retry_after: RETRY_AFTER, why: "the buffer is full" });
        }
        let held = self.held.fetch_add(bytes, SeqCst) + bytes;
        self.most.fetch_max(held, SeqCst);
        Ok(Permit(bytes, Arc::clone(&self.held)))
    }

    async fn tenants(&self) -> Header {
        *self.tenants.lock().unwrap()
    }

    async fn offer(&self, tenant: Option<&str>, request: Bytes) -> Result<Outcome, OfferError> {
        self.begun.fetch_add(1, SeqCst);
        assert!(request.len() <= self.held(), "offered without a permit");
        if self.refuse.load(SeqCst) {
            return Err(Refused { retry_after: RETRY_AFTER, why: "no room behind" }.into());
        }
        self.gate.acquire().await.unwrap().forget();
        let outcome = append_all(&mut Builder::new(), &request, &Limits::default())?;
        self.taken.lock().unwrap().push((tenant.map(str::to_owned), request));
        Ok(outcome)
    }
}

/// A receiver that runs.
pub(crate) struct Server {
    pub(crate) at: SocketAddr,
    pub(crate) sink: Arc<Memory>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Server {
        Server::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Server {
        Server::of(Protocol::Otlp, settings).await
    }

    pub(crate) async fn of(protocol: Protocol, settings: Settings) -> Server {
        let listener = Listener::bind("test", &Listen::read("127.0.0.1:0").unwrap()).unwrap();
        let at = listener.addresses().first().copied().unwrap();
        let sink = Arc::new(Memory::new());
        let counters = Arc::new(Counters::default());
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve(
            protocol,
            listener,
            settings,
            Arc::clone(&sink),
            Arc::clone(&counters),
            stop.clone(),
        ));
        Server { at, sink, counters, stop, task }
    }

    /// The value of a counter, by name and result.
    pub(crate) fn count(&self, name: &str, result: &str) -> u64 {
        let labels = [("result", result)];
        let labels = if result.is_empty() { &[] } else { &labels[..] };
        let metrics = Metrics::parse(&self.metrics()).unwrap();
        let names = [format!("receiver_{name}_total"), format!("receiver_{name}")];
        let found = names.iter().find_map(|name| metrics.sum(name, labels));
        found.unwrap_or_else(|| panic!("no counter {name} {result}")) as u64
    }

    /// All counters that are not zero, for messages.
    pub(crate) fn counts(&self) -> String {
        let text = self.metrics();
        let samples = text.lines().filter(|line| !line.starts_with('#') && !line.ends_with(" 0"));
        samples.collect::<Vec<_>>().join(", ")
    }

    fn metrics(&self) -> String {
        let mut text = Text::new("");
        render_metrics(&mut text, &[("test", &self.counters)]);
        text.into_string()
    }
}
