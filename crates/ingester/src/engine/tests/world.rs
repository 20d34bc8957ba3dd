//! One order of what may happen to an owner, an adopter and a query, from the start to the end.

use super::books::Books;
use super::gate::{Client, FAULTS, Gate, Key, digest};
use super::idle::Idle;
use super::mutant::{self, Mutant};
use super::process::{self, Process};
use super::reader::{Ledger, Reader, in_store, wanting};
use super::search::{Choice, Search};
use super::setting::{Fault, Place, Setting};
use crate::engine::tasks::Tasks;
use crate::memory::MemoryUsage;
use crate::receive::PendingFrame;
use crate::receive::direct::DirectSink;
use crate::upkeep::Upkeep;
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tributary_journal::{EpochId, Journal};
use tributary_query::api::Found;
use tributary_receivers::Sink;
use tributary_testkit::bucket::{InMemory, Operation, Outcome, Request};

/// Something that may happen next.
#[derive(Debug, Clone)]
enum Action {
    /// A frame comes to the journal.
    Admit,
    /// Memory is short.
    Evict,
    /// The clock's hour changes.
    Hour,
    /// Pauses before another attempt are over.
    Pause,
    /// A request goes on.
    Go(Key, Request, Outcome),
}

impl Action {
    fn label(&self) -> String {
        let Action::Go((client, _), Request { operation, path }, outcome) = self else {
            return format!("{self:?}");
        };
        let words: Vec<&str> = path.rsplitn(3, '/').take(2).collect();
        let how = if *outcome == Outcome::Done { String::new() } else { format!(" {outcome:?}") };
        let name: Vec<&str> = words.into_iter().rev().collect();
        format!("{client:?} {operation:?} {}{how}", name.join("/"))
    }
}

pub(super) struct World<'s> {
    setting: &'s Setting,
    gate: Arc<Gate>,
    ledger: Arc<Ledger>,
    owner: Process,
    adopter: Option<Process>,
    upkeep: Arc<Upkeep>,
    /// Frames that have not come yet.
    frames: VecDeque<PendingFrame>,
    journal_queue: mpsc::Sender<PendingFrame>,
    writer: JoinSet<Result<(), String>>,
    flusher: JoinSet<Result<(), String>>,
    /// Dropped with this.
    _others: JoinSet<()>,
    drain_segments: CancellationToken,
    drain_blocks: CancellationToken,
    evictions: u32,
    faults: u32,
    pauses: u32,
    hour: bool,
    schedule: Vec<String>,
}

impl<'s> World<'s> {
    /// Runs one order, as `search` chooses it. `books` are those of buckets that were balanced
    /// before.
    ///
    /// # Errors
    /// When something goes wrong that must not.
    pub(super) async fn run(
        setting: &'s Setting,
        idle: Arc<Idle>,
        search: &mut Search,
        books: &mut HashSet<u64>,
    ) -> Result<(), Fault> {
        let mut world = World::open(setting).await;
        loop {
            idle.wait().await;
            // First: what went wrong is not seen from the state.
            world.nothing_went_wrong()?;
            let paths = world.gate.paths().await;
            let actions = world.actions();
            if actions.is_empty() {
                break;
            }
            match search.choose(world.fingerprint(&paths), actions.len()) {
                Choice::Enough => return Ok(()),
                Choice::Take(at, is_new) => {
                    if is_new {
                        world.check(books).await?;
                    }
                    world.take(actions[at].clone(), &paths).await;
                }
            }
        }
        world.finish(books).await
    }

