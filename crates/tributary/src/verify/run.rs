//! The task that writes and looks: what is due is decided by [`super::ledger`] and [`super::plan`].

use super::ask::Reader;
use super::case::Case;
use super::ledger::{Finding, Ledger, Outcome, Seen};
use super::past::{Notes, REMEMBERED};
use super::plan::{Plan, Protocol};
use super::send::{NotTaken, Senders};
use super::stage::{Stage, oldest};
use super::tally::{Tally, line};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Looks that go on at a time.
const LOOKS: usize = 8;
/// Between two looks at the clock.
const TICK: Duration = Duration::from_millis(50);
/// How long a trace that is not taken is sent again, and how often.
const SEND_FOR: Duration = Duration::from_secs(30);
const SEND_AGAIN: Duration = Duration::from_millis(500);

/// A verifier at work.
pub(crate) struct Run {
    pub(crate) plan: Plan,
    pub(crate) stages: Vec<Stage>,
    pub(crate) senders: Senders,
    pub(crate) reader: Reader,
    pub(crate) tally: Arc<Tally>,
    /// How many traces are written; none: without end.
    pub(crate) most: Option<u64>,
    /// Time since 1970.
    pub(crate) clock: fn() -> Duration,
    /// Told each line that a person should read.
    pub(crate) say: fn(&str),
}

/// A part of a trace, sent: all of it or one of its halves.
struct Sent {
    slot: u64,
    outcome: Result<(), NotTaken>,
}

/// How far a trace is sent.
struct Parts {
    /// Parts of it of which it is not known whether they were taken.
    left: u8,
    /// Whether all others were.
    is_taken: bool,
}

/// What of this run changes.
struct State {
    ledger: Ledger,
    /// The first slot that was written, and the next one.
    since: u64,
    next: u64,
    /// Slots of this run that are not acknowledged, as far back as notes tell.
    not_acknowledged: BTreeSet<u64>,
    /// Traces that are being sent, by their slots.
    parts: BTreeMap<u64, Parts>,
    /// Second halves, by the slot in which they are sent: whose they are.
    halves: BTreeMap<u64, u64>,
    /// Whether what is not taken was told.
    is_told: bool,
    /// Which kind of answer that fails was told last, and no other since.
    told: Option<Outcome>,
}

impl Run {
    /// Writes and looks until `stop`, or until all that is to be written was looked at.
    pub(crate) async fn run(self, stop: CancellationToken) {
        stop.clone().run_until_cancelled(self.work()).await;
    }

