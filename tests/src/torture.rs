//! Traffic at full speed while ingesters are killed, frozen, replaced and cut off from their
//! store, and the books at the end: each span that a sidecar took is in a block, none twice in one.

mod applications;
mod chaos;

use crate::{Ingester, LONG, Place, books};
use anyhow::{Context, Result};
use applications::Applications;
use chaos::{Chaos, Event};
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tributary_journal::Journal;
use tributary_testkit::{disk, free_port, wait_for};

/// Ingesters at a time.
const INGESTERS: usize = 3;
/// How long spans stay in memory: short, so that every event meets all stages.
const FLAGS: &[&str] =
    &["--block-age", "3s", "--collect", "10s", "--compact", "1s", "--keep-compacted", "5s"];

/// What is to be endured.
#[derive(Debug, Clone)]
pub struct Torture {
    /// For how long things happen.
    pub time: Duration,
    /// Decides what happens when.
    pub seed: u64,
    /// Most spans a second that the applications send, all of them together; `None`: as many as the
    /// sidecars take.
    pub spans_per_second: Option<u64>,
}

/// What was endured.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Events by kind.
    pub kills: u32,
    /// Freezes for longer than suspicion takes.
    pub zombies: u32,
    /// Restarts under another identity.
    pub replaced: u32,
    /// Times that all ingesters were down.
    pub blackouts: u32,
    /// Times that the store did not answer.
    pub outages: u32,
    /// Times that the disk was full.
    pub full_disks: u32,
    /// Spans that sidecars took.
    pub spans: u64,
    /// Spans found in blocks, different ones.
    pub found: u64,
    /// Spans that stand in more than one block, resent after an answer got lost.
    pub twice: u64,
    /// Blocks.
    pub blocks: u64,
    /// Files that killed writers left unfinished in a folder.
    pub unfinished: usize,
    /// From a kill to nothing being left uncovered of what was killed, at the end of the run.
    pub settled: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills, {} zombies, {} replaced, {} blackouts, {} outages of the store, {} full disks; {} spans taken, {} found, {} in two blocks, {} blocks, {} unfinished files; settled in {:.1} s",
            self.kills,
            self.zombies,
            self.replaced,
            self.blackouts,
            self.outages,
            self.full_disks,
            self.spans,
            self.found,
            self.twice,
            self.blocks,
            self.unfinished,
            self.settled.as_secs_f64()
        )
    }
}

/// An ingester's place in the cluster: its wire address stays when another ingester takes it.
struct Seat {
    number: usize,
    wire: SocketAddr,
    lives: u32,
    ingester: Option<Ingester>,
    frozen: bool,
}

impl Seat {
    async fn start(&mut self, place: &Place, as_another: bool) -> Result<()> {
        self.lives += u32::from(as_another);
        let name = format!("seat-{}-{}", self.number, self.lives);
        // One keeps to its reserve when the disk is full, the others try to write.
        let reserve = ["--disk-reserve", if self.number == 0 { "auto" } else { "0" }];
        let own = ["--name", &name].into_iter().chain(reserve);
        let flags: Vec<&str> = FLAGS.iter().copied().chain(own).collect();
        self.ingester = Some(Ingester::start_with_wire(place, self.wire, &flags).await?);
        Ok(())
    }

    fn kill(&mut self) -> Result<()> {
        if let Some(mut ingester) = self.ingester.take() {
            ingester.process.kill()?;
        }
        self.frozen = false;
        Ok(())
    }
}

