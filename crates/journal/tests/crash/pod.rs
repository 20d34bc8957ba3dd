//! The smallest ingester: takes the journal's steps in their order. A frame's payload is the name
//! of a row, and a block's data is its rows, one a line.

use crate::ledger::Ledger;
use bytes::Bytes;
use futures_util::future::try_join_all;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};
use tributary_journal::adopt::{self, Adoption};
use tributary_journal::commit::{self, CommitRun, Ended};
use tributary_journal::segment::{Header, Segment};
use tributary_journal::{
    BlockEntry, Commit, EpochId, Journal, JournalError, NewFrame, Sealed, SegmentBuilder, Slot,
    Uid, WriterEpoch, id, layout,
};
use tributary_store::Created;

type Result<T> = std::result::Result<T, JournalError>;

/// Replays are cut into runs of this many bytes: about two segments of these tests.
const PIECE: u64 = 600;

pub(crate) struct Pod {
    number: u8,
    journal: Journal,
    ledger: Ledger,
    drawn: AtomicU8,
}

struct OnItsWay {
    sealed: Sealed,
    rows: Vec<String>,
}

/// Tries again while trying again may help, as an ingester would.
async fn insist<T>(mut attempt: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    loop {
        match attempt().await {
            Err(JournalError::Store(e)) if e.is_transient() => {}
            settled => return settled,
        }
    }
}

impl Pod {
    pub(crate) fn new(number: u8, journal: Journal, ledger: Ledger) -> Self {
        Pod { number, journal, ledger, drawn: AtomicU8::new(0) }
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Bytes that no other pod and no other call gives.
    fn unique<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [self.number; N];
        bytes[0] = self.drawn.fetch_add(1, Ordering::SeqCst);
        bytes
    }

    fn open(&self) -> WriterEpoch {
        WriterEpoch::new(EpochId::new(1_795_442_400, self.unique()))
    }

    /// Writes three generations of two, two and one segments and closes its epoch. Answers how
    /// many epochs it lost on the way.
    pub(crate) async fn write(&self) -> Result<u32> {
        let mut epoch = self.open();
        let mut row = 0;
        let mut lost = 0;
        for segments in [2, 2, 1] {
            let sealed: Vec<_> = (0..segments).map(|_| self.seal(&mut epoch, &mut row)).collect();
            // At once, as an ingester does: a later segment may be there before an earlier one.
            let id = epoch.id();
            try_join_all(sealed.iter().map(|segment| self.put(id, segment))).await?;
            for segment in &sealed {
                epoch.durable(segment.sealed.info).unwrap();
            }
            epoch.freeze();
            if let Some(commit) = epoch.begin_commit() {
                let parse =
                    |segment: &OnItsWay| Segment::parse(segment.sealed.bytes.clone()).unwrap();
                let memory: Vec<_> = sealed.iter().map(parse).collect();
                self.commit_own(&mut epoch, &commit, &memory).await?;
            }
            if epoch.is_lost() {
                lost += 1;
                epoch = self.open();
            }
        }
        epoch.close();
        while let Some(commit) = epoch.begin_commit() {
            self.commit_own(&mut epoch, &commit, &[]).await?;
        }
        Ok(lost)
    }

    /// A segment with one row for each of two tenants.
    fn seal(&self, epoch: &mut WriterEpoch, row: &mut u64) -> OnItsWay {
        let n = epoch.reserve().unwrap();
        let mut builder = SegmentBuilder::new();
        let mut rows = Vec::new();
        for (stream, tenant) in [(0, "a"), (1, "b")] {
            let payload = format!("{}-{row}", self.number);
            rows.push(format!("{tenant}/{payload}"));
            let frame = NewFrame {
                stream,
                tenant,
                incarnation: Uid([self.number; 16]),
                seq: *row,
                dict: 0,
                spans: 1,
                defines: &[],
                definitions: &[],
                payload: payload.as_bytes(),
            };
            builder.push(&frame).unwrap();
        }
        *row += 1;
        let header = Header {
            epoch: epoch.id(),
            n,
            uid: Uid(self.unique()),
            written_ms: 0,
            instance: format!("pod-{}", self.number),
        };
        OnItsWay { sealed: builder.seal(&header), rows }
    }

    async fn put(&self, epoch: EpochId, segment: &OnItsWay) -> Result<()> {
        let put = async || self.journal.put_segment(&epoch, &segment.sealed).await;
        assert_eq!(insist(put).await?, Created::Won, "no other process writes in this epoch");
        self.ledger.ack(segment.rows.clone());
        Ok(())
    }

    async fn commit_own(
        &self,
        epoch: &mut WriterEpoch,
        commit: &Commit,
        memory: &[Segment],
    ) -> Result<()> {
        let covered =
            |segment: &&Segment| commit.generation.segments.contains_key(&segment.info().n);
        let segments: Vec<_> = memory.iter().filter(covered).cloned().collect();
        assert_eq!(segments.len(), commit.generation.segments.len());
        let (slot, data) = self.build(&epoch.id(), commit.slot, &segments);
        let mut run = CommitRun::new(Slot { closed: commit.closes, ..slot });
        match self.carry_out(&mut run, &data).await? {
            Ended::Lost => drop(epoch.slot_lost(commit.slot).unwrap()),
            Ended::Won => {
                epoch.slot_won(commit.slot).unwrap();
                let deletable = epoch.metas_written(commit.slot).unwrap();
                epoch.deleted(&deletable).unwrap();
            }
        }
        Ok(())
    }

