//! The disk below the store's folder runs short of room: new frames wait or are refused, what was
//! taken becomes blocks and its segments go, and all of it goes on when there is room again.

use crate::gate::{Bucket, Gate};
use crate::server::{self, Lane, Server};
use prost::Message;
use std::path::Path;
use std::{fs, io};
use tempfile::TempDir;
use tributary_ingester::engine::Engine;
use tributary_ingester::limits::Limit;
use tributary_ingester::receive::direct::DirectSink;
use tributary_journal::Journal;
use tributary_receivers::{OfferError, Sink};
use tributary_span::Columns;
use tributary_span::columns::Builder;
use tributary_span::otlp::decode;
use tributary_store::{DiskSpace, Store, StoreOptions};
use tributary_testkit::wait::SOON;
use tributary_testkit::{sample, wait_for};
use tributary_wire::v1::{Hello, reply::Kind};

const TENANT: &str = "single-tenant";
const GIB: u64 = 1 << 30;

/// A folder for a store, and beside it how much of its disk is said to be free.
struct Disk(TempDir);

impl Disk {
    fn new(free: u64) -> Disk {
        let disk = Disk(tempfile::tempdir().unwrap());
        disk.set_free(free);
        disk
    }

    fn set_free(&self, bytes: u64) {
        let new = self.0.path().join("new");
        fs::write(&new, bytes.to_string()).unwrap();
        fs::rename(new, self.0.path().join("free")).unwrap();
    }

    async fn store(&self) -> Store {
        let folder = self.0.path().join("store").display().to_string();
        let options = StoreOptions { fsync: false, space, ..StoreOptions::default() };
        Store::open(&folder, &options).await.unwrap()
    }

    async fn segments(&self) -> usize {
        let survey = Journal::new(self.store().await).survey().await.unwrap();
        survey.values().map(|held| held.segments.len()).sum()
    }
}

/// What [`Disk`] says, for all of them: the function that a store is given can hold nothing.
fn space(folder: &Path) -> io::Result<DiskSpace> {
    let said = fs::read_to_string(folder.with_file_name("free"))?;
    let free = said.parse().map_err(|_| io::Error::other("Input/output error"))?;
    Ok(DiskSpace { free, total: 100 * GIB })
}

fn request(seed: u64) -> Vec<u8> {
    sample::plain(seed).encode_to_vec()
}

fn columns(seed: u64) -> Columns {
    let mut builder = Builder::new();
    decode::append_all(&mut builder, &request(seed), &Default::default()).unwrap();
    builder.take()
}

async fn until(engine: &Engine, what: &str, holds: impl Fn(&Engine) -> bool) {
    let look = async || match holds(engine) {
        true => Ok(()),
        false => Err(engine.metrics.render(&[])),
    };
    wait_for(what, SOON, look).await.unwrap();
}

fn is_short(engine: &Engine) -> bool {
    engine.metrics.disk_short.get() == 1
}

