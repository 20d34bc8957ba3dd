//! What the real programs cost on this machine, as rows of the cost table.
//!
//! `cargo xtask bench` builds the programs as users deploy them and runs this. One part alone:
//! `cargo bench -p tributary-tests --bench processes -- acknowledgements`, with `TRIBUTARY_SIDECAR`
//! and `TRIBUTARY_INGESTER` pointing at such programs. `overload` and `restart` are asked for by name
//! alone; how long load lasts and what memory the ingester has say `TRIBUTARY_OVERLOAD_SECONDS` and
//! `TRIBUTARY_OVERLOAD_MEMORY`.
#![expect(clippy::print_stdout, reason = "rows go to `cargo xtask bench`")]

use anyhow::{Context, Result, ensure};
use http::Method;
use std::time::{Duration, Instant};
use tributary_testkit::http::Connection;
use tributary_testkit::prometheus::Metrics;
use tributary_testkit::{Process, free_port, recordings, sample};
use tributary_tests::books;
use tributary_tests::load::Load;
use tributary_tests::sidecar::LISTENERS;
use tributary_tests::{Ingester, Place, Sidecar, Traffic, program, usage};

const MIB: f64 = (1 << 20) as f64;

fn row(name: &str, value: f64, unit: &str) {
    println!("row\t{name}\t{value}\t{unit}");
}

fn main() -> Result<()> {
    // Cargo passes flags that only its own harness knows. Names choose some of the parts.
    let names: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let wanted = |part: &str| names.is_empty() || names.iter().any(|name| name == part);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        if wanted("sidecar") {
            sidecar_at_rest().await?;
            start_to_first_span().await?;
            sidecar_under_load().await?;
        }
        if wanted("ingester") {
            ingester("wire to block", &["--compact", "never"]).await?;
            ingester("wire to block, and merging", &[]).await?;
        }
        if wanted("acknowledgements") {
            acknowledgements("local store", Place::folder()?).await?;
            acknowledgements("moto", Place::bucket().await?).await?;
        }
        if wanted("requests") {
            for rate in [0.0, 1e3, 5e4] {
                requests(rate).await?;
            }
        }
        if wanted("merging") {
            merging().await?;
        }
        if wanted("takeover") {
            takeover().await?;
        }
        if names.iter().any(|name| name == "overload") {
            overload().await?;
        }
        if names.iter().any(|name| name == "restart") {
            restart().await?;
        }
        Ok(())
    })
}

async fn sidecar_at_rest() -> Result<()> {
    let bytes = std::fs::metadata(program::sidecar()?)?.len();
    row("sidecar binary, stripped", bytes as f64 / 1e6, "MB");
    let no_ingester = format!("127.0.0.1:{}", free_port()?);
    let sidecar = Sidecar::start(&no_ingester, &[]).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    row("sidecar RSS, idle", sidecar.process.resident_bytes()? as f64 / MIB, "MiB");
    Ok(())
}

async fn start_to_first_span() -> Result<()> {
    let request = prost::Message::encode_to_vec(&sample::plain(1));
    let mut times = Vec::new();
    for _ in 0..11 {
        let port = free_port()?;
        let address = format!("127.0.0.1:{port}");
        let mut own = vec!["--upstream=127.0.0.1:9".to_owned()];
        own.extend(LISTENERS.map(|name| format!("--{name}-listen=127.0.0.1:0")));
        own.push(format!("--otlp-http-listen={address}"));
        let start = Instant::now();
        let process = Process::spawn(program::sidecar()?, &own, &[])?;
        let to = address.parse()?;
        loop {
            if let Ok(mut connection) = Connection::open(to).await {
                let headers = [("content-type", "application/x-protobuf")];
                let sent = connection.send(Method::POST, "/v1/traces", &headers, request.clone());
                ensure!(sent.await?.status == 200);
                break;
            }
            ensure!(start.elapsed() < Duration::from_secs(10), "the sidecar does not listen");
        }
        times.push(start.elapsed());
        drop(process);
    }
    row("sidecar start to first accepted span", median(&mut times)?.as_secs_f64() * 1e3, "ms");
    Ok(())
}

fn median(times: &mut [Duration]) -> Result<Duration> {
    times.sort();
    times.get(times.len() / 2).copied().context("no times")
}

