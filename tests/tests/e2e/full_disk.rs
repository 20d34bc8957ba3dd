//! A disk under the store that is full for a while: nothing is acknowledged falsely, nothing that
//! was is lost, everybody holds what they can and says what is wrong.

use anyhow::{Context, Result, ensure};
use std::time::{Duration, SystemTime};
use tributary_journal::Journal;
use tributary_testkit::wait::SOON;
use tributary_testkit::{Process, disk, http, recordings, wait_for};
use tributary_tests::books::{self, Ledger};
use tributary_tests::place::alone;
use tributary_tests::replay::{Protocol, Sender};
use tributary_tests::{Ingester, LONG, Place, Sidecar, Traffic, program};

const MIB: u64 = 1 << 20;
/// Nothing becomes a block before the end, so nothing is deleted and makes room. And the disk is used
/// to its end.
const FLAGS: &[&str] = &["--block-age", "3600s", "--memory", "64MiB", "--disk-reserve", "0"];
/// What systems say.
const FULL: &str = "No space left on device";

fn the_disk(place: &Place) -> Result<&disk::Disk> {
    match place {
        Place::Disk(disk) => Ok(disk),
        other => anyhow::bail!("no disk: {other:?}"),
    }
}

#[test]
fn nothing_is_acknowledged_while_the_disk_is_full_and_everything_after() -> Result<()> {
    let name = "full_disk::nothing_is_acknowledged_while_the_disk_is_full_and_everything_after";
    alone(name, full_under_load())
}

async fn full_under_load() -> Result<()> {
    let place = Place::disk(256 * MIB)?;
    let ingester = Ingester::start(&place, FLAGS).await?;
    let sidecar = Sidecar::start(&ingester.wire.to_string(), &["--buffer", "6MiB"]).await?;
    let mut sender = Sender::open(&sidecar, Protocol::Protobuf).await?;
    let traffic = Traffic::of(&recordings()?)?;
    let mut ledger = Ledger::default();
    let mut next = 0;
    while next < 50 {
        sender.send(&traffic.request(next).0).await?;
        ledger.add(traffic.identities(next));
        next += 1;
    }
    let before = ledger.len() as f64;
    sidecar.until("tributary_sidecar_spans_acked_total", |n| n == before).await?;

    the_disk(&place)?.fill()?;
    let errors = errors(&ingester).await?;
    // Sidecar and ingester hold what they can; then the application is told to wait.
    while sender.offer(&traffic.request(next).0).await? {
        ledger.add(traffic.identities(next));
        next += 1;
        ensure!(next < 100 * traffic.requests(), "the sidecar never filled");
    }
    // Each is a try, and there is no room for any of them.
    ingester.until("tributary_ingester_store_errors_total", |n| n >= errors + 20.0).await?;
    let sidecars = sidecar.metrics().await?;
    let acked = sidecars.sum("tributary_sidecar_spans_acked_total", &[]);
    ensure!(acked == Some(before), "{before} were durable, {acked:?} are acknowledged");
    // The last batches become frames when they are old enough.
    let held = ledger.len() as f64 - before;
    sidecar.until("tributary_sidecar_unacked_spans", |n| n == held).await?;
    let told = ingester.process.output();
    ensure!(told.iter().any(|line| line.contains(FULL)), "{told:#?}");
    for probe in ["/live", "/ready", "/metrics"] {
        let answer = http::get(ingester.http, probe).await?;
        ensure!(answer.status == 200, "{probe}: {} {}", answer.status, answer.text());
    }
    let peak = ingester.process.peak_resident_bytes()? / MIB;
    ensure!(peak < 192, "a budget of 64 MiB, and {peak} MiB resident");
    objects_are_whole(&place).await?;

    the_disk(&place)?.free()?;
    // What was refused is taken now, and a little more.
    for _ in 0..20 {
        sender.send(&traffic.request(next).0).await?;
        ledger.add(traffic.identities(next));
        next += 1;
    }
    let all = ledger.len() as f64;
    sidecar.until("tributary_sidecar_spans_acked_total", |n| n == all).await?;
    sidecar.stop().await?;
    let folder = place.path().context("a folder")?;
    wait_for("that no file is left unfinished", SOON, || async {
        match disk::unfinished(&folder) {
            Ok(left) if left.is_empty() => Ok(()),
            left => Err(format!("{left:?}")),
        }
    })
    .await?;
    ingester.stop().await?;
    objects_are_whole(&place).await?;
    ledger.settle(&place).await.map(drop)
}

async fn errors(ingester: &Ingester) -> Result<f64> {
    let metrics = ingester.metrics().await?;
    metrics.sum("tributary_ingester_store_errors_total", &[]).context("store_errors")
}

/// No file counts as an object that was not written to its end.
async fn objects_are_whole(place: &Place) -> Result<()> {
    let objects = books::open(place).await?.list("").await?;
    ensure!(!objects.is_empty(), "nothing there");
    let empty: Vec<_> = objects.iter().filter(|object| object.size == 0).collect();
    ensure!(empty.is_empty(), "{empty:?}");
    books::verify(place)
}

#[test]
fn new_spans_wait_while_the_disk_has_no_more_than_its_reserve() -> Result<()> {
    let name = "full_disk::new_spans_wait_while_the_disk_has_no_more_than_its_reserve";
    alone(name, down_to_the_reserve())
}

