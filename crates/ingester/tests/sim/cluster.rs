//! The life of a cluster, and the books at its end.

use crate::application::{self, Door, Doors, Id, Ledger, tenant_of};
use crate::reader::{self, Answers, Reader};
use crate::store::{Bucket, Line, Running};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tributary_block::{Block, FolderSource};
use tributary_ingester::block::KnownBlocks;
use tributary_ingester::config::Config;
use tributary_ingester::engine::{Engine, Environment};
use tributary_ingester::receive::direct::DirectSink;
use tributary_ingester::runtime::IdGenerator;
use tributary_journal::{Heartbeat, Journal, layout};
use tributary_query::api;
use tributary_settings::Asked;
use tributary_span::TraceId;
use tributary_store::Store;
use tributary_testkit::Random;

const INGESTERS: usize = 3;
const APPLICATIONS: u8 = 4;
/// Of each ingester, bytes.
const MEMORY: usize = 32 << 10;
/// They ask for traces meanwhile.
const READERS: u64 = 3;
/// Requests of each application.
const REQUESTS: u64 = 60;

/// What happened in one life, or in many.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    pub(crate) seeds: u64,
    pub(crate) acked: usize,
    pub(crate) kills: u64,
    pub(crate) freezes: u64,
    pub(crate) outages: u64,
    pub(crate) adoptions: u64,
    pub(crate) lost_slots: u64,
    pub(crate) collected: u64,
    /// Merges of blocks, and those that another ingester had done first.
    pub(crate) merges: u64,
    pub(crate) merges_lost: u64,
    /// Merged blocks that were deleted in the end.
    pub(crate) deleted: u64,
    /// Deletions that were refused.
    pub(crate) kept: u64,
    pub(crate) evicted: u64,
    pub(crate) rebuilt: u64,
    pub(crate) answers: Answers,
    /// Spans that stand in more than one block.
    pub(crate) twice: usize,
    /// Requests to the bucket, and what stands for all of them.
    pub(crate) requests: u64,
    pub(crate) history: u64,
    /// Simulated time.
    pub(crate) hours: f64,
}

impl Outcome {
    pub(crate) fn add(&mut self, other: &Outcome) {
        self.seeds += other.seeds;
        self.acked += other.acked;
        self.kills += other.kills;
        self.freezes += other.freezes;
        self.outages += other.outages;
        self.adoptions += other.adoptions;
        self.lost_slots += other.lost_slots;
        self.collected += other.collected;
        self.merges += other.merges;
        self.merges_lost += other.merges_lost;
        self.deleted += other.deleted;
        self.kept += other.kept;
        self.evicted += other.evicted;
        self.rebuilt += other.rebuilt;
        self.answers.whole += other.answers.whole;
        self.answers.partial += other.answers.partial;
        self.answers.none += other.answers.none;
        self.twice += other.twice;
        self.requests += other.requests;
        self.hours += other.hours;
    }
}

/// A process.
struct Pod {
    engine: Engine,
    running: Running,
}

pub(crate) struct Cluster {
    seed: u64,
    bucket: Arc<Bucket>,
    config: Config,
    pods: Vec<Option<Pod>>,
    doors: Doors,
    started: u32,
    /// Whether each ingester takes itself for the only one.
    rivals: bool,
    outcome: Outcome,
}

impl Cluster {
    /// A whole life under this seed.
    pub(crate) async fn live(seed: u64) -> Outcome {
        let begun = Instant::now();
        let mut cluster = Cluster {
            seed,
            bucket: Bucket::new(seed),
            config: config(),
            pods: (0..INGESTERS).map(|_| None).collect(),
            doors: Arc::new(Mutex::new(vec![None; INGESTERS])),
            started: 0,
            rivals: false,
            outcome: Outcome { seeds: 1, ..Outcome::default() },
        };
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let mut applications = JoinSet::new();
        for number in 1..=APPLICATIONS {
            let own = seed ^ u64::from(number) << 32;
            let (doors, ledger) = (cluster.doors.clone(), ledger.clone());
            applications.spawn(application::run(number, own, REQUESTS, doors, ledger));
        }
        let answers = Arc::new(Mutex::new(Answers::default()));
        let mut readers = JoinSet::new();
        for number in 0..READERS {
            let (doors, books, told) = (cluster.doors.clone(), ledger.clone(), answers.clone());
            readers.spawn(reader::run(number, seed, doors, books, told));
        }
        let mut dice = Random::new(!seed);
        while !applications.is_empty() {
            cluster.something_happens(&mut dice).await;
            while let Some(ended) = applications.try_join_next() {
                ended.unwrap();
            }
            if let Some(ended) = readers.try_join_next() {
                ended.unwrap();
            }
        }
        drop(readers);
        cluster.outcome.answers = *answers.lock().unwrap();
        Box::pin(cluster.recover()).await;
        let ledger = std::mem::take(&mut *ledger.lock().unwrap());
        cluster.balance(&ledger, begun).await;
        cluster.outcome
    }

