//! What a stream's sender is told.

use super::age::{Age, Due};
use super::credit::credit_of;
use super::{Announcement, Intake, StreamState};
use futures_util::{Stream, StreamExt, stream::unfold};
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::DropGuard;
use tonic::Status;
use tributary_wire::v1::{self, Reply, Tenants, reply::Kind};

/// While a stream is held its sender is told so this often: one that hears nothing for ten seconds
/// goes elsewhere.
const SIGN_OF_LIFE: Duration = Duration::from_secs(3);

pub(super) type Replies = Pin<Box<dyn Stream<Item = Result<Reply, Status>> + Send>>;

/// The replies of one stream: the welcome, then whatever happens, until all frames of an ended
/// stream are settled.
pub(super) fn replies(
    intake: Arc<Intake>,
    state: Arc<StreamState>,
    tenant: Arc<str>,
    tenants: Tenants,
    number: u32,
) -> Replies {
    let mut telling = Telling {
        announcements: intake.announcements.clone(),
        _teller: state.teller(),
        age: Age::new(intake.max_stream_age, number),
        sign: None,
        intake,
        state,
        tenant,
    };
    let first = Ok(Reply { kind: Some(telling.welcome(tenants)) });
    let rest = unfold(telling, |mut telling| async move {
        let kind = telling.next().await?;
        Some((kind.map(|kind| Reply { kind: Some(kind) }), telling))
    });
    Box::pin(futures_util::stream::iter([first]).chain(rest))
}

/// The replies of a stream that names no tenant, where each has to: what tenants mean, and the end.
pub(super) fn nameless(intake: &Intake) -> Replies {
    let kind = welcome(intake, 0, &intake.announcements.borrow(), Tenants::Named);
    let why = "hello.tenant: none is named, and each stream has to name one here";
    let told = [Ok(Reply { kind: Some(kind) }), Err(Status::invalid_argument(why))];
    Box::pin(futures_util::stream::iter(told))
}

fn welcome(intake: &Intake, credit: u64, told: &Announcement, tenants: Tenants) -> Kind {
    Kind::Welcome(v1::Welcome {
        version: tributary_wire::VERSION,
        credit,
        ingester: intake.name.clone(),
        members: Some(told.members.clone()),
        tenants: tenants.into(),
    })
}

/// Tells one sender.
struct Telling {
    intake: Arc<Intake>,
    state: Arc<StreamState>,
    tenant: Arc<str>,
    announcements: watch::Receiver<Announcement>,
    /// Dropped with the replies, whether all of them were told or not.
    _teller: DropGuard,
    age: Age,
    /// When a sign of life is due, while the stream is held.
    sign: Option<Instant>,
}

/// Payload bytes that a stream may have in flight.
struct Credit {
    /// By what this ingester has room for.
    room: u64,
    /// By that, and by what the tenant has sent.
    told: u64,
}

impl Telling {
    fn welcome(&mut self, tenants: Tenants) -> Kind {
        let credit = self.credit();
        self.state.credited(credit.room);
        welcome(&self.intake, credit.told, &self.announcements.borrow_and_update(), tenants)
    }

    /// The next thing to tell, when there is something. None when there will be nothing more.
    async fn next(&mut self) -> Option<Result<Kind, Status>> {
        loop {
            let credit = self.credit();
            if let Some(kind) = self.state.next_reply(credit.told) {
                if let Ok(Kind::Ack(_)) = &kind {
                    self.state.credited(credit.room);
                }
                return Some(kind);
            }
            if self.state.is_over() {
                return None;
            }
            match self.state.is_held() {
                true => drop(self.sign.get_or_insert_with(|| Instant::now() + SIGN_OF_LIFE)),
                false => self.sign = None,
            }
            let Telling { intake, state, announcements, age, sign, .. } = self;
            tokio::select! {
                biased;
                () = intake.stop.cancelled() => {
                    state.fail(Status::unavailable("the ingester is leaving"));
                }
                () = state.changed() => {}
                changed = announcements.changed() => match changed {
                    Ok(()) => return Some(Ok(announcements.borrow_and_update().reply())),
                    Err(_) => state.fail(Status::unavailable("the ingester is leaving")),
                },
                due = age.due() => match due {
                    Due::Renew => {
                        intake.metrics.streams_aged.inc();
                        return Some(Ok(announcements.borrow().renewal(age.patience())));
                    }
                    Due::End => state.fail(Status::unavailable("the stream is to be opened anew")),
                },
                () = at(*sign) => {
                    *sign = None;
                    if state.is_held() {
                        return Some(Ok(Kind::Credit(v1::Credit { bytes: 0 })));
                    }
                }
            }
        }
    }

    fn credit(&self) -> Credit {
        let Telling { intake, tenant, .. } = self;
        let short = intake.disk.is_short() || intake.memory.is_over_share(tenant);
        let (limit, used) = (intake.memory.limit(), intake.memory.used());
        let room = match short {
            true => 0,
            false => credit_of(limit, used, intake.metrics.streams_open()) as u64,
        };
        // One frame at a time, and none faster than its tenant may send.
        let owes = intake.rates.debt(tenant).is_some();
        Credit { room, told: if owes { 0 } else { room } }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::for_tests::intake;

    #[tokio::test(start_paused = true)]
    async fn a_sender_that_is_held_hears_that_the_ingester_lives() {
        let limits = "tenants: {noisy: {spans_per_second: 1, burst: 1s}}";
        let (mut intake, _frames) = intake(64 << 20, limits);
        let (_announce, announcements) = watch::channel(Announcement::default());
        intake.announcements = announcements;
        let intake = Arc::new(intake);
        let state = intake.new_stream();
        let tenant: Arc<str> = "noisy".into();
        let mut replies = replies(intake.clone(), state.clone(), tenant.clone(), Tenants::One, 0);
        let mut next = async || replies.next().await.unwrap().unwrap().kind.unwrap();
        let Kind::Welcome(welcome) = next().await else { panic!("no welcome") };
        assert!(welcome.credit > 0);
        assert_eq!(welcome.tenants(), Tenants::One);
        intake.rates.charge(&tenant, 61, 1);
        state.hold(true);
        let begun = Instant::now();
        for seconds in [3, 6, 9] {
            assert_eq!(next().await, Kind::Credit(v1::Credit { bytes: 0 }));
            assert_eq!(begun.elapsed().as_secs(), seconds);
        }
        state.arrived(1, 1).unwrap();
        state.durable(1);
        let Kind::Ack(ack) = next().await else { panic!("no acknowledgement") };
        assert_eq!((ack.seq, ack.credit), (1, 0), "one frame at a time");
        // It is the tenant that is slowed down: this ingester is not short of anything.
        assert_eq!(intake.metrics.streams_stalled(), 0);
        state.hold(false);
        let silent = tokio::time::timeout(Duration::from_secs(100), next()).await;
        assert!(silent.is_err(), "{silent:?}");
        state.arrived(2, 1).unwrap();
        state.durable(2);
        let Kind::Ack(ack) = next().await else { panic!("no acknowledgement") };
        assert_eq!((ack.seq, ack.credit), (2, welcome.credit));
    }
}