/// One sidecar's life from few spans to as many as go through.
async fn sidecar_under_load() -> Result<()> {
    let place = Place::folder()?;
    let flags = ["--block-age", "20s", "--fsync", "false"];
    let ingester = Ingester::start_as_deployed(&place, &flags).await?;
    let upstream = ingester.wire.to_string();
    let paces = [
        (Some(1e3), "at 1k spans/s", 20),
        (Some(1e4), "at 10k spans/s", 10),
        (None, "at saturation", 10),
    ];
    for (pace, name, seconds) in paces {
        let sidecar = Sidecar::start(&upstream, &[]).await?;
        let mut load = Load::new(Traffic::of(&recordings()?)?);
        // Connections and dictionaries are there before anything is counted.
        load.run(&sidecar, Some(1e3), Duration::from_secs(1)).await?;
        let before = usage::cpu(&sidecar.process)?;
        let wire_before = wire_bytes(&sidecar).await?;
        let done = load.run(&sidecar, pace, Duration::from_secs(seconds)).await?;
        sidecar.all_acknowledged().await?;
        let cpu = usage::cpu(&sidecar.process)? - before;
        let micros = cpu.as_secs_f64() * 1e6 / done.spans as f64;
        row(&format!("sidecar CPU per span {name}"), micros, "µs");
        let peak = sidecar.process.peak_resident_bytes()? as f64 / MIB;
        row(&format!("sidecar RSS {name}"), peak, "MiB");
        let wire = (wire_bytes(&sidecar).await? - wire_before) / done.spans as f64;
        row(&format!("sidecar wire bytes per span {name}"), wire, "B");
        let rate = done.spans as f64 / done.took.as_secs_f64();
        row(&format!("spans sent per second {name}"), rate, "1/s");
        row(&format!("requests refused {name}"), done.refused as f64, "");
    }
    Ok(())
}

async fn wire_bytes(sidecar: &Sidecar) -> Result<f64> {
    sidecar.until("tributary_sidecar_wire_bytes_total", |_| true).await
}

/// One ingester at 100,000 spans a second, then its blocks.
async fn ingester(name: &str, flags: &[&str]) -> Result<()> {
    let place = Place::folder()?;
    let flags = [&["--block-age", "10s"], flags].concat();
    let ingester = Ingester::start_as_deployed(&place, &flags).await?;
    let upstream = ingester.wire.to_string();
    let sidecar = Sidecar::start(&upstream, &[]).await?;
    let mut load = Load::new(Traffic::of(&recordings()?)?);
    let before = usage::cpu(&ingester.process)?;
    let done = load.run(&sidecar, Some(1e5), Duration::from_secs(30)).await?;
    sidecar.all_acknowledged().await?;
    let all = done.spans as f64;
    ingester.until("tributary_ingester_spans_stored_total", |n| n >= all * 0.999).await?;
    ingester.until("tributary_ingester_spans_live", |n| n == 0.0).await?;
    let cpu = usage::cpu(&ingester.process)? - before;
    row(&format!("ingester CPU per span, {name}"), cpu.as_secs_f64() * 1e6 / all, "µs");
    let peak = ingester.process.peak_resident_bytes()? as f64 / MIB;
    row(&format!("ingester peak RSS, {name}"), peak, "MiB");
    row("ingester spans per second", all / done.took.as_secs_f64(), "1/s");
    let folder = place.path().context("a folder")?.join("blocks");
    row("stored bytes per span", usage::folder_bytes(&folder)? as f64 / all, "B");
    row("blocks", place.parquet_files()?.len() as f64, "");
    trace_by_id(&ingester).await
}

