//! Traffic at full speed while ingesters are killed, frozen, replaced, doubled and cut off from their
//! store or from some of its objects, and the books at the end: each span that a sidecar took is in a block, none twice in one.

mod applications;
mod chaos;
mod cluster;

use crate::{LONG, Place, books};
use anyhow::{Context, Result};
use applications::Applications;
use chaos::Chaos;
use cluster::Cluster;
use std::fmt;
use std::time::{Duration, Instant};
use tributary_journal::Journal;
use tributary_testkit::{disk, wait_for};

/// Ingesters at a time.
const INGESTERS: usize = 3;
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
    /// Times that some of the objects could not be read.
    pub denied: u32,
    /// Ingesters under the name of one that lived.
    pub namesakes: u32,
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
            "{} kills, {} zombies, {} replaced, {} blackouts, {} outages of the store, {} full disks, {} times objects unreadable, {} namesakes; {} spans taken, {} found, {} in two blocks, {} blocks, {} unfinished files; settled in {:.1} s",
            self.kills,
            self.zombies,
            self.replaced,
            self.blackouts,
            self.outages,
            self.full_disks,
            self.denied,
            self.namesakes,
            self.spans,
            self.found,
            self.twice,
            self.blocks,
            self.unfinished,
            self.settled.as_secs_f64()
        )
    }
}

/// Lets everything happen to a cluster on `place`, then checks the books.
///
/// # Errors
/// When a span is missing, stands twice in a block, or was never sent; or when something does not
/// come back up.
pub async fn endure(place: Place, torture: Torture) -> Result<Report> {
    let mut cluster = Cluster::start(place, INGESTERS, torture.seed).await?;
    let applications = Applications::start(&cluster.upstream(), &torture)?;

    let end = Instant::now() + torture.time;
    for (pause, event) in Chaos::new(torture.seed, INGESTERS, torture.time) {
        if Instant::now() + pause >= end {
            break;
        }
        tokio::time::sleep(pause).await;
        let happened = cluster.happen(&event).await;
        happened.with_context(|| format!("{event:?}; so far {}", cluster.report))?;
    }
    cluster.calm().await?;
    let ledger = applications.finish().await.with_context(|| cluster.logs())?;
    let mut report = cluster.report.clone();
    report.spans = ledger.len() as u64;

    let settling = Instant::now();
    let journal = Journal::new(books::open(&cluster.place).await?);
    wait_for("that no segment is left", LONG, || async {
        let survey = journal.survey().await.map_err(|e| e.to_string())?;
        let left = survey.into_iter().filter(|(_, held)| !held.segments.is_empty());
        let left: Vec<_> = left.map(|(epoch, held)| (epoch, held.segments)).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await
    .with_context(|| cluster.logs())?;
    report.settled = settling.elapsed();
    cluster.stop().await?;
    let balance = ledger.settle(&cluster.place).await.with_context(|| report.to_string())?;
    report.blocks = balance.blocks;
    report.found = balance.found;
    report.twice = balance.in_two_blocks;
    if let Some(folder) = cluster.place.path() {
        report.unfinished = disk::unfinished(&folder)?.len();
    }
    Ok(report)
}