/// Lets everything happen to a cluster on `place`, then checks the books.
///
/// # Errors
/// When a span is missing, stands twice in a block, or was never sent; or when something does not
/// come back up.
pub async fn endure(mut place: Place, torture: Torture) -> Result<Report> {
    let mut seats = Vec::new();
    for number in 0..INGESTERS {
        let wire = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let mut seat = Seat { number, wire, lives: 0, ingester: None, frozen: false };
        seat.start(&place, false).await?;
        seats.push(seat);
    }
    let upstream: Vec<String> = seats.iter().map(|seat| seat.wire.to_string()).collect();
    let applications = Applications::start(&upstream.join(","), &torture)?;

    let mut report = Report::default();
    let end = Instant::now() + torture.time;
    for (pause, event) in Chaos::new(torture.seed, INGESTERS, torture.time) {
        if Instant::now() + pause >= end {
            break;
        }
        tokio::time::sleep(pause).await;
        happen(&event, &mut seats, &mut place, &mut report)
            .await
            .with_context(|| format!("{event:?}; so far {report}"))?;
    }
    for seat in seats.iter_mut().filter(|seat| seat.frozen) {
        if let Some(ingester) = &seat.ingester {
            ingester.process.thaw()?;
        }
    }
    for seat in seats.iter_mut().filter(|seat| seat.ingester.is_none()) {
        seat.start(&place, true).await?;
    }
    let ledger = applications.finish().await.with_context(|| logs(&seats))?;
    report.spans = ledger.len() as u64;

    let settling = Instant::now();
    let journal = Journal::new(books::open(&place).await?);
    wait_for("that no segment is left", LONG, || async {
        let survey = journal.survey().await.map_err(|e| e.to_string())?;
        let left = survey.into_iter().filter(|(_, held)| !held.segments.is_empty());
        let left: Vec<_> = left.map(|(epoch, held)| (epoch, held.segments)).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await
    .with_context(|| logs(&seats))?;
    report.settled = settling.elapsed();
    for seat in &mut seats {
        let ingester = seat.ingester.take().context("an ingester")?;
        ingester.stop().await?;
    }
    let balance = ledger.settle(&place).await.with_context(|| report.to_string())?;
    report.blocks = balance.blocks;
    report.found = balance.found;
    report.twice = balance.in_two_blocks;
    if let Some(folder) = place.path() {
        report.unfinished = disk::unfinished(&folder)?.len();
    }
    Ok(report)
}

async fn happen(
    event: &Event,
    seats: &mut [Seat],
    place: &mut Place,
    report: &mut Report,
) -> Result<()> {
    match *event {
        Event::Kill { seat, as_another, down } => {
            let seat = seats.get_mut(seat).context("a seat")?;
            seat.kill()?;
            report.kills += 1;
            report.replaced += u32::from(as_another);
            tokio::time::sleep(down).await;
            seat.start(place, as_another).await
        }
        Event::Freeze { seat } => {
            let seat = seats.get_mut(seat).context("a seat")?;
            if let Some(ingester) = seat.ingester.as_ref().filter(|_| !seat.frozen) {
                ingester.process.freeze()?;
                seat.frozen = true;
                report.zombies += 1;
            }
            Ok(())
        }
        Event::Thaw => {
            for seat in seats.iter_mut().filter(|seat| seat.frozen) {
                if let Some(ingester) = &seat.ingester {
                    ingester.process.thaw()?;
                }
                seat.frozen = false;
            }
            Ok(())
        }
        Event::Blackout { down } => {
            seats.iter_mut().try_for_each(Seat::kill)?;
            report.blackouts += 1;
            report.kills += u32::try_from(seats.len()).unwrap_or(u32::MAX);
            tokio::time::sleep(down).await;
            for seat in seats {
                seat.start(place, false).await?;
            }
            Ok(())
        }
        Event::Outage { down } => {
            let Place::Bucket(server) = place else { return Ok(()) };
            server.process().freeze()?;
            report.outages += 1;
            tokio::time::sleep(down).await;
            server.process().thaw()
        }
        Event::FullDisk { down, seat } => {
            let Place::Disk(disk) = place else { return Ok(()) };
            disk.fill()?;
            report.full_disks += 1;
            tokio::time::sleep(down / 2).await;
            let seat = seats.get_mut(seat).context("a seat")?;
            seat.kill()?;
            report.kills += 1;
            tokio::time::sleep(down / 2).await;
            disk.free()?;
            seat.start(place, false).await
        }
    }
}

/// The logs of the ingesters: they stand in the message of a run that failed.
fn logs(seats: &[Seat]) -> String {
    let log = |seat: &Seat| {
        let output = seat.ingester.as_ref().map(|i| i.process.output()).unwrap_or_default();
        format!("seat {}:\n{}", seat.number, output.join("\n"))
    };
    seats.iter().map(log).collect::<Vec<_>>().join("\n")
}
