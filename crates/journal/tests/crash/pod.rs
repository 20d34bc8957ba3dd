//! The smallest ingester: takes the journal's steps in their order. A frame's payload is the name
//! of a row, and a block's data is its rows, one a line.

use crate::ledger::Ledger;
use bytes::Bytes;
use futures_util::future::try_join_all;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};
use tributary_journal::recover::{self, pieces};
use tributary_journal::segment::{Header, Segment};
use tributary_journal::{
    BlockEntry, Commit, EpochId, Journal, JournalError, NewFrame, Sealed, SegmentBuilder, Slot,
    StreamAcks, Uid, WriterEpoch, id, layout,
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
        let mut acks = StreamAcks::new();
        let mut row = 0;
        let mut lost = 0;
        for segments in [2, 2, 1] {
            let sealed: Vec<_> =
                (0..segments).map(|_| self.seal(&mut epoch, &mut acks, &mut row)).collect();
            // At once, as an ingester does: a later segment may be there before an earlier one.
            let id = epoch.id();
            try_join_all(sealed.iter().map(|segment| self.put(id, segment))).await?;
            let ordinals = (0..row).rev().take(segments);
            let acked = ordinals.zip(sealed.iter().rev()).filter_map(|(ordinal, segment)| {
                epoch.durable(segment.sealed.info).unwrap();
                acks.durable(ordinal)
            });
            assert_eq!(acked.last(), Some(row - 1), "all of them, once the first is durable");
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
    fn seal(&self, epoch: &mut WriterEpoch, acks: &mut StreamAcks, row: &mut u64) -> OnItsWay {
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
        // One segment a row here, so the row's number is the segment's ordinal.
        acks.logged(*row, *row);
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
        assert_eq!(insist(put).await?, Created::Won, "nobody else writes in this epoch");
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
        let slot = self.build(&epoch.id(), commit.slot, &segments).await?;
        let slot = Slot { closed: commit.closes, ..slot };
        if insist(async || self.journal.put_slot(&slot).await).await? == Created::Lost {
            epoch.slot_lost(commit.slot).unwrap();
            return Ok(());
        }
        epoch.slot_won(commit.slot).unwrap();
        insist(async || self.journal.write_metas(&slot.blocks).await).await?;
        let deletable = epoch.metas_written(commit.slot).unwrap();
        insist(async || self.journal.delete_segments(&epoch.id(), &deletable).await).await?;
        epoch.deleted(&deletable).unwrap();
        Ok(())
    }

    /// Writes the data of a slot's blocks, one a tenant.
    async fn build(&self, epoch: &EpochId, k: u32, segments: &[Segment]) -> Result<Slot> {
        let mut tenants: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for group in segments.iter().flat_map(Segment::groups) {
            let rows = tenants.entry(&group.tenant).or_default();
            rows.extend(group.frames.iter().map(|f| std::str::from_utf8(&f.payload).unwrap()));
        }
        let mut blocks = Vec::new();
        for (tenant, rows) in tenants {
            let id = id::mint_block(epoch, k, self.unique()).unwrap();
            let data = Bytes::from(rows.join("\n"));
            let (size, crc) = (data.len() as u64, 0);
            for name in ["data.parquet", "bloom-0"] {
                let path = layout::block_object(tenant, &id, name);
                insist(async || Ok(self.journal.store().put(&path, data.clone()).await?)).await?;
            }
            let (tenant, meta) = (tenant.to_owned(), Bytes::from_static(b"{}"));
            blocks.push(BlockEntry { tenant, id, meta, rows: rows.len() as u64, size, crc });
        }
        Ok(Slot {
            uid: Uid(self.unique()),
            epoch: *epoch,
            k,
            rows_in: blocks.iter().map(|block| block.rows).sum(),
            blocks,
            covers: segments.iter().map(Segment::info).collect(),
            quarantined: Vec::new(),
            duplicates: 0,
            rejected: 0,
            conflicts: 0,
            closed: false,
            adopted: false,
        })
    }

    /// Adopts every epoch until nothing is left to do.
    pub(crate) async fn recover(&self) -> Result<()> {
        for epoch in self.journal.epochs().await? {
            while !self.recover_once(&epoch).await? {}
        }
        Ok(())
    }

    /// Answers whether the epoch is done with; if not, the view of it was out of date.
    async fn recover_once(&self, epoch: &EpochId) -> Result<bool> {
        let listing = self.journal.listing(epoch).await?;
        let blocks = recover::blocks_to_look_at(&listing);
        let states = self.journal.block_states(&blocks).await?;
        let plan = recover::plan(&listing, &states);
        assert!(plan.unproven.is_empty(), "{plan:?}");
        self.journal.write_metas(&plan.finish).await?;
        self.journal.delete_segments(epoch, &plan.deletable).await?;
        self.journal.delete_segments(epoch, &plan.deletable_after_finish).await?;
        for (k, piece) in (plan.next_slot..).zip(pieces(&plan.uncovered, PIECE)) {
            let mut segments = Vec::new();
            for n in &piece {
                match self.journal.get_segment(epoch, *n).await {
                    Ok(segment) => segments.push(segment),
                    // Somebody else was quicker.
                    Err(JournalError::Store(e)) if e.is_not_found() => return Ok(false),
                    Err(e) => return Err(e),
                }
            }
            let slot = Slot { adopted: true, ..self.build(epoch, k, &segments).await? };
            if self.journal.put_slot(&slot).await? == Created::Lost {
                return Ok(false);
            }
            self.journal.write_metas(&slot.blocks).await?;
            self.journal.delete_segments(epoch, &piece).await?;
        }
        Ok(true)
    }
}
