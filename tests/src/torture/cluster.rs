//! Ingesters on one store, and how each event is brought about.

use super::Report;
use super::chaos::Event;
use crate::{Ingester, Place};
use anyhow::{Context, Result};
use std::net::SocketAddr;
use std::time::Duration;
use tributary_testkit::{Random, free_port};

/// How long spans stay in memory: short, so that every event meets all stages.
const FLAGS: &[&str] =
    &["--block-age", "3s", "--collect", "10s", "--compact", "1s", "--keep-compacted", "5s"];

/// An ingester's place in the cluster: its wire address stays when another ingester takes it.
struct Seat {
    number: usize,
    wire: SocketAddr,
    lives: u32,
    ingester: Option<Ingester>,
    frozen: bool,
}

impl Seat {
    fn name(&self) -> String {
        format!("seat-{}-{}", self.number, self.lives)
    }

    async fn start(&mut self, place: &Place, as_another: bool) -> Result<()> {
        self.lives += u32::from(as_another);
        // One keeps to its reserve when the disk is full, the others try to write.
        let reserve = if self.number == 0 { "auto" } else { "0" };
        self.ingester = Some(start(place, self.wire, &self.name(), reserve).await?);
        Ok(())
    }

    fn kill(&mut self) -> Result<()> {
        if let Some(mut ingester) = self.ingester.take() {
            ingester.process.kill()?;
        }
        self.frozen = false;
        Ok(())
    }

    fn thaw(&mut self) -> Result<()> {
        match &self.ingester {
            Some(ingester) if std::mem::take(&mut self.frozen) => ingester.process.thaw(),
            _ => Ok(()),
        }
    }
}

async fn start(place: &Place, wire: SocketAddr, name: &str, reserve: &str) -> Result<Ingester> {
    let own = ["--name", name, "--disk-reserve", reserve];
    let flags: Vec<&str> = FLAGS.iter().copied().chain(own).collect();
    Ingester::start_with_wire(place, wire, &flags).await
}

/// Ingesters, and the store that they share.
pub(super) struct Cluster {
    pub(super) place: Place,
    pub(super) report: Report,
    seats: Vec<Seat>,
    /// Where an ingester listens that has another one's name.
    guest: SocketAddr,
    /// Decides which objects are denied.
    random: Random,
}

impl Cluster {
    /// Starts so many ingesters.
    pub(super) async fn start(place: Place, ingesters: usize, seed: u64) -> Result<Cluster> {
        let wire = || anyhow::Ok(SocketAddr::from(([127, 0, 0, 1], free_port()?)));
        let mut seats = Vec::new();
        for number in 0..ingesters {
            let mut seat = Seat { number, wire: wire()?, lives: 0, ingester: None, frozen: false };
            seat.start(&place, false).await?;
            seats.push(seat);
        }
        let random = Random::new(seed);
        Ok(Cluster { place, report: Report::default(), seats, guest: wire()?, random })
    }

    /// What sidecars are given.
    pub(super) fn upstream(&self) -> String {
        let wires = self.seats.iter().map(|seat| seat.wire).chain([self.guest]);
        wires.map(|wire| wire.to_string()).collect::<Vec<_>>().join(",")
    }

    /// Lets one thing happen.
    pub(super) async fn happen(&mut self, event: &Event) -> Result<()> {
        match *event {
            Event::Kill { seat, as_another, down } => self.replace(seat, as_another, down).await,
            Event::Freeze { seat } => self.freeze(seat),
            Event::Thaw => self.seats.iter_mut().try_for_each(Seat::thaw),
            Event::Blackout { down } => self.blackout(down).await,
            Event::Outage { down } => self.outage(down).await,
            Event::FullDisk { down, seat } => self.full_disk(down, seat).await,
            Event::Denied { down, share, seat } => self.denied(down, share, seat).await,
            Event::Namesake { seat, down } => self.namesake(seat, down).await,
        }
    }