#[tokio::test(flavor = "multi_thread")]
async fn new_frames_wait_while_the_disk_is_short_and_what_was_taken_becomes_blocks() {
    let disk = Disk::new(2 * GIB);
    let flags = ["--segment-age", "20ms", "--block-age", "2s", "--disk-reserve", "1GiB"];
    let server = Server::over(disk.store().await, Bucket::new(Gate::Open), &flags).await;
    let (engine, metrics) = (&server.engine, &server.engine.metrics);
    let mut lane = Lane::default();
    (1..=2).for_each(|seed| lane.push(&columns(seed)));
    let [first, second] = <[_; 2]>::try_from(lane.all()).unwrap();
    let mut stream = server.open(1, TENANT).await;
    stream.send(vec![first]).await;
    stream.acked(1).await;
    let before = metrics.spans_journaled.get();

    disk.set_free(GIB / 2);
    until(engine, "a short disk", is_short).await;
    assert_eq!(metrics.disk_free_bytes.get(), 1 << 29);
    assert_eq!(metrics.disk_reserve_bytes.get(), 1 << 30);
    stream.send(vec![second]).await;
    let direct = DirectSink::new(engine.intake.clone());
    assert!(direct.admit(100).is_err(), "before the request is read");
    let refused = direct.offer(None, request(3).into()).await;
    assert!(matches!(refused, Err(OfferError::Refused(_))), "{refused:?}");
    assert_eq!(metrics.times_limited(Limit::RequestDisk), 2);
    // A stream that comes now waits as well, and ends when its sender goes elsewhere.
    let hello = Hello { version: 1, incarnation: vec![8; 16].into(), ..Hello::default() };
    let mut another = server.greet(hello).await.unwrap();
    let told = another.next().await.unwrap();
    assert!(matches!(&told, Some(Kind::Welcome(welcome)) if welcome.credit == 0), "{told:?}");
    until(engine, "two that wait", |_| metrics.times_limited(Limit::DiskReserve) == 2).await;
    drop(another);
    until(engine, "one stream", |engine| engine.metrics.streams_open() == 1).await;

    until(engine, "a block", |engine| engine.metrics.spans_stored.get() == before).await;
    wait_for("no segment", SOON, async || match disk.segments().await {
        0 => Ok(()),
        n => Err(format!("{n} segments")),
    })
    .await
    .unwrap();
    let taken = (metrics.frames_received.get(), metrics.spans_journaled.get());
    assert_eq!((taken, is_short(engine)), ((1, before), true));

    disk.set_free(GIB + GIB / 8);
    stream.acked(2).await;
    assert_eq!(direct.offer(None, request(4).into()).await.unwrap().accepted, before);
    assert!(!is_short(engine));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_merged_while_the_disk_is_short() {
    let disk = Disk::new(2 * GIB);
    let often = ["--segment-age", "20ms", "--block-age", "20ms", "--blocks-poll", "100ms"];
    let often = [&often[..], &["--disk-reserve", "1GiB"]].concat();
    let mut engine = Box::pin(server::engine(
        disk.store().await,
        &[&often[..], &["--compact", "never"]].concat(),
    ))
    .await;
    let direct = DirectSink::new(engine.intake.clone());
    for seed in 1..=8 {
        direct.offer(None, request(seed).into()).await.unwrap();
        until(&engine, "its block", |engine| engine.metrics.blocks.get() == seed).await;
    }
    engine.finish_segments().await.unwrap();
    engine.finish_blocks().await.unwrap();
    let journal = engine.journal.clone();
    drop(engine);
    for gone in journal.heartbeats().await.unwrap().read {
        journal.stop_beating(&gone.process).await.unwrap();
    }

    disk.set_free(GIB / 2);
    let store = disk.store().await;
    let engine =
        Box::pin(server::engine(store.clone(), &[&often[..], &["--compact", "100ms"]].concat()))
            .await;
    assert!(is_short(&engine), "it has looked before it began");
    // Each of its looks for blocks lists, and between two of them is a pass that could merge.
    let lists = store.counters().snapshot().lists;
    until(&engine, "looks for blocks", |_| store.counters().snapshot().lists > lists + 20).await;
    let merges = (engine.metrics.compactions.get(), engine.metrics.blocks_known.get());
    assert_eq!(merges, (0, 8));
    disk.set_free(2 * GIB);
    until(&engine, "a merge", |engine| engine.metrics.compactions.get() > 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_cannot_be_looked_at_counts_as_having_room() {
    let disk = Disk::new(GIB / 2);
    let flags = ["--segment-age", "20ms", "--disk-reserve", "1GiB"];
    let engine = Box::pin(server::engine(disk.store().await, &flags)).await;
    let direct = DirectSink::new(engine.intake.clone());
    assert!(direct.offer(None, request(1).into()).await.is_err());
    fs::remove_file(disk.0.path().join("free")).unwrap();
    until(&engine, "room", |engine| !is_short(engine)).await;
    direct.offer(None, request(1).into()).await.unwrap();
}
