//! What has outlived its retention goes, and nothing else: two tenants, two hours, whatever stops on
//! the way.

use crate::alone::{quiet, send_to};
use crate::cluster::{boot, config};
use crate::store::{Bucket, Line, Running};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};
use tributary_ingester::config::{Config, LimitsFile, Retention};
use tributary_ingester::engine::Engine;
use tributary_ingester::query::TraceQuery;
use tributary_journal::audit::{BlockFound, WindowView, check_window, strays};
use tributary_journal::layout::{self, Place};
use tributary_journal::window::compacted_origin;
use tributary_journal::{CompactionWindow, Journal};
use tributary_query::api::{Found, TimeRange};
use tributary_span::TraceId;
use tributary_store::Store;
use tributary_testkit::Random;
use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// The clock of a simulation at its start, hours since 1970.
const START: u32 = 1_795_442_400 / 3600;
/// Traces of the first hour, and of the second one.
const FIRST: [(&str, u8); 2] = [("one", 1), ("two", 2)];
const SECOND: [(&str, u8); 2] = [("one", 3), ("two", 4)];

struct Story {
    bucket: Arc<Bucket>,
    store: Store,
    begun: Instant,
    config: Config,
}

impl Story {
    fn new(retention: Duration) -> Story {
        let (bucket, store) = quiet();
        let config = Config { retention: Retention::For(retention), ..config() };
        Story { bucket, store, begun: Instant::now(), config }
    }

    fn journal(&self) -> Journal {
        Journal::new(self.store.clone())
    }

    async fn at(&self, time: Duration) {
        sleep_until(self.begun + time).await;
    }

    async fn start(&self, number: u32) -> (Engine, Running) {
        let running = Running::new();
        let line = Line::new(self.bucket.clone(), number, running.clone(), false);
        let (name, bytes) = (format!("ingester-{number}"), Random::new(number.into()));
        (boot(&self.config, line.store(), name, bytes).await.unwrap(), running)
    }

    /// Two tenants send in the first hour and in the second one, and the ingester is killed.
    async fn sent(&self) {
        let (engine, running) = self.start(1).await;
        for (tenant, trace) in FIRST {
            // Two blocks of each, which are merged.
            send_to(&engine, tenant, trace, 1).await;
            sleep(MINUTE).await;
            send_to(&engine, tenant, trace, 2).await;
        }
        self.at(HOUR + 10 * MINUTE).await;
        for (tenant, trace) in SECOND {
            send_to(&engine, tenant, trace, 1).await;
        }
        self.at(HOUR + 20 * MINUTE).await;
        running.set(false);
    }

    /// The windows of which blocks lie in the bucket, hidden or not: tenant, and the hour from the
    /// start on.
    async fn windows(&self) -> BTreeSet<(String, u32)> {
        let mut windows = BTreeSet::new();
        for object in self.store.list(layout::BLOCKS).await.unwrap() {
            if let Some(Place::Block { tenant, block, .. }) = layout::parse(&object.path) {
                let window = CompactionWindow::of(&tenant, &block).unwrap();
                windows.insert((tenant, window.hour - START));
            }
        }
        windows
    }

    /// What an auditor says of it.
    async fn is_clean(&self) {
        let journal = self.journal();
        let mut blocks: BTreeMap<(String, Uuid), BlockFound> = BTreeMap::new();
        for object in self.store.list(layout::BLOCKS).await.unwrap() {
            if let Some(Place::Block { tenant, block, object: name }) = layout::parse(&object.path)
            {
                blocks.entry((tenant, block)).or_default().add(&name, object.size);
            }
        }
        for window in journal.list_records().await.unwrap().into_keys() {
            let records = journal.records(&window).await.unwrap();
            let records = records.into_iter().map(|(k, (record, _))| (k, Ok(record)));
            let is_its = |key: &(String, Uuid)| {
                CompactionWindow::of(&key.0, &key.1).as_ref() == Some(&window)
            };
            let its = blocks.iter().filter(|(key, _)| is_its(key));
            let view = WindowView {
                retired: journal.is_below(&window.hour_name()).await.unwrap(),
                records: records.collect(),
                blocks: its.map(|(key, block)| (key.1, *block)).collect(),
                window,
            };
            assert_eq!(check_window(&view), [], "{view:?}");
        }
        let floor = journal.floor().await.unwrap();
        blocks.retain(|key, _| compacted_origin(&key.1).is_none());
        let epochs = journal.epochs().await.unwrap();
        blocks.retain(|key, _| {
            let origin = tributary_journal::id::block_origin(&key.1).unwrap();
            !epochs.iter().any(|epoch| origin.is_of(epoch))
        });
        assert_eq!(strays(&blocks, floor.as_deref()), []);
    }
}

