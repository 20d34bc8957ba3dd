//! Carries the frames of one lane to the ingester that its group belongs to, through everything
//! that can happen to ingesters.
//!
//! What is sent, settled and sent again is decided by the lane's outbox ([`crate::outbox`]), where
//! to go by the plan ([`crate::route`]). Here is only the work: open a stream, hand frames on,
//! apply replies, and change to another ingester before the old one is let go.

use crate::backoff::Backoff;
use crate::buffer::{Buffer, LaneKey, Meaning, NewLane};
use crate::link::{Connector, Link, LinkError, addresses};
use crate::members::Members;
use crate::random::Rng;
use crate::route::Plan;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, info, warn};
use tributary_wire::v1::reply::Kind;

/// Without a sign of life for so long the frames go elsewhere. Doubles with each time in a row,
/// up to [`LONGEST_PATIENCE`]: when storage itself is down, sending everything to everybody in
/// turn helps nobody.
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST_PATIENCE: Duration = Duration::from_secs(80);
/// How long the old stream's frames may take to be settled before they are sent on the new one.
const HANDOVER: Duration = Duration::from_secs(5);
/// When the end has begun, everything is tried sooner: there is a deadline.
const LAST_PATIENCE: Duration = Duration::from_secs(3);
const LAST_PAUSE: Duration = Duration::from_millis(250);
/// How long others serve the groups of an ingester that could not be reached…
const AWAY_UNREACHABLE: Duration = Duration::from_secs(10);
/// … that did not answer …
const AWAY_SILENT: Duration = Duration::from_secs(30);
/// … that rejected a frame for now.
const AWAY_BUSY: Duration = Duration::from_secs(5);