/// How long a frame waits for its acknowledgement at 10k spans a second, and how much of that is
/// the store's. The ingester's histograms have one entry a segment, for the frame that waited
/// longest in it; quantiles are interpolated inside their bucket, which is about a fifth wide.
async fn acknowledgements(name: &str, place: Place) -> Result<()> {
    // Some three segments a second: enough of them for the slowest of a thousand.
    let time = Duration::from_secs(320);
    let ingester = Ingester::start_as_deployed(&place, &[]).await?;
    let sidecar = Sidecar::start(&ingester.wire.to_string(), &[]).await?;
    let mut load = Load::new(Traffic::of(&recordings()?)?);
    let before = usage::cpu(&ingester.process)?;
    let done = load.run(&sidecar, Some(1e4), time).await?;
    sidecar.all_acknowledged().await?;
    let metrics = ingester.metrics().await?;
    for (quantity, histogram) in [("ack", "ack_seconds"), ("segment PUT", "put_seconds")] {
        let histogram = format!("tributary_ingester_{histogram}");
        for (nth, q) in [("50th", 0.5), ("99th", 0.99), ("99.9th", 0.999)] {
            let value = metrics.quantile(&histogram, q).context("no segments")?;
            row(&format!("{quantity}, {nth} percentile, {name}"), value * 1e3, "ms");
        }
    }
    let segments = metrics.sum("tributary_ingester_segments_total", &[]).context("segments")?;
    row(&format!("segments written, {name}"), segments, "");
    let all = done.spans as f64;
    ingester.until("tributary_ingester_spans_live", |n| n == 0.0).await?;
    let cpu = usage::cpu(&ingester.process)? - before;
    let per_million = cpu.as_secs_f64() * 1e6 / all;
    row(&format!("ingester CPU per million spans at 10k spans/s, {name}"), per_million, "s");
    let peak = ingester.process.peak_resident_bytes()? as f64 / MIB;
    row(&format!("ingester peak RSS at 10k spans/s, {name}"), peak, "MiB");
    row(&format!("spans sent at 10k spans/s, {name}"), all / 1e6, "million");
    Ok(())
}