async fn down_to_the_reserve() -> Result<()> {
    let place = Place::disk(256 * MIB)?;
    let quick = ["--block-age", "3s", "--memory", "64MiB", "--receivers", "otlp-http"];
    let flags = quick.into_iter().chain(["--otlp-http-listen", "127.0.0.1:0"]);
    let flags = flags.chain(["--disk-reserve", "auto"]);
    let mut ingester = Ingester::start(&place, &flags.collect::<Vec<_>>()).await?;
    let direct = ingester.process.listening("otlp-http", SOON).await?;
    let sidecar = Sidecar::start(&ingester.wire.to_string(), &["--buffer", "2MiB"]).await?;
    let mut sender = Sender::open(&sidecar, Protocol::Protobuf).await?;
    let traffic = Traffic::of(&recordings()?)?;
    let mut ledger = Ledger::default();
    let mut next = 0;
    while next < 50 {
        sender.send(&traffic.request(next).0).await?;
        ledger.add(traffic.identities(next));
        next += 1;
    }
    let before = ledger.len() as f64;
    sidecar.until("tributary_sidecar_spans_acked_total", |n| n == before).await?;

    // A twentieth of the disk is the reserve, and this is less.
    the_disk(&place)?.leave_free(8 * MIB)?;
    wait_for("that /ready says so", SOON, || async {
        let ready = http::get(ingester.http, "/ready").await.map_err(|e| format!("{e:#}"))?;
        let (status, text) = (ready.status.as_u16(), ready.text());
        let parts = ["ready", "new spans wait", "12.8 MiB are kept in reserve"];
        let says_so = status == 200 && parts.iter().all(|part| text.contains(part));
        if says_so { Ok(()) } else { Err(format!("{status} {text}")) }
    })
    .await?;
    // Sidecar and sockets hold what they can; then the application is told to wait.
    while sender.offer(&traffic.request(next).0).await? {
        ledger.add(traffic.identities(next));
        next += 1;
        ensure!(next < 100 * traffic.requests(), "the sidecar never filled");
    }
    let sent = http::post(direct, "/v1/traces", "application/x-protobuf", traffic.request(next).0);
    let answer = sent.await?;
    ensure!(answer.status == 503, "{} {}", answer.status, answer.text());
    // What was acknowledged becomes blocks, and its segments go.
    ingester.until("tributary_ingester_spans_stored_total", |n| n == before).await?;
    let journal = Journal::new(books::open(&place).await?);
    wait_for("that no segment is left", SOON, || async {
        let survey = journal.survey().await.map_err(|e| e.to_string())?;
        let left = survey.values().map(|held| held.segments.len()).sum::<usize>();
        if left == 0 { Ok(()) } else { Err(format!("{left} segments")) }
    })
    .await?;
    let acked = sidecar.metrics().await?.sum("tributary_sidecar_spans_acked_total", &[]);
    ensure!(acked == Some(before), "{before} were durable, {acked:?} are acknowledged");
    let told = ingester.process.output();
    ensure!(!told.iter().any(|line| line.contains(FULL)), "{told:#?}");
    ensure!(told.iter().any(|line| line.contains("new spans wait")), "{told:#?}");

    the_disk(&place)?.take_filler_away()?;
    for _ in 0..20 {
        sender.send(&traffic.request(next).0).await?;
        ledger.add(traffic.identities(next));
        next += 1;
    }
    let all = ledger.len() as f64;
    sidecar.until("tributary_sidecar_spans_acked_total", |n| n == all).await?;
    let ready = http::get(ingester.http, "/ready").await?;
    ensure!(ready.text() == "ready\n", "{}", ready.text());
    sidecar.stop().await?;
    ingester.stop().await?;
    ledger.settle(&place).await.map(drop)
}

#[test]
fn an_ingester_that_starts_on_a_full_disk_says_so_and_is_ready_when_there_is_room() -> Result<()> {
    let name =
        "full_disk::an_ingester_that_starts_on_a_full_disk_says_so_and_is_ready_when_there_is_room";
    alone(name, full_at_start())
}

async fn full_at_start() -> Result<()> {
    let place = Place::disk(16 * MIB)?;
    // Left by a writer that was killed, long ago.
    let unfinished = place.path().context("a folder")?.join("0000000001.seg#1");
    std::fs::write(&unfinished, [0; 10])?;
    let long_ago = SystemTime::now() - Duration::from_secs(86_400);
    std::fs::File::options().write(true).open(&unfinished)?.set_modified(long_ago)?;
    the_disk(&place)?.fill()?;
    // The room that the file's removal makes goes to this one.
    let ballast = std::fs::write(place.path().context("a folder")?.join("ballast"), [0; 4096]);
    ensure!(ballast.is_err(), "the disk is not full");

    let store = place.url();
    let any = ["--wire-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"];
    let args = ["--store", store.as_str()].into_iter().chain(any);
    let mut process = Process::spawn(program::ingester()?, args, &[])?;
    process.line("what is wrong", SOON, |line| line.contains(FULL).then_some(())).await?;
    let ended = process.ended();
    ensure!(ended.is_none(), "it does not wait for room: {}", process.output().join("\n"));
    the_disk(&place)?.free()?;
    let ready = |line: &str| line.ends_with(" ready").then_some(());
    process.line("that it is ready", LONG, ready).await?;
    ensure!(!unfinished.exists(), "the old file is still there");
    process.terminate()?;
    let status = process.wait(LONG).await?;
    ensure!(status.success(), "{status}: {}", process.output().join("\n"));
    books::verify(&place)
}