    async fn something_happens(&mut self, dice: &mut Random) {
        let seat = usize::try_from(dice.draw(INGESTERS as u64)).unwrap();
        match dice.draw(12) {
            0..=2 => {
                self.kill(seat);
                sleep(Duration::from_secs(dice.draw(40))).await;
                self.start(seat, dice.draw(2) == 0).await;
            }
            // Longer than suspicion takes, or not.
            3..=5 => self.freeze(seat, Duration::from_secs(1 + dice.draw(90))).await,
            6 => {
                self.bucket.set_down(true);
                self.outcome.outages += 1;
                sleep(Duration::from_secs(1 + dice.draw(120))).await;
                self.bucket.set_down(false);
            }
            7 => {
                self.bucket.set_blocks_down(true);
                sleep(Duration::from_secs(30 + dice.draw(90))).await;
                self.bucket.set_blocks_down(false);
            }
            8 => (0..INGESTERS).for_each(|seat| self.kill(seat)),
            9 => {
                self.bucket.set_deletions_down(true);
                sleep(Duration::from_secs(30 + dice.draw(120))).await;
                self.bucket.set_deletions_down(false);
            }
            _ => sleep(Duration::from_secs(dice.draw(60))).await,
        }
        for seat in 0..INGESTERS {
            if self.pods[seat].is_none() {
                self.start(seat, false).await;
            }
        }
    }

    fn kill(&mut self, seat: usize) {
        self.doors.lock().unwrap()[seat] = None;
        if let Some(pod) = self.pods[seat].take() {
            self.outcome.kills += 1;
            self.count(&pod);
            // Its tasks are gone with the engine; what is left of it waits for ever.
            pod.running.set(false);
            drop(pod);
        }
    }

    fn count(&mut self, pod: &Pod) {
        let metrics = &pod.engine.metrics;
        self.outcome.adoptions += metrics.adoptions.get();
        self.outcome.lost_slots += metrics.slots_lost.get();
        self.outcome.collected += metrics.blocks_collected.get();
        self.outcome.merges += metrics.compactions.get();
        self.outcome.merges_lost += metrics.compactions_lost.get();
        self.outcome.deleted += metrics.blocks_superseded_deleted.get();
        self.outcome.kept += metrics.deletions_failed.get();
        self.outcome.evicted += metrics.generations_spilled.get();
        self.outcome.rebuilt += metrics.generations_rebuilt.get();
    }

    async fn freeze(&mut self, seat: usize, time: Duration) {
        if let Some(pod) = &self.pods[seat] {
            self.outcome.freezes += 1;
            pod.running.set(false);
            sleep(time).await;
            pod.running.set(true);
        }
    }

    async fn start(&mut self, seat: usize, as_another: bool) {
        self.started += 1;
        let running = Running::new();
        let alone = self.rivals || (self.seed ^ u64::from(self.started)).is_multiple_of(5);
        let line = Line::new(self.bucket.clone(), self.started, running.clone(), alone);
        let generation = if as_another { self.started } else { 0 };
        // Now and then an operator gives all of them one name.
        let name = match self.seed.is_multiple_of(4) {
            true => "one name".to_owned(),
            false => format!("seat-{seat}-{generation}"),
        };
        let bytes = Random::new(self.seed ^ u64::from(self.started) << 40);
        // What fails at the start ends the process; it is started again.
        let Some(engine) = boot(&self.config, line.store(), name, bytes).await else { return };
        let (takes, tells) = (DirectSink::new(engine.intake.clone()), Reader::of(&engine));
        self.doors.lock().unwrap()[seat] = Some(Arc::new(Door { takes, tells }));
        self.pods[seat] = Some(Pod { engine, running });
    }

