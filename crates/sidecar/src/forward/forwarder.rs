//! Forwards the frames of one lane to the ingester that its group belongs to, through everything
//! that can happen to ingesters.
//!
//! What is sent, settled and sent again is decided by the lane's outbox, where to go by the plan
//! ([`crate::route`]). Here is only the work: open a stream, use it ([`serve`]), and open another
//! one when it ends.

mod serve;

use super::stream::{Connector, IngestStream, Refused, StreamError};
use crate::backoff::{self, Backoff};
use crate::buffer::{Buffer, LaneKey, NewLane};
use crate::random::Rng;
use crate::route::{Members, Plan};
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};
use tributary_telemetry::ErrorChain;

/// When the end has begun, everything is tried sooner: there is a deadline.
const LAST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause after an ingester did not let this sidecar in: what has to change is a setting or
/// a token, and the other ingesters say the same.
const LONGEST_REFUSED: Duration = Duration::from_secs(60);
/// How long others serve the groups of an ingester that could not be reached…
const AWAY_UNREACHABLE: Duration = Duration::from_secs(10);
/// … that did not answer …
const AWAY_SILENT: Duration = Duration::from_secs(30);
/// … that rejected a frame for now.
const AWAY_BUSY: Duration = Duration::from_secs(5);

/// The forwarder of one lane.
pub(crate) struct Forwarder {
    buffer: Arc<Buffer>,
    members: Arc<Members>,
    connector: Connector,
    key: LaneKey,
    tenant: Arc<str>,
    wake: Arc<Notify>,
    plan: watch::Receiver<Arc<Plan>>,
    backoff: Backoff,
    /// Tries in a row that no acknowledgement came of.
    fruitless: usize,
    /// Times in a row that an ingester fell silent.
    silences: u32,
}

/// Why a stream is no longer used.
enum StreamEnd {
    /// Another one takes over.
    HandOver(Box<IngestStream>),
    /// The lane has nothing left, and will get nothing more.
    Done,
    /// It is to be opened anew, and there is nothing to send.
    Rest,
    /// It broke, or the ingester ended it.
    Broken(Option<StreamError>),
    /// Nothing was heard for too long.
    Silent,
    /// The ingester could not take a frame.
    Busy,
}

type Opening = Pin<Box<dyn Future<Output = Result<IngestStream, StreamError>> + Send>>;

impl Forwarder {
    /// For a lane that has work.
    pub(crate) fn new(
        lane: NewLane,
        buffer: Arc<Buffer>,
        members: Arc<Members>,
        connector: Connector,
        rng: Rng,
    ) -> Self {
        Forwarder {
            plan: members.plan(),
            buffer,
            members,
            connector,
            key: lane.key,
            tenant: lane.tenant,
            wake: lane.wake,
            backoff: Backoff::new(rng),
            fruitless: 0,
            silences: 0,
        }
    }

    /// Forwards until the lane has nothing left and will get nothing more. May be dropped at any
    /// time: what is not settled stays in the buffer.
    pub(crate) async fn run(mut self) {
        while self.work_to_do().await {
            let Some(mut stream) = self.open_somewhere().await else { continue };
            loop {
                self.buffer.attach(self.key, stream.credit);
                let end = self.serve(&mut stream).await;
                self.buffer.detach(self.key);
                match end {
                    StreamEnd::HandOver(next) => stream = *next,
                    StreamEnd::Done => return,
                    StreamEnd::Rest => break,
                    lost => {
                        self.lost(&stream.address, &lost).await;
                        break;
                    }
                }
            }
        }
    }

    /// Waits until there is something to forward; false when there never will be again.
    async fn work_to_do(&mut self) -> bool {
        loop {
            let lane = self.buffer.status(self.key);
            if lane.busy {
                return true;
            }
            if lane.retired && self.buffer.retire(self.key) {
                return false;
            }
            self.wake.notified().await;
        }
    }

    /// One try to open a stream, and a pause if it fails.
    async fn open_somewhere(&mut self) -> Option<IngestStream> {
        let target = self
            .plan
            .borrow_and_update()
            .target(self.key.group(), self.fruitless)
            .map(str::to_owned);
        let Some(address) = target else {
            // The names are being looked up, again and again if need be.
            if self.plan.changed().await.is_err() {
                pending::<()>().await;
            }
            return None;
        };
        match self.opening(address.clone()).await {
            Ok(stream) => {
                self.welcomed(&stream);
                Some(stream)
            }
            Err(error) => {
                let longest = self.unreachable(&address, &error);
                self.pause(longest).await;
                None
            }
        }
    }