    /// Nothing more happens: all seats are taken, and all ingesters run.
    pub(super) async fn calm(&mut self) -> Result<()> {
        self.seats.iter_mut().try_for_each(Seat::thaw)?;
        for seat in self.seats.iter_mut().filter(|seat| seat.ingester.is_none()) {
            seat.start(&self.place, true).await?;
        }
        Ok(())
    }

    /// Tells all to end, and waits until they have.
    pub(super) async fn stop(&mut self) -> Result<()> {
        for seat in &mut self.seats {
            seat.ingester.take().context("an ingester")?.stop().await?;
        }
        Ok(())
    }

    /// The logs of the ingesters: they stand in the message of a run that failed.
    pub(super) fn logs(&self) -> String {
        let log = |seat: &Seat| {
            let output = seat.ingester.as_ref().map(|i| i.process.output()).unwrap_or_default();
            format!("seat {}:\n{}", seat.number, output.join("\n"))
        };
        self.seats.iter().map(log).collect::<Vec<_>>().join("\n")
    }

    async fn replace(&mut self, seat: usize, as_another: bool, down: Duration) -> Result<()> {
        let seat = self.seats.get_mut(seat).context("a seat")?;
        seat.kill()?;
        self.report.kills += 1;
        self.report.replaced += u32::from(as_another);
        tokio::time::sleep(down).await;
        seat.start(&self.place, as_another).await
    }

    fn freeze(&mut self, seat: usize) -> Result<()> {
        let seat = self.seats.get_mut(seat).context("a seat")?;
        if let Some(ingester) = seat.ingester.as_ref().filter(|_| !seat.frozen) {
            ingester.process.freeze()?;
            seat.frozen = true;
            self.report.zombies += 1;
        }
        Ok(())
    }

    async fn blackout(&mut self, down: Duration) -> Result<()> {
        self.seats.iter_mut().try_for_each(Seat::kill)?;
        self.report.blackouts += 1;
        self.report.kills += u32::try_from(self.seats.len()).unwrap_or(u32::MAX);
        tokio::time::sleep(down).await;
        for seat in &mut self.seats {
            seat.start(&self.place, false).await?;
        }
        Ok(())
    }

    async fn outage(&mut self, down: Duration) -> Result<()> {
        let Place::Bucket(server) = &mut self.place else { return Ok(()) };
        server.process().freeze()?;
        self.report.outages += 1;
        tokio::time::sleep(down).await;
        server.process().thaw()
    }

    async fn full_disk(&mut self, down: Duration, seat: usize) -> Result<()> {
        let Place::Disk(disk) = &self.place else { return Ok(()) };
        disk.fill()?;
        self.report.full_disks += 1;
        tokio::time::sleep(down / 2).await;
        let seat = self.seats.get_mut(seat).context("a seat")?;
        seat.kill()?;
        self.report.kills += 1;
        tokio::time::sleep(down / 2).await;
        disk.free()?;
        seat.start(&self.place, false).await
    }

    async fn denied(&mut self, down: Duration, share: u8, seat: usize) -> Result<()> {
        match &self.place {
            Place::Disk(disk) => disk.deny(share.into(), &mut self.random)?,
            Place::Bucket(server) => server.deny(share, self.random.bits()).await?,
            Place::Folder(_) | Place::Container(_) => return Ok(()),
        }
        self.report.denied += 1;
        tokio::time::sleep(down / 2).await;
        self.replace(seat, false, Duration::ZERO).await?;
        tokio::time::sleep(down / 2).await;
        match &self.place {
            Place::Disk(disk) => disk.allow(),
            Place::Bucket(server) => server.deny(0, 0).await,
            Place::Folder(_) | Place::Container(_) => Ok(()),
        }
    }

    async fn namesake(&mut self, seat: usize, down: Duration) -> Result<()> {
        let name = self.seats.get(seat).context("a seat")?.name();
        let mut ingester = start(&self.place, self.guest, &name, "0").await?;
        self.report.namesakes += 1;
        tokio::time::sleep(down).await;
        ingester.process.kill()?;
        self.report.kills += 1;
        Ok(())
    }
}