    async fn work(&self) {
        let first = self.plan.slot((self.clock)()) + 1;
        let mut state = State {
            ledger: Ledger::new(self.stages.clone()),
            since: first,
            next: first,
            not_acknowledged: BTreeSet::new(),
            parts: BTreeMap::new(),
            halves: BTreeMap::new(),
            is_told: false,
            told: None,
        };
        if self.most.is_none() {
            self.remember(&mut state).await;
        }
        let mut sending: JoinSet<Sent> = JoinSet::new();
        let mut looking: JoinSet<(u64, Seen)> = JoinSet::new();
        loop {
            let now = (self.clock)();
            self.write(&mut state, now, &mut sending);
            for (slot, stage) in state.ledger.due(now, LOOKS.saturating_sub(looking.len())) {
                let (case, reader) = (Case::of(&self.plan, slot), self.reader.clone());
                looking.spawn(async move { (slot, reader.look(&case, stage.look).await) });
            }
            self.tally.owed.set(i64::try_from(state.ledger.len()).unwrap_or(i64::MAX));
            let is_written = self.most.is_some_and(|most| state.next - state.since >= most);
            if is_written
                && sending.is_empty()
                && state.halves.is_empty()
                && state.ledger.len() == 0
            {
                return;
            }
            tokio::select! {
                Some(Ok(sent)) = sending.join_next() => self.sent(&mut state, sent),
                Some(Ok((slot, seen))) = looking.join_next() => {
                    if let Some(finding) = state.ledger.seen(slot, (self.clock)(), seen) {
                        self.found(&mut state, &finding);
                    }
                }
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    /// Begins to send what is due.
    fn write(&self, state: &mut State, now: Duration, sending: &mut JoinSet<Sent>) {
        let slot = self.plan.slot(now);
        while let Some((due, whose)) = state.halves.first_key_value().map(|(d, w)| (*d, *w))
            && due <= slot
        {
            state.halves.remove(&due);
            let mut case = Case::of(&self.plan, whose);
            let half = case.spans.split_off(case.first.min(case.spans.len()));
            self.send(sending, whose, case.kind.protocol(), half);
        }
        let is_done = self.most.is_some_and(|most| state.next - state.since >= most);
        if is_done || slot < state.next {
            return;
        }
        // A process that stood still leaves slots out.
        let at = if self.most.is_some() { state.next } else { slot };
        state.not_acknowledged.extend(state.next.max(at.saturating_sub(REMEMBERED))..=at);
        state.not_acknowledged.retain(|slot| slot + REMEMBERED >= at);
        state.next = at + 1;
        let mut case = Case::of(&self.plan, at);
        let notes = Notes { since: state.since, not_acknowledged: state.not_acknowledged.clone() };
        case.note(notes.attributes(at));
        let is_last = case.first >= case.spans.len();
        state.parts.insert(at, Parts { left: if is_last { 1 } else { 2 }, is_taken: true });
        if !is_last {
            state.halves.insert(case.last_slot(), at);
        }
        case.spans.truncate(case.first);
        self.send(sending, at, case.kind.protocol(), case.spans);
    }

    fn send(
        &self,
        sending: &mut JoinSet<Sent>,
        slot: u64,
        by: Protocol,
        spans: Vec<super::span::Span>,
    ) {
        let senders = self.senders.clone();
        sending.spawn(async move {
            let started = tokio::time::Instant::now();
            let outcome = loop {
                match senders.send(by, &spans).await {
                    Err(why) if why.passes && started.elapsed() < SEND_FOR => {
                        tokio::time::sleep(SEND_AGAIN).await;
                    }
                    outcome => break outcome,
                }
            };
            Sent { slot, outcome }
        });
    }

    fn sent(&self, state: &mut State, sent: Sent) {
        let Some(mut parts) = state.parts.remove(&sent.slot) else { return };
        parts.left -= 1;
        match sent.outcome {
            Ok(()) => state.is_told = false,
            Err(why) => {
                parts.is_taken = false;
                // Without this half the other one is not sent any more.
                let waiting = state.halves.len();
                state.halves.retain(|_, whose| *whose != sent.slot);
                if state.halves.len() < waiting {
                    parts.left -= 1;
                }
                if !std::mem::replace(&mut state.is_told, true) {
                    (self.say)(&format!("not taken: trace {}: {why}", self.plan.trace(sent.slot)));
                }
            }
        }
        if parts.left > 0 {
            state.parts.insert(sent.slot, parts);
            return;
        }
        self.tally.written(self.plan.kind(sent.slot).protocol(), parts.is_taken);
        if parts.is_taken {
            let now = (self.clock)();
            state.not_acknowledged.remove(&sent.slot);
            state.ledger.add(sent.slot, now, false, now);
        }
    }

    /// Answers that fail are told once, until one comes again.
    fn found(&self, state: &mut State, finding: &Finding) {
        self.tally.found(finding);
        let fails = matches!(finding.outcome, Outcome::Unanswered | Outcome::Denied);
        let failure = fails.then_some(finding.outcome);
        let is_said = std::mem::replace(&mut state.told, failure) == failure && fails;
        if !finding.told.is_empty() && !is_said {
            (self.say)(&line(&self.plan, finding));
        }
    }

    /// Asks for what earlier runs wrote, the newest first, and owes what their traces vouch for.
    async fn remember(&self, state: &mut State) {
        let back = self.plan.slot(oldest(&self.stages)).min(REMEMBERED);
        let oldest = state.since.saturating_sub(back);
        let mut at = state.since;
        let mut vouched = BTreeSet::new();
        while at > oldest {
            at -= 1;
            match self.reader.notes(self.plan.trace(at)).await {
                Ok(None) => {}
                Ok(Some(notes)) => {
                    let at_once = self.plan.kind(at).slots_to_last() == 0;
                    vouched.extend(notes.vouches_for(at, at_once).filter(|slot| *slot >= oldest));
                    at = at.min(notes.since);
                }
                Err(why) => {
                    (self.say)(&format!("what was written before is not known: {why:#}"));
                    break;
                }
            }
        }
        let now = (self.clock)();
        for slot in vouched {
            let last = slot.saturating_add(self.plan.kind(slot).slots_to_last());
            state.ledger.add(slot, self.plan.begin(last).min(now), true, now);
        }
    }
}