    fn opening(&self, address: String) -> Opening {
        let (connector, tenant) = (self.connector.clone(), Arc::clone(&self.tenant));
        let lane = self.key.number();
        Box::pin(async move { connector.open(&address, lane, &tenant).await })
    }

    fn welcomed(&self, stream: &IngestStream) {
        let (lane, address, ingester) = (self.key.number(), &stream.address, &stream.ingester);
        info!(lane, %address, %ingester, "stream opened");
        self.connector.let_in();
        self.buffer.tenancy().told(stream.tenants);
        let told = stream.members.clone();
        self.members.learn(|directory| {
            directory.here(address);
            directory.told(told);
        });
    }

    /// A stream could not be opened. The longest pause before the next try.
    fn unreachable(&mut self, address: &str, error: &StreamError) -> Duration {
        if let Some(refused) = error.refused() {
            self.refused(address, refused, error);
            return LONGEST_REFUSED;
        }
        self.buffer.metrics().connect_failures.inc();
        let (lane, error) = (self.key.number(), ErrorChain(error));
        if self.fruitless == 0 {
            warn!(lane, address, %error, "cannot open a stream");
        } else {
            debug!(lane, address, %error, "cannot open a stream");
        }
        self.fruitless += 1;
        self.away(address, AWAY_UNREACHABLE);
        backoff::LONGEST
    }

    /// An ingester does not let this sidecar in. It is said once for all lanes, until one is let in;
    /// what is counted tells how often.
    fn refused(&mut self, address: &str, refused: Refused, error: &StreamError) {
        let metrics = self.buffer.metrics();
        match refused {
            Refused::Unauthenticated => metrics.refused_unauthenticated.inc(),
            Refused::PermissionDenied => metrics.refused_permission_denied.inc(),
            Refused::Token => metrics.refused_token.inc(),
        }
        let (lane, error) = (self.key.number(), ErrorChain(error));
        if self.connector.first_refusal() {
            warn!(lane, address, %error, "not let in; spans stay here, and it is tried again");
        } else {
            debug!(lane, address, %error, "not let in");
        }
    }

    fn away(&self, address: &str, time: Duration) {
        let alone = self.buffer.gauges().streams == 0;
        self.members.learn(|directory| {
            directory.away(address, Instant::now() + time);
            if alone {
                directory.forget_told();
            }
        });
        self.members.request_lookup();
    }

    /// A stream was lost, its frames have to go on another one.
    async fn lost(&mut self, address: &str, end: &StreamEnd) {
        self.buffer.metrics().streams_lost.inc();
        let lane = self.key.number();
        match end {
            StreamEnd::Silent => {
                self.silences += 1;
                warn!(lane, address, "the ingester does not answer, going elsewhere");
                self.away(address, AWAY_SILENT);
            }
            StreamEnd::Busy => {
                debug!(lane, address, "the ingester cannot take spans now, going elsewhere");
                self.away(address, AWAY_BUSY);
            }
            StreamEnd::Broken(error) => {
                let error = error.as_ref().map(|error| ErrorChain(error).to_string());
                info!(lane, address, error, "stream ended");
                // Once may be a restart. A stream that never leads to anything is no use.
                if self.fruitless > 1 {
                    self.away(address, AWAY_UNREACHABLE);
                }
                self.members.request_lookup();
            }
            StreamEnd::HandOver(_) | StreamEnd::Done | StreamEnd::Rest => return,
        }
        self.fruitless += 1;
        self.pause(backoff::LONGEST).await;
    }

    /// Between two tries.
    async fn pause(&mut self, longest: Duration) {
        let pause = self.backoff.wait_up_to(longest);
        let closed = self.buffer.closed();
        if closed.is_cancelled() {
            sleep(pause.min(LAST_PAUSE)).await;
        } else {
            // Cut short or not: it is time to try again.
            let _: Option<()> = closed.run_until_cancelled(sleep(pause)).await;
        }
    }
}
