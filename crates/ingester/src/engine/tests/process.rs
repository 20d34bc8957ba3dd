//! An ingester as the engine puts it together, with its tasks not started: the explorer starts
//! those that a setting is about, each with a way to the bucket of its own.

use super::gate::{Client, Gate};
use crate::block::{KnownBlocks, SegmentDeleter};
use crate::config::Config;
use crate::engine::Environment;
use crate::engine::parts::Parts;
use crate::engine::tasks::Tasks;
use crate::group::LiveSpans;
use crate::metrics::Metrics;
use crate::query::TraceFinder;
use crate::receive::Intake;
use crate::runtime::IdGenerator;
use crate::upkeep::Adopter;
use std::ffi::OsString;
use std::sync::{Arc, OnceLock};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tributary_journal::{Heartbeat, Journal};
use tributary_settings::Asked;
use tributary_testkit::Random;

pub(super) struct Process {
    pub(super) live: Arc<LiveSpans>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) finder: Arc<TraceFinder>,
    pub(super) deleter: Arc<SegmentDeleter>,
    pub(super) intake: Arc<Intake>,
}

/// Whatever is there is due: a frame is a segment, and what the flusher finds is a generation.
fn config() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(|| {
        let flags = ["--block-age", "20s", "--memory", "64MiB"].map(OsString::from);
        match Config::gather(flags, [], |_| unreachable!("there is no file")).unwrap() {
            Asked::Run(config) => {
                Config { memory: 1 << 20, segment_bytes: 1, block_bytes: 1, ..*config }
            }
            Asked::Print(text) => panic!("{text}"),
        }
    })
}

/// Ids that follow from what a task has done, and not from what others did meanwhile.
fn ids(seed: u64, floor: Option<&str>) -> IdGenerator {
    let mut dice = Random::new(seed);
    let ids = IdGenerator::of_bytes(move || dice.byte());
    ids.stay_above(floor);
    ids
}

/// Puts one together whose requests are those of `client`, apart from those of the tasks that have
/// names of their own.
pub(super) async fn open(gate: &Arc<Gate>, client: Client, seed: u64) -> (Process, Tasks) {
    let store = gate.store(client);
    let floor = Journal::new(store.clone()).floor().await.unwrap();
    let generator = ids(seed, None);
    let own = Heartbeat::new(generator.uid().unwrap(), format!("{client:?}"));
    let environment =
        Environment { store, ids: generator.clone(), own: own.clone(), build_inline: true };
    let mut parts = Parts::open(config(), environment).await.unwrap();
    let journal = |client| Journal::new(gate.store(client));
    let (live, metrics) = (parts.live.clone(), parts.metrics.clone());
    // As every heartbeat does.
    live.prepare_epochs(generator.epoch_seconds(), |at| generator.epoch_at(at)).unwrap();
    let poll = config().blocks_poll;
    let blocks = KnownBlocks::new(gate.store(Client::Reader), 1 << 20, poll, metrics.clone());
    blocks.poll_once().await.unwrap();
    parts.blocks = Arc::new(blocks);
    let deleter = SegmentDeleter::new(journal(Client::Deleter), live.clone(), metrics.clone());
    parts.deleter = Arc::new(deleter);
    let (queue, frames) = mpsc::channel(8);
    let intake = Arc::new(parts.intake(queue, &CancellationToken::new()));
    let mut tasks = Tasks::new(config(), &parts, own, frames);
    tasks.segment_writer.journal = journal(Client::Writer);
    tasks.segment_writer.ids = ids(seed + 1, floor.as_deref());
    if client == Client::Flusher {
        hand_over(&mut tasks.upkeep.adopter, gate, Client::Upkeep);
        tasks.upkeep.adopter.builder.ids = ids(seed + 2, floor.as_deref());
    }
    parts.journal = journal(Client::Reader);
    let finder = Arc::new(parts.trace_finder(config()));
    (Process { live, metrics, finder, deleter: parts.deleter, intake }, tasks)
}

/// From now on it is another client that adopts.
fn hand_over(adopter: &mut Adopter, gate: &Arc<Gate>, client: Client) {
    let store = gate.store(client);
    let journal = Journal::new(store.clone());
    adopter.journal = journal.clone();
    adopter.rebuilder.journal = journal.clone();
    adopter.builder.store = store;
    adopter.committer.journal = journal;
    adopter.committer.builder = adopter.builder.clone();
}