/// Whether an ingester answers with spans of a trace; its answer must be whole.
async fn is_found(engine: &Engine, (tenant, trace): (&str, u8)) -> bool {
    let (id, tenants) = (TraceId([trace; 16]), [tenant.to_owned()]);
    let mut found = Found::default();
    found.parts.extend(engine.traces.in_memory(tenant, &id));
    let wanted = TraceQuery { tenants: &tenants, id, time: TimeRange::ALL, reading: None };
    let moved = engine.membership.moved();
    engine.traces.in_store(wanted, &BTreeSet::new(), moved, &mut found).await;
    assert!(found.missing.is_empty(), "{:?}", found.missing);
    !found.parts.is_empty()
}

/// Which of these traces are found.
async fn found(engine: &Engine, traces: &[(&'static str, u8)]) -> Vec<(&'static str, u8)> {
    let mut found = Vec::new();
    for trace in traces {
        if is_found(engine, *trace).await {
            found.push(*trace);
        }
    }
    found
}

/// Waits, in simulated time, until of all traces these alone are found.
async fn until_found(engine: &Engine, expected: &[(&'static str, u8)]) {
    let deadline = Instant::now() + 40 * MINUTE;
    loop {
        let found = found(engine, &[FIRST, SECOND].concat()).await;
        if found == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{found:?} are found, and not {expected:?}");
        sleep(Duration::from_secs(10)).await;
    }
}

fn of_second_hour() -> BTreeSet<(String, u32)> {
    SECOND.map(|(tenant, _)| (tenant.to_owned(), 1)).into()
}

/// Above the floor and, where that has passed over the hours long before, below it.
const RETENTIONS: [Duration; 2] = [Duration::from_secs(6 * 3600), Duration::from_secs(30 * 3600)];

/// The floor passes over the two hours if there is time enough. (It is raised by hand, since the clock
/// of an ingester begins anew with it here.)
async fn retire(story: &Story, retention: Duration) {
    if retention < 26 * HOUR {
        return;
    }
    story.at(26 * HOUR).await;
    let second = CompactionWindow { hour: START + 1, tenant: "one".to_owned() };
    story.journal().raise_floor(&second.hour_name()).await.unwrap();
    let (engine, running) = story.start(2).await;
    story.at(27 * HOUR).await;
    let left = story.journal().list_records().await.unwrap();
    assert!(left.is_empty(), "records of retired hours are left: {left:?}");
    assert_eq!(found(&engine, &[FIRST, SECOND].concat()).await.len(), 4);
    running.set(false);
}

#[tokio::test(start_paused = true)]
async fn what_is_over_goes_and_nothing_else() {
    for retention in RETENTIONS {
        let story = Story::new(retention);
        Box::pin(story.sent()).await;
        Box::pin(retire(&story, retention)).await;
        story.at(retention + HOUR - 10 * MINUTE).await;
        let (engine, _running) = story.start(3).await;
        sleep(8 * MINUTE).await;
        assert_eq!(found(&engine, &[FIRST, SECOND].concat()).await.len(), 4, "before its time");
        until_found(&engine, &SECOND).await;
        story.is_clean().await;
        // Readers with an older view have had time enough.
        sleep(10 * MINUTE).await;
        assert_eq!(story.windows().await, of_second_hour());
        assert_eq!(engine.metrics.retention_stopped.get(), 0);
        story.is_clean().await;
        story.at(retention + 2 * HOUR + 20 * MINUTE).await;
        assert_eq!(found(&engine, &[FIRST, SECOND].concat()).await, []);
        assert_eq!(story.windows().await, BTreeSet::new());
        story.is_clean().await;
        // Nothing of it is left in the journal, either.
        sleep(26 * HOUR).await;
        assert_eq!(story.journal().list_records().await.unwrap().len(), 0);
        assert!(engine.metrics.blocks_expired.get() >= 4);
    }
}

#[tokio::test(start_paused = true)]
async fn it_heals_wherever_it_was_stopped() {
    for retention in RETENTIONS {
        let mut lives = 0;
        loop {
            let story = Story::new(retention);
            Box::pin(story.sent()).await;
            Box::pin(retire(&story, retention)).await;
            story.at(retention + HOUR + MINUTE).await;
            story.bucket.dies_after(3, lives);
            let (dies, _running) = story.start(3).await;
            sleep(30 * MINUTE).await;
            let spared = story.bucket.spared();
            drop(dies);
            let (engine, _running) = story.start(4).await;
            until_found(&engine, &SECOND).await;
            sleep(10 * MINUTE).await;
            assert_eq!(story.windows().await, of_second_hour(), "after {lives} changes");
            story.is_clean().await;
            if spared {
                break;
            }
            lives += 1;
        }
        assert!(lives >= 10, "only {lives} changes to be stopped at");
    }
}

/// What an ingester took in an hour that is over, and what no ingester has made a block of, joins the
/// window late and goes as well.
#[tokio::test(start_paused = true)]
async fn what_is_adopted_late_goes_too() {
    let story = Story::new(6 * HOUR);
    let (engine, running) = story.start(1).await;
    send_to(&engine, "one", 1, 1).await;
    sleep(10 * MINUTE).await;
    send_to(&engine, "one", 3, 1).await;
    running.set(false);
    assert_eq!(story.windows().await.len(), 1);
    drop(engine);
    story.at(7 * HOUR + 5 * MINUTE).await;
    let (engine, _running) = story.start(2).await;
    until_found(&engine, &[]).await;
    sleep(20 * MINUTE).await;
    assert_eq!(found(&engine, &[FIRST, SECOND].concat()).await, []);
    assert!(engine.metrics.segments_adopted.get() > 0, "nothing was adopted late");
    assert_eq!(story.windows().await, BTreeSet::new());
    story.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_backlog_stops_until_it_is_said_that_it_is_meant() {
    let mut story = Story::new(6 * HOUR);
    Box::pin(story.sent()).await;
    story.at(40 * HOUR).await;
    let all = [FIRST, SECOND].concat();
    let (engine, running) = story.start(2).await;
    sleep(30 * MINUTE).await;
    assert_eq!(found(&engine, &all).await, all, "what is there should not be touched");
    assert_eq!(engine.metrics.retention_stopped.get(), 2);
    // Of one tenant an operator says that it is meant.
    let journal = story.journal();
    let mut recorded = journal.recorded_retention().await.unwrap();
    recorded.record("one", 6 * HOUR, journal.store_time().await.unwrap());
    journal.record_retention(&recorded).await.unwrap();
    until_found(&engine, &[FIRST[1], SECOND[1]]).await;
    assert_eq!(engine.metrics.retention_stopped.get(), 1);
    running.set(false);
    drop(engine);
    // Of the other one the setting is another.
    story.config.retention = Retention::For(7 * HOUR);
    let (engine, _running) = story.start(3).await;
    until_found(&engine, &[]).await;
    assert_eq!(engine.metrics.retention_stopped.get(), 0);
    // Readers know of a record before its blocks are hidden, later in the same pass.
    sleep(MINUTE).await;
    story.is_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_tenant_may_have_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("limits.yaml");
    std::fs::write(&path, "tenants: {two: {retention: none}}").unwrap();
    let mut story = Story::new(6 * HOUR);
    story.config.limits = Some(LimitsFile::open(path.to_str().unwrap()).unwrap());
    // Where no blocks are merged, what is over goes all the same.
    story.config.compact = None;
    Box::pin(story.sent()).await;
    story.at(7 * HOUR + 5 * MINUTE).await;
    let (engine, _running) = story.start(2).await;
    until_found(&engine, &[FIRST[1], SECOND[0], SECOND[1]]).await;
    story.is_clean().await;
}