    /// Takes the steps of a commit.
    async fn carry_out(&self, run: &mut CommitRun, data: &[Bytes]) -> Result<Ended> {
        let journal = &self.journal;
        loop {
            let done = match run.step() {
                commit::Step::StoreData(blocks) => {
                    for (block, data) in blocks.iter().zip(data) {
                        for name in ["data.parquet", "bloom-0"] {
                            let path = layout::block_object(&block.tenant, &block.id, name);
                            let put = async || Ok(journal.store().put(&path, data.clone()).await?);
                            insist(put).await?;
                        }
                    }
                    commit::Done::Stored
                }
                commit::Step::CreateSlot(slot) => {
                    commit::Done::Slot(insist(async || journal.put_slot(slot).await).await?)
                }
                commit::Step::ListFloor => {
                    let epoch = run.slot().epoch;
                    let covered = insist(async || journal.is_below_floor(&epoch).await).await?;
                    commit::Done::Floor { covered }
                }
                commit::Step::WriteMetas(blocks) => {
                    insist(async || journal.write_metas(blocks).await).await?;
                    commit::Done::Shown
                }
                commit::Step::Delete(numbers) => {
                    let epoch = run.slot().epoch;
                    insist(async || journal.delete_segments(&epoch, &numbers).await).await?;
                    commit::Done::Deleted
                }
                commit::Step::Ended(ended) => return Ok(ended),
            };
            run.done(done).unwrap();
        }
    }

    /// A slot and the data of its blocks, one a tenant.
    fn build(&self, epoch: &EpochId, k: u32, segments: &[Segment]) -> (Slot, Vec<Bytes>) {
        let mut tenants: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for group in segments.iter().flat_map(Segment::groups) {
            let rows = tenants.entry(&group.tenant).or_default();
            rows.extend(group.frames.iter().map(|f| std::str::from_utf8(&f.payload).unwrap()));
        }
        let (mut blocks, mut all_data) = (Vec::new(), Vec::new());
        for (tenant, rows) in tenants {
            let id = id::mint_block(epoch, k, self.unique()).unwrap();
            let data = Bytes::from(rows.join("\n"));
            let (size, crc) = (data.len() as u64, 0);
            all_data.push(data);
            let (tenant, meta) = (tenant.to_owned(), Bytes::from_static(b"{}"));
            blocks.push(BlockEntry { tenant, id, meta, rows: rows.len() as u64, size, crc });
        }
        let slot = Slot {
            uid: Uid(self.unique()),
            epoch: *epoch,
            k,
            rows_in: blocks.iter().map(|block| block.rows).sum(),
            blocks,
            covers: segments.iter().map(Segment::info).collect(),
            quarantined: Vec::new(),
            duplicates: 0,
            rejected: 0,
            relogged: 0,
            conflicts: 0,
            closed: false,
            adopted: false,
        };
        (slot, all_data)
    }

    /// Adopts every epoch until nothing is left to do.
    pub(crate) async fn recover(&self) -> Result<()> {
        for epoch in self.journal.epochs().await? {
            self.adopt(&epoch).await?;
        }
        Ok(())
    }

    async fn adopt(&self, epoch: &EpochId) -> Result<()> {
        let journal = &self.journal;
        let mut adoption = Adoption::new(PIECE);
        let mut data = Vec::new();
        loop {
            let done = match adoption.step() {
                adopt::Step::ReadSlots => adopt::Done::Slots(journal.slots(epoch).await?),
                adopt::Step::ListSegments => adopt::Done::Segments(journal.segments(epoch).await?),
                adopt::Step::LookAtBlocks(blocks) => {
                    adopt::Done::Blocks(journal.block_states(&blocks).await?)
                }
                adopt::Step::ListFloor => {
                    adopt::Done::Floor { covered: journal.is_below_floor(epoch).await? }
                }
                adopt::Step::WriteMetas(blocks) => {
                    journal.write_metas(&blocks).await?;
                    adopt::Done::Shown
                }
                adopt::Step::Delete(numbers) => {
                    journal.delete_segments(epoch, &numbers).await?;
                    adopt::Done::Deleted
                }
                adopt::Step::Build { k, segments } => match self.read(epoch, &segments).await? {
                    Some(segments) => {
                        let (slot, built) = self.build(epoch, k, &segments);
                        data = built;
                        let slot = Some(Slot { adopted: true, ..slot });
                        adopt::Done::Built { slot, rest: Vec::new() }
                    }
                    None => adopt::Done::OutOfDate,
                },
                adopt::Step::Commit(mut run) => {
                    adopt::Done::Committed(self.carry_out(&mut run, &data).await?)
                }
                adopt::Step::Relog(n) => {
                    let header = Header {
                        epoch: EpochId::new(1_795_446_000, self.unique()),
                        n: 0,
                        uid: Uid(self.unique()),
                        written_ms: 0,
                        instance: String::new(),
                    };
                    journal.relog(epoch, n, &header).await?;
                    adopt::Done::Relogged
                }
                adopt::Step::Ended(summary) => {
                    assert!(summary.unproven.is_empty() && !summary.gave_up, "{summary:?}");
                    return Ok(());
                }
            };
            adoption.done(done).unwrap();
        }
    }

    /// `None` when another process was quicker.
    async fn read(&self, epoch: &EpochId, numbers: &[u64]) -> Result<Option<Vec<Segment>>> {
        let mut segments = Vec::new();
        for n in numbers {
            match self.journal.get_segment(epoch, *n).await {
                Ok(segment) => segments.push(segment),
                Err(JournalError::Store(e)) if e.is_not_found() => return Ok(None),
                Err(e) => return Err(e),
            }
        }
        Ok(Some(segments))
    }
}