    /// Faults end. An ingester that was never there before, or several of which each takes itself
    /// for the only one, get time to put everything in order.
    async fn recover(&mut self) {
        self.bucket.heal();
        for seat in 0..INGESTERS {
            self.kill(seat);
        }
        self.rivals = !self.seed.is_multiple_of(2);
        for seat in 0..if self.rivals { INGESTERS } else { 1 } {
            self.start(seat, true).await;
        }
        let journal = Journal::new(self.healthy_store());
        let patience = Instant::now() + Duration::from_secs(4 * 3600);
        loop {
            let survey = journal.survey().await.unwrap();
            let left: Vec<_> =
                survey.iter().filter(|(_, held)| !held.segments.is_empty()).collect();
            // Late writes are over after a minute or so; a collection comes every ten.
            let quiet = Instant::now() + Duration::from_secs(4 * 3600 - 1500) > patience;
            if left.is_empty() && quiet {
                break;
            }
            assert!(Instant::now() < patience, "seed {}: never adopted: {left:?}", self.seed);
            sleep(Duration::from_secs(30)).await;
        }
        for seat in 0..INGESTERS {
            let Some(mut pod) = self.pods[seat].take() else { continue };
            pod.engine.finish_segments().await.unwrap();
            pod.engine.finish_blocks().await.unwrap();
            self.count(&pod);
        }
    }

    fn healthy_store(&self) -> Store {
        Line::new(self.bucket.clone(), 0, Running::new(), false).store()
    }

    async fn balance(&mut self, ledger: &Ledger, begun: Instant) {
        let seed = self.seed;
        let blocks = KnownBlocks::new(
            self.healthy_store(),
            1 << 20,
            Duration::from_secs(10),
            Arc::default(),
        );
        blocks.poll_once().await.unwrap();
        let wanted: BTreeSet<(&str, [u8; 16])> =
            ledger.offered.iter().map(|id| (tenant_of(id), id.0)).collect();
        let mut found: BTreeSet<Id> = BTreeSet::new();
        for (tenant, trace) in wanted {
            let answer = blocks.find(tenant, &TraceId(trace), api::TimeRange::ALL, None).await;
            assert!(answer.failed.is_empty(), "seed {seed}: {:?}", answer.failed);
            let spans = answer.parts.iter().flat_map(|part| &part.spans.id);
            found.extend(spans.map(|span| (trace, span.0)));
        }
        self.each_stands_once(&blocks).await;
        let missing: Vec<&Id> = ledger.acked.difference(&found).collect();
        assert!(missing.is_empty(), "seed {seed}: lost {missing:?}");
        let unknown: Vec<&Id> = found.difference(&ledger.offered).collect();
        assert!(unknown.is_empty(), "seed {seed}: no application sent {unknown:?}");
        self.outcome.acked = ledger.acked.len();
        (self.outcome.history, self.outcome.requests) = self.bucket.history();
        self.outcome.hours = begun.elapsed().as_secs_f64() / 3600.0;
    }
}

impl Cluster {
    /// What came twice has been merged: within a window no span stands in two blocks, or twice in
    /// one. (One that came before and after the hour stands in two windows.)
    async fn each_stands_once(&mut self, blocks: &KnownBlocks) {
        let mut all: BTreeSet<(String, Id)> = BTreeSet::new();
        for (window, metas) in blocks.by_window(|_| true) {
            let mut here = BTreeSet::new();
            for meta in metas {
                let folder = layout::block(&meta.tenant_id, &meta.block_id);
                let source = FolderSource::new(self.healthy_store(), folder);
                let block = Block::open(&source, meta.as_ref().clone()).await.unwrap();
                for group in 0..block.row_groups() {
                    let columns = block.row_group(&source, group).await.unwrap();
                    for row in 0..columns.len() {
                        let id = (columns.trace_of(row).0, columns.spans.id[row].0);
                        assert!(here.insert(id), "seed {}: {id:?} twice in {window:?}", self.seed);
                        let new = all.insert((window.tenant.clone(), id));
                        self.outcome.twice += usize::from(!new);
                    }
                }
            }
        }
    }
}

/// An ingester without sockets, started.
pub(crate) async fn boot(
    config: &Config,
    store: Store,
    instance: String,
    mut bytes: Random,
) -> Option<Engine> {
    let ids = IdGenerator::of_bytes(move || bytes.byte());
    let own = Heartbeat::new(ids.uid().unwrap(), instance);
    let mut engine =
        Engine::new(config, Environment { store, ids, own, build_inline: true }).await.ok()?;
    engine.start().await;
    Some(engine)
}

pub(crate) fn config() -> Config {
    let flags = [
        ["--block-age", "20s"],
        ["--memory", "64MiB"],
        ["--heartbeat", "5s"],
        ["--compact", "20s"],
        ["--keep-compacted", "2m"],
    ];
    let flags = flags.concat();
    let args = flags.iter().map(OsString::from);
    match Config::gather(args, [], |_| unreachable!("there is no file")).unwrap() {
        // So little that it runs short when blocks cannot be written.
        Asked::Run(config) => Config { memory: MEMORY, ..*config },
        Asked::Print(text) => panic!("{text}"),
    }
}