/// The carrier of one lane.
pub struct Carrier {
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
enum Parting {
    /// Another one takes over.
    For(Box<Link>),
    /// There is nothing more to do.
    Done,
    /// It broke, or ended.
    Broken(Option<LinkError>),
    /// Nothing was heard for too long.
    Silent,
    /// The ingester could not take a frame.
    Busy,
}

type Opening = Pin<Box<dyn Future<Output = Result<Link, LinkError>> + Send>>;

impl Carrier {
    /// For a lane that has work.
    pub fn new(
        lane: NewLane,
        buffer: Arc<Buffer>,
        members: Arc<Members>,
        connector: Connector,
        rng: Rng,
    ) -> Self {
        Carrier {
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

    /// Carries until the lane has nothing left and will get nothing more. May be dropped at any
    /// time: what is not settled stays in the buffer.
    pub async fn run(mut self) {
        while self.work_to_do().await {
            let Some(mut link) = self.open_somewhere().await else { continue };
            loop {
                self.buffer.attach(self.key, link.credit);
                let parting = self.serve(&mut link).await;
                self.buffer.detach(self.key);
                match parting {
                    Parting::For(next) => link = *next,
                    Parting::Done => return,
                    lost => {
                        self.lost(&link.address, &lost).await;
                        break;
                    }
                }
            }
        }
    }

    /// Waits until there is something to carry; false when there never will be again.
    async fn work_to_do(&mut self) -> bool {
        loop {
            let look = self.buffer.look(self.key);
            if look.busy {
                return true;
            }
            if look.retired && self.buffer.retire(self.key) {
                return false;
            }
            self.wake.notified().await;
        }
    }

    /// One try to open a stream, and a pause if it fails.
    async fn open_somewhere(&mut self) -> Option<Link> {
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
            Ok(link) => {
                self.welcomed(&link);
                Some(link)
            }
            Err(error) => {
                self.unreachable(&address, &error);
                self.pause().await;
                None
            }
        }
    }

    fn opening(&self, address: String) -> Opening {
        let (connector, tenant) = (self.connector.clone(), Arc::clone(&self.tenant));
        let lane = self.key.number();
        Box::pin(async move { connector.open(&address, lane, &tenant).await })
    }

    fn welcomed(&self, link: &Link) {
        let (lane, address, ingester) = (self.key.number(), &link.address, &link.ingester);
        info!(lane, %address, %ingester, "stream opened");
        let told = link.members.clone();
        self.members.learn(|directory| {
            directory.here(address);
            directory.told(told);
        });
    }

    fn unreachable(&mut self, address: &str, error: &LinkError) {
        self.buffer.metrics().connect_failures.add(1);
        let lane = self.key.number();
        if self.fruitless == 0 {
            warn!(lane, address, %error, "cannot open a stream");
        } else {
            debug!(lane, address, %error, "cannot open a stream");
        }
        self.fruitless += 1;
        self.away(address, AWAY_UNREACHABLE);
    }

    fn away(&self, address: &str, time: Duration) {
        let alone = self.buffer.gauges().streams == 0;
        self.members.learn(|directory| {
            directory.away(address, Instant::now() + time);
            if alone {
                directory.forget_told();
            }
        });
        self.members.look_again();
    }

    /// A stream was lost, its frames have to go on another one.
    async fn lost(&mut self, address: &str, parting: &Parting) {
        self.buffer.metrics().streams_lost.add(1);
        let lane = self.key.number();
        match parting {
            Parting::Silent => {
                self.silences += 1;
                warn!(lane, address, "the ingester does not answer, going elsewhere");
                self.away(address, AWAY_SILENT);
            }
            Parting::Busy => {
                debug!(lane, address, "the ingester cannot take spans now, going elsewhere");
                self.away(address, AWAY_BUSY);
            }
            Parting::Broken(error) => {
                let error = error.as_ref().map(ToString::to_string).unwrap_or_default();
                info!(lane, address, error, "stream ended");
                // Once may be a restart. A stream that never leads to anything is no use.
                if self.fruitless > 1 {
                    self.away(address, AWAY_UNREACHABLE);
                }
                self.members.look_again();
            }
            Parting::For(_) | Parting::Done => return,
        }
        self.fruitless += 1;
        self.pause().await;
    }

    /// Between two tries.
    async fn pause(&mut self) {
        let pause = self.backoff.wait();
        let closed = self.buffer.closed();
        if closed.is_cancelled() {
            sleep(pause.min(LAST_PAUSE)).await;
        } else {
            // Cut short or not: it is time to try again.
            let _: Option<()> = closed.run_until_cancelled(sleep(pause)).await;
        }
    }

    /// Uses a stream for as long as it is the right one.
    async fn serve(&mut self, link: &mut Link) -> Parting {
        // The stream that is to take over: being opened, or open and waiting until what is in
        // flight on this one is settled, or until the time for that is over.
        let mut opening: Option<(String, Opening)> = None;
        let mut next: Option<(Link, Instant)> = None;
        let mut try_again: Option<Instant> = None;
        let mut leave_by: Option<Instant> = None;
        loop {
            let look = self.buffer.look(self.key);
            if let Some((open, deadline)) = next.take() {
                let waiting = look.waiting_since.is_some() && Instant::now() < deadline;
                if !waiting {
                    return Parting::For(Box::new(open));
                }
                next = Some((open, deadline));
            }
            if look.retired && !look.busy && self.buffer.retire(self.key) {
                return Parting::Done;
            }
            if next.is_none() && opening.is_none() && try_again.is_none() {
                opening = self.better_place(&link.address).map(|a| (a.clone(), self.opening(a)));
            }
            let silent_at = look.waiting_since.map(|since| since + self.patience());
            tokio::select! {
                biased;
                reply = link.replies.next() => match reply {
                    Ok(Some(kind)) => match self.apply(&link.address, &kind, &mut leave_by) {
                        Meaning::Settled => {}
                        Meaning::GoElsewhere => return Parting::Busy,
                    },
                    Ok(None) => return Parting::Broken(None),
                    Err(error) => return Parting::Broken(Some(error)),
                },
                place = link.frames.reserve(), if look.may_send && next.is_none() => match place {
                    Ok(place) => if let Some(frame) = self.buffer.send(self.key) {
                        place.send(frame);
                    },
                    Err(_) => return Parting::Broken(None),
                },
                (address, opened) = opened(&mut opening) => {
                    opening = None;
                    match opened {
                        Ok(open) => {
                            self.welcomed(&open);
                            let deadline = Instant::now() + HANDOVER;
                            next = Some((open, leave_by.map_or(deadline, |by| by.min(deadline))));
                        }
                        Err(error) => {
                            self.unreachable(&address, &error);
                            try_again = Some(Instant::now() + self.backoff.wait());
                        }
                    }
                }
                // A new plan is looked at when the loop comes round.
                Ok(()) = self.plan.changed() => {}
                () = self.wake.notified() => {}
                () = at(try_again) => try_again = None,
                () = at(next.as_ref().map(|(_, deadline)| *deadline)) => {}
                () = at(silent_at) => return Parting::Silent,
            }
        }
    }

    fn patience(&self) -> Duration {
        if self.buffer.closed().is_cancelled() {
            return LAST_PATIENCE;
        }
        PATIENCE.saturating_mul(2_u32.saturating_pow(self.silences)).min(LONGEST_PATIENCE)
    }

    /// Where the lane should rather go than to `here`.
    fn better_place(&mut self, here: &str) -> Option<String> {
        let plan = self.plan.borrow_and_update();
        let target = plan.target(self.key.group(), self.fruitless)?;
        (target != here && !plan.is_away(target)).then(|| target.to_owned())
    }

    fn apply(&mut self, address: &str, kind: &Kind, leave_by: &mut Option<Instant>) -> Meaning {
        match kind {
            Kind::Ack(_) => {
                (self.fruitless, self.silences) = (0, 0);
                self.backoff.reset();
            }
            Kind::Drain(drain) => {
                let deadline = Duration::from_millis(u64::from(drain.deadline_ms));
                let by = Instant::now() + deadline;
                info!(
                    lane = self.key.number(),
                    address,
                    ?deadline,
                    "the ingester is about to leave"
                );
                *leave_by = Some(by);
                let told = addresses(drain.members.clone());
                self.members.learn(|directory| {
                    directory.told(told);
                    // A little longer: its successor at the same address starts after it.
                    directory.leaving(address, by + Duration::from_secs(1));
                });
                self.members.look_again();
            }
            Kind::Members(members) => {
                let told = addresses(Some(members.clone()));
                self.members.learn(|directory| directory.told(told));
            }
            Kind::Welcome(_) | Kind::Reject(_) | Kind::Credit(_) => {}
        }
        self.buffer.reply(self.key, kind)
    }
}

/// The end of an opening, if there is one under way.
async fn opened(opening: &mut Option<(String, Opening)>) -> (String, Result<Link, LinkError>) {
    match opening {
        Some((address, opening)) => {
            let opened = opening.as_mut().await;
            (std::mem::take(address), opened)
        }
        None => pending().await,
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}