    async fn open(setting: &'s Setting) -> World<'s> {
        let gate = Gate::new(Arc::new(InMemory::new()), setting.mutant);
        if setting.floor {
            raise_floor(&gate).await;
        }
        let (owner, tasks) = process::open(&gate, Client::Flusher, 1 << 8).await;
        if setting.mutant == Some(Mutant::BornRetired) {
            raise_floor(&gate).await;
        }
        let Tasks { segment_writer, mut frames, flusher, upkeep, .. } = tasks;
        let ledger = Arc::new(Ledger::default());
        let mut others = JoinSet::new();
        let mut waiting = VecDeque::new();
        for n in 1..=setting.segments {
            // Each by a stream of its own, so that each is acknowledged by itself.
            let (sink, acked) = (DirectSink::new(owner.intake.clone()), ledger.clone());
            others.spawn(async move {
                match sink.offer(Some(super::reader::TENANT), super::setting::request(n)).await {
                    Ok(_) => drop(acked.acked.lock().unwrap().insert(n)),
                    Err(error) => acked.fault(format!("span {n} was refused: {error:?}")),
                }
            });
            waiting.push_back(frames.recv().await.unwrap());
        }
        let mut epochs: BTreeSet<EpochId> = owner.live.epochs().into_iter().collect();
        if !setting.hour {
            // The next one stays without a segment.
            epochs.pop_last();
        }
        let (drain_segments, drain_blocks) = (CancellationToken::new(), CancellationToken::new());
        let stop = CancellationToken::new();
        let (journal_queue, frames) = mpsc::channel(8);
        if !setting.hour {
            waiting.drain(..).for_each(|frame| journal_queue.try_send(frame).unwrap());
        }
        let mut adopter = None;
        let mut adopts = None;
        if setting.adopter {
            let (process, tasks) = process::open(&gate, Client::Adopter, 2 << 8).await;
            (adopter, adopts) = (Some(process), Some(tasks.upkeep.adopter));
        }
        let reader = match setting.reader {
            Some(place) => Some(reader(&gate, place, &owner, adopter.as_ref(), &epochs).await),
            None => None,
        };
        tokio::time::advance(Duration::from_nanos(1)).await;
        gate.set_open(false);

        let mut writer = JoinSet::new();
        let runs = segment_writer.run(frames, drain_segments.clone(), stop.clone());
        writer.spawn(async { runs.await.map_err(|error| format!("the writer ends: {error:?}")) });
        let mut flushes = JoinSet::new();
        let drain = drain_blocks.clone();
        let wrong = setting.mutant.filter(|m| matches!(m, Mutant::WonApart | Mutant::DeletesFirst));
        flushes.spawn(async move {
            let ended = match wrong {
                Some(mutant) => mutant::flush(flusher, mutant, drain).await,
                None => flusher.run(drain, stop).await,
            };
            ended.map_err(|error| format!("a commit is refused: {error:?}"))
        });
        others.spawn(owner.deleter.clone().run(CancellationToken::new()));
        let upkeep = Arc::new(upkeep);
        let adopts_lost = upkeep.clone();
        others.spawn(async move {
            loop {
                adopts_lost.epoch_lost.notified().await;
                adopts_lost.adopt_lost().await;
            }
        });
        if let (Some(adopter), Some(&epoch)) = (adopts, epochs.first()) {
            let (gate, ledger, mutant) = (gate.clone(), ledger.clone(), setting.mutant);
            others.spawn(async move {
                gate.pass(Client::Adopter, "the owner is suspected").await;
                let adopted = match mutant {
                    Some(mutant @ (Mutant::CoversUnread | Mutant::RowsOfOthers)) => {
                        mutant::adopt(&adopter, &epoch, mutant).await
                    }
                    _ => adopter.adopt(&epoch).await.map(drop),
                };
                gate.is_done(Client::Adopter);
                if let Err(error) = adopted.map_err(|error| (error.is_transient(), error))
                    && !error.0
                {
                    ledger.fault(format!("a commit is refused: {:?}", error.1));
                }
            });
        }
        if let Some(reader) = reader {
            others.spawn(reader.run(gate.clone(), ledger.clone(), setting.mutant));
        }
        World {
            setting,
            gate,
            ledger,
            owner,
            adopter,
            upkeep,
            frames: waiting,
            journal_queue,
            writer,
            flusher: flushes,
            _others: others,
            drain_segments,
            drain_blocks,
            evictions: setting.evictions,
            faults: setting.faults,
            pauses: 0,
            hour: setting.hour,
            schedule: Vec::new(),
        }
    }

    /// All that may happen now.
    fn actions(&self) -> Vec<Action> {
        let waiting = self.gate.waiting();
        let mut actions: Vec<Action> = Vec::new();
        for (key, request) in waiting {
            if self.faults > 0 && request.operation == Operation::Create {
                actions.extend(FAULTS.map(|fault| Action::Go(key, request.clone(), fault)));
            }
            actions.push(Action::Go(key, request, Outcome::Done));
        }
        if !self.frames.is_empty() {
            actions.push(Action::Admit);
        }
        if self.evictions > 0 && self.owner.live.totals().bytes > 0 {
            actions.push(Action::Evict);
        }
        if self.hour {
            actions.push(Action::Hour);
        }
        if self.pauses > 0 {
            actions.push(Action::Pause);
        }
        actions
    }

    async fn take(&mut self, action: Action, paths: &BTreeSet<String>) {
        self.schedule.push(action.label());
        // No two things happen at the same time.
        tokio::time::advance(Duration::from_nanos(1)).await;
        match action {
            Action::Admit => {
                let frame = self.frames.pop_front().unwrap();
                self.journal_queue.try_send(frame).unwrap();
            }
            Action::Evict => {
                self.evictions -= 1;
                self.evict();
            }
            Action::Hour => {
                self.hour = false;
                tokio::time::advance(Duration::from_secs(3600)).await;
            }
            Action::Pause => {
                self.pauses -= 1;
                tokio::time::advance(Duration::from_secs(2)).await;
            }
            Action::Go(key, request, outcome) => {
                if outcome != Outcome::Done {
                    self.faults -= 1;
                    self.pauses += 2;
                }
                let there: Vec<&String> =
                    paths.iter().filter(|path| path.starts_with(&request.path)).collect();
                let shared = self.shared(key.0, &request, paths);
                self.gate.release(key, outcome, digest((there, shared)));
            }
        }
    }

    /// The evictor's work, when memory is as short as can be.
    fn evict(&self) {
        let short = MemoryUsage { limit: 16, used: 16, wanted: 16 };
        match self.setting.mutant {
            Some(Mutant::WonApart) => self.owner.live.evict_by_place(true),
            Some(Mutant::ByPlace) => self.owner.live.evict_by_place(false),
            _ => while self.owner.live.make_room(short, 1).is_some() {},
        }
    }

    /// What a request's client sees of memory that it shares with others, and of the blocks that are
    /// known there: these have been seen to have a meta.
    fn shared(&self, client: Client, request: &Request, paths: &BTreeSet<String>) -> u64 {
        let metas: Vec<_> = paths.iter().filter(|path| path.ends_with("meta.json")).collect();
        let adopters = || self.adopter.as_ref().map(|adopter| adopter.live.fingerprint());
        match (client, self.setting.reader) {
            (Client::Upkeep, _) => digest(self.owner.live.lost_epochs()),
            (Client::Reader, _) if request.path.ends_with("peer") => digest((metas, self.memory())),
            (Client::Reader, Some(Place::Owner)) => digest((metas, self.owner.live.fingerprint())),
            (Client::Reader, Some(Place::Adopter)) => digest((metas, adopters())),
            _ => 0,
        }
    }

    /// What the processes have in memory, as far as another task sees it.
    fn memory(&self) -> u64 {
        let adopter = self.adopter.as_ref().map(|adopter| adopter.live.fingerprint());
        digest((self.owner.live.fingerprint(), adopter))
    }

    /// What stands for the state: two that have the same go on in the same ways.
    fn fingerprint(&self, paths: &BTreeSet<String>) -> u64 {
        let left = (self.evictions, self.faults, self.pauses, self.hour, self.frames.len());
        let waiting: Vec<_> =
            self.gate.waiting().into_iter().map(|(key, r)| (key, r.path)).collect();
        let acked = self.ledger.acked();
        digest((paths, self.gate.histories(), self.memory(), left, waiting, acked))
    }

    /// No task has failed, no answer was wrong.
    fn nothing_went_wrong(&mut self) -> Result<(), Fault> {
        while let Some(ended) = self.writer.try_join_next().or_else(|| self.flusher.try_join_next())
        {
            if let Err(what) = ended.unwrap() {
                return Err(self.fault(what));
            }
        }
        if let Some(what) = self.ledger.faults.lock().unwrap().pop() {
            return Err(self.fault(what));
        }
        if !self.setting.adopter && self.owner.metrics.slots_lost.get() > 0 {
            let what = "a commit is refused: the owner's slot is void".to_owned();
            return Err(self.fault(what));
        }
        Ok(())
    }

    /// What holds in each state.
    async fn check(&self, books: &mut HashSet<u64>) -> Result<(), Fault> {
        // What the slots cover follows from who made them.
        let bucket = digest((self.gate.paths().await, self.gate.slots().await));
        let is_new = books.insert(digest((bucket, self.memory(), self.ledger.acked())));
        if is_new && !self.setting.unread {
            self.all_is_found_at_once().await?;
        }
        if books.insert(digest((bucket, self.ledger.acked()))) {
            self.all_is_found_after_a_crash().await?;
        }
        Ok(())
    }

    /// By a query that takes no time.
    async fn all_is_found_at_once(&self) -> Result<(), Fault> {
        let copy = Gate::new(Arc::new(self.gate.bucket.fork()), None);
        let (mut process, _) = process::open(&copy, Client::Reader, 3 << 8).await;
        let mut found = Found::default();
        let lives = [Some(&self.owner), self.adopter.as_ref()].into_iter().flatten();
        for live in lives.map(|process| process.live.clone()) {
            let finder = Arc::get_mut(&mut process.finder).unwrap();
            finder.live = live;
            found.parts.extend(finder.in_memory(super::reader::TENANT, &super::reader::TRACE));
            in_store(finder, &BTreeSet::new(), &mut found).await;
        }
        match wanting(&self.ledger.acked(), &found) {
            Some(what) => Err(self.fault(format!("at once: {what}"))),
            None if found.missing.is_empty() => Ok(()),
            None => Err(self.fault(format!("an answer is not complete: {:?}", found.missing))),
        }
    }

    /// By the process that adopts what is left when all die now.
    async fn all_is_found_after_a_crash(&self) -> Result<(), Fault> {
        let books = Books::of(&self.gate.bucket, &self.ledger.acked()).await;
        match books.fault() {
            Some(what) => Err(Fault { findings: books.findings, ..self.fault(what) }),
            None => Ok(()),
        }
    }

    /// Nothing more happens by itself: the owner leaves in good order.
    async fn finish(mut self, books: &mut HashSet<u64>) -> Result<(), Fault> {
        self.gate.set_open(true);
        self.drain_segments.cancel();
        while let Some(ended) = self.writer.join_next().await {
            ended.unwrap().map_err(|what| self.fault(what))?;
        }
        self.drain_blocks.cancel();
        while let Some(ended) = self.flusher.join_next().await {
            ended.unwrap().map_err(|what| self.fault(what))?;
        }
        self.owner.deleter.finish().await;
        while !self.owner.live.lost_epochs().is_empty() {
            self.upkeep.adopt_lost().await;
        }
        self.schedule.push("the owner leaves".to_owned());
        let acked = self.ledger.acked();
        if acked.len() != usize::from(self.setting.segments) {
            return Err(self.fault(format!("only {acked:?} were acknowledged")));
        }
        // What takes effect late is deleted by the next sweep.
        let survey = Journal::new(self.gate.store(Client::Flusher)).survey().await.unwrap();
        let left = survey.values().any(|held| !held.segments.is_empty());
        if left && self.setting.faults == 0 {
            return Err(self.fault(format!("segments are left: {survey:?}")));
        }
        self.nothing_went_wrong()?;
        self.check(books).await
    }

    fn fault(&self, what: String) -> Fault {
        Fault { what, schedule: self.schedule.clone(), findings: Vec::new() }
    }
}

async fn reader(
    gate: &Arc<Gate>,
    place: Place,
    owner: &Process,
    adopter: Option<&Process>,
    epochs: &BTreeSet<EpochId>,
) -> Reader {
    let (owners, adopters) = (owner.finder.clone(), adopter.map(|process| process.finder.clone()));
    let nothing = BTreeSet::new();
    let (own, peers, silent) = match place {
        Place::Owner => (owners, Vec::from_iter(adopters), nothing),
        Place::Adopter => (adopters.unwrap(), Vec::new(), epochs.clone()),
        Place::Third | Place::Suspicious => {
            let (third, _) = process::open(gate, Client::Reader, 4 << 8).await;
            let mut peers = Vec::from_iter(adopters);
            match place {
                Place::Third => {
                    peers.push(owners);
                    (third.finder, peers, nothing)
                }
                _ => (third.finder, peers, epochs.clone()),
            }
        }
    };
    Reader { own, peers, silent }
}

/// Retires the hour that the clock shows.
async fn raise_floor(gate: &Arc<Gate>) {
    let now = crate::runtime::IdGenerator::of_bytes(|| 0).epoch().unwrap();
    Journal::new(gate.store(Client::Flusher)).raise_floor(&now.hour()).await.unwrap();
}