/// Fresh blocks become large ones, in an ingester that has nothing else to do.
async fn merging() -> Result<()> {
    let place = Place::folder()?;
    let large = ["--block-age", "1h", "--block-bytes", "256MiB", "--memory", "1GiB"];
    let ingester =
        Ingester::start_as_deployed(&place, &[&large[..], &["--compact", "never"]].concat())
            .await?;
    let sidecar = Sidecar::start(&ingester.wire.to_string(), &[]).await?;
    let mut load = Load::new(Traffic::of(&recordings()?)?);
    let done = load.run(&sidecar, None, Duration::from_secs(30)).await?;
    sidecar.all_acknowledged().await?;
    ingester.stop().await?;
    let folder = place.path().context("a folder")?.join("blocks");
    let all = done.spans as f64;
    row("fresh blocks to merge", place.parquet_files()?.len() as f64, "");
    row("bytes per span in them", usage::folder_bytes(&folder)? as f64 / all, "B");

    let flags = ["--memory", "1GiB", "--compact", "1s", "--keep-compacted", "1s"];
    let ingester = Ingester::start_as_deployed(&place, &flags).await?;
    ingester.until("tributary_ingester_blocks_merged_total", |n| n > 0.0).await?;
    // Until it does next to nothing for a while.
    let mut before = Duration::ZERO;
    loop {
        let now = usage::cpu(&ingester.process)?;
        if now - before < Duration::from_millis(500) {
            break;
        }
        before = now;
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    let cpu = usage::cpu(&ingester.process)?;
    row("merging, CPU per span of the bucket", cpu.as_secs_f64() * 1e6 / all, "µs");
    let peak = ingester.process.peak_resident_bytes()? as f64 / MIB;
    row("peak RSS while merging", peak, "MiB");
    row("merged blocks", place.parquet_files()?.len() as f64, "");
    row("bytes per span in merged blocks", usage::folder_bytes(&folder)? as f64 / all, "B");
    trace_by_id(&ingester).await?;
    ingester.stop().await?;
    books::verify(&place)
}

/// What an ingester that was killed under full load has left to the next one, and what that does to
/// spans that come meanwhile.
async fn restart() -> Result<()> {
    let (time, memory) = load_and_memory()?;
    let flags = ["--memory", &memory];
    let usual = {
        let place = Place::folder()?;
        let ingester = Ingester::start_as_deployed(&place, &flags).await?;
        slowest_of_hundred(&ingester).await?
    };
    row("ack, 99th percentile, at 10k spans/s", usual * 1e3, "ms");
    let place = Place::folder()?;
    let mut ingester = Ingester::start_as_deployed(&place, &flags).await?;
    let ((one, _), (other, _)) =
        tokio::try_join!(full_speed(&ingester, time), full_speed(&ingester, time))?;
    let metrics = ingester.metrics().await?;
    ingester.process.kill()?;
    row("spans left in segments", (one + other - in_blocks(&metrics)?) / 1e6, "million");
    let begun = Instant::now();
    let ingester = Ingester::listen_as_deployed(&place, &flags).await?;
    row("start to an open wire", begun.elapsed().as_secs_f64(), "s");
    let ready = tributary_testkit::http::get(ingester.http, "/ready").await?;
    println!("/ready: {} {}", ready.status, ready.text());
    // Under another name than the one that was killed, it waits for that one's heartbeat to be old.
    ingester.until("tributary_ingester_segments_adopted_total", |n| n > 0.0).await?;
    let slow = slowest_of_hundred(&ingester).await?;
    row("ack, 99th percentile, while they are read", slow * 1e3, "ms");
    let adopted = count(&ingester.metrics().await?, "segments_adopted_total")?;
    row("segments adopted by then", adopted, "");
    Ok(())
}

/// A metric of an ingester.
fn count(metrics: &Metrics, what: &str) -> Result<f64> {
    metrics.sum(&format!("tributary_ingester_{what}"), &[]).with_context(|| what.to_owned())
}

/// Spans that went into blocks, those among them that stood there already.
fn in_blocks(metrics: &Metrics) -> Result<f64> {
    Ok(count(metrics, "spans_stored_total")? + count(metrics, "spans_duplicate_total")?)
}

/// How long load lasts, and what memory the ingester has.
fn load_and_memory() -> Result<(Duration, String)> {
    let told = |name: &str, otherwise: &str| std::env::var(name).unwrap_or(otherwise.to_owned());
    let time = Duration::from_secs(told("TRIBUTARY_OVERLOAD_SECONDS", "60").parse()?);
    Ok((time, told("TRIBUTARY_OVERLOAD_MEMORY", "192MiB")))
}

/// A sidecar that sends as fast as it can until all is acknowledged: its spans and its metrics.
async fn full_speed(to: &Ingester, time: Duration) -> Result<(f64, Metrics)> {
    let sidecar = Sidecar::start(&to.wire.to_string(), &[]).await?;
    let done = Load::new(Traffic::of(&recordings()?)?).run(&sidecar, None, time).await?;
    sidecar.all_acknowledged().await?;
    Ok((done.spans as f64, sidecar.metrics().await?))
}

/// How long the slowest of a hundred acknowledgements takes at 10,000 spans a second, in seconds.
async fn slowest_of_hundred(ingester: &Ingester) -> Result<f64> {
    let sidecar = Sidecar::start(&ingester.wire.to_string(), &[]).await?;
    let mut load = Load::new(Traffic::of(&recordings()?)?);
    load.run(&sidecar, Some(1e4), Duration::from_secs(60)).await?;
    sidecar.all_acknowledged().await?;
    ingester
        .metrics()
        .await?
        .quantile("tributary_ingester_ack_seconds", 0.99)
        .context("no segments")
}

/// Two sidecars at full speed: what was acknowledged is stored, exactly, and what that took of memory.
async fn overload() -> Result<()> {
    let (time, memory) = load_and_memory()?;
    let place = Place::folder()?;
    let ingester = Ingester::start_as_deployed(&place, &["--memory", &memory]).await?;
    let two = tokio::try_join!(full_speed(&ingester, time), full_speed(&ingester, time))?;
    let ((one, first), (other, second)) = two;
    // Spans are taken faster than they become blocks: what waits is in its segments.
    let ended = Instant::now();
    let mut waits = ingester.until("tributary_ingester_segments_uncovered", |n| n == 0.0).await;
    while waits.is_err() && ended.elapsed() < time * 3 {
        waits = ingester.until("tributary_ingester_segments_uncovered", |n| n == 0.0).await;
    }
    waits?;
    row("until all are in blocks", ended.elapsed().as_secs_f64(), "s");
    let peak = ingester.process.peak_resident_bytes()? as f64 / MIB;
    let mut metrics = ingester.metrics().await?;
    // All at once, or there is a moment at which covered spans are not counted yet.
    let at_once = in_blocks(&metrics)?;
    for _ in 0..30 {
        if in_blocks(&metrics)? == one + other {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        metrics = ingester.metrics().await?;
    }
    let stored = in_blocks(&metrics)?;
    if stored != one + other {
        println!("sidecar of {one}: {first:?}\nsidecar of {other}: {second:?}\n{metrics:?}");
        println!("the bucket is left at {}", place.keep());
        anyhow::bail!("{} acknowledged, {stored} stored", one + other);
    }
    row("spans that were counted late", stored - at_once, "");
    row(&format!("spans at full speed, --memory {memory}"), stored / 1e6, "million");
    row("limit of memory", count(&metrics, "memory_limit_bytes")? / MIB, "MiB");
    row("peak RSS", peak, "MiB");
    row("generations left to their segments", count(&metrics, "generations_spilled_total")?, "");
    row("blocks merged", count(&metrics, "blocks_merged_total")?, "");
    row("blocks", place.parquet_files()?.len() as f64, "");
    ingester.stop().await?;
    books::verify(&place)
}

async fn trace_by_id(ingester: &Ingester) -> Result<()> {
    let mut connection = Connection::open(ingester.http).await?;
    let mut times = Vec::new();
    for trace in tributary_testkit::traces()?.iter().step_by(16) {
        let path = format!("/api/v2/traces/{}", trace.trace_id);
        let start = Instant::now();
        let answer = connection.send(Method::GET, &path, &[], "").await?;
        times.push(start.elapsed());
        ensure!(answer.status == 200 && answer.body.len() > 100, "{}", answer.text());
    }
    row("trace by id, median", median(&mut times)?.as_secs_f64() * 1e3, "ms");
    Ok(())
}

/// What a month of requests costs at S3's list price, by requests a minute.
fn dollars_a_month(writes_and_lists: f64, reads: f64) -> f64 {
    const MINUTES: f64 = 30.0 * 24.0 * 60.0;
    MINUTES * (writes_and_lists * 0.005 + reads * 0.0004) / 1000.0
}

/// Requests that one ingester makes of its store.
async fn requests(rate: f64) -> Result<()> {
    let place = Place::folder()?;
    let ingester = Ingester::start_as_deployed(&place, &[]).await?;
    let sidecar = Sidecar::start(&ingester.wire.to_string(), &[]).await?;
    let counters = async || -> Result<[f64; 3]> {
        let metrics = ingester.metrics().await?;
        let count =
            |name: &str| metrics.sum(&format!("tributary_ingester_store_{name}_total"), &[]);
        let all = (count("puts"), count("gets"), count("lists"));
        let (Some(puts), Some(gets), Some(lists)) = all else { anyhow::bail!("{metrics:?}") };
        Ok([puts, gets, lists])
    };
    // A block and more, so that all that happens now and then happens.
    let time = Duration::from_secs(90);
    let (before, begun) = (counters().await?, Instant::now());
    let mut sent = 0;
    if rate > 0.0 {
        let mut load = Load::new(Traffic::of(&recordings()?)?);
        sent = load.run(&sidecar, Some(rate), time).await?.spans;
    } else {
        tokio::time::sleep(time).await;
    }
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    let after = counters().await?;
    let name = match rate {
        0.0 => "idle".to_owned(),
        _ => format!("at {:.0} spans/s", sent as f64 / minutes / 60.0),
    };
    let mut a_minute = [0.0; 3];
    let both = before.iter().zip(after);
    a_minute.iter_mut().zip(both).for_each(|(out, (b, a))| *out = (a - b) / minutes);
    let [puts, gets, lists] = a_minute;
    row(&format!("store PUTs a minute, {name}"), puts, "1/min");
    row(&format!("store GETs a minute, {name}"), gets, "1/min");
    row(&format!("store LISTs a minute, {name}"), lists, "1/min");
    row(
        &format!("requests at S3's list price, {name}"),
        dollars_a_month(puts + lists, gets),
        "$/month",
    );
    Ok(())
}

/// How long acknowledged spans are out of sight when the ingester that has them is killed and
/// not started again.
async fn takeover() -> Result<()> {
    let place = Place::folder()?;
    let mut victim = Ingester::start_as_deployed(&place, &[]).await?;
    let other = Ingester::start_as_deployed(&place, &[]).await?;
    let sidecar = Sidecar::start(&victim.wire.to_string(), &[]).await?;
    let mut load = Load::new(Traffic::of(&recordings()?)?);
    load.run(&sidecar, Some(1e4), Duration::from_secs(5)).await?;
    sidecar.all_acknowledged().await?;
    let metrics = victim.metrics().await?;
    let segments = metrics.sum("tributary_ingester_segments_uncovered", &[]).context("segments")?;
    victim.process.kill()?;
    let killed = Instant::now();
    other.until("tributary_ingester_segments_adopted_total", |n| n >= segments).await?;
    row("kill to the last span visible again", killed.elapsed().as_secs_f64(), "s");
    row("segments taken over", segments, "");
    Ok(())
}
