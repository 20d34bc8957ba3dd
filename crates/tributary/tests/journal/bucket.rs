//! A bucket in a folder, written as an ingester writes: frames, segments, blocks, slots, metas.

use bytes::Bytes;
use prost::Message;
use std::path::{Path, PathBuf};
use tributary_block::{FinishedBlock, Object, WriterSettings};
use tributary_journal::segment::Header;
use tributary_journal::{
    BlockEntry, EpochId, Heartbeat, Journal, NewFrame, Sealed, SegmentBuilder, SegmentInfo, Slot,
    Uid, id, layout,
};
use tributary_span::Columns;
use tributary_span::columns::Builder;
use tributary_span::otlp::{Limits, decode};
use tributary_store::{Created, Store, StoreOptions};
use tributary_wire::frame::Encoder;
use uuid::Uuid;

pub(crate) const TENANT: &str = "single-tenant";

pub(crate) struct Bucket {
    folder: tempfile::TempDir,
    journal: Journal,
    epoch: EpochId,
    next_segment: u64,
    next_slot: u32,
    trace: u64,
}

impl Bucket {
    /// Slot 0 covers segments 0 and 1, which are deleted; slot 1 covers 2 and 3, which are still
    /// there; 4 is not covered. Each segment has one trace of two spans.
    pub(crate) async fn written() -> Bucket {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions { fsync: false, ..StoreOptions::default() };
        let store = Store::open(folder.path().to_str().unwrap(), &options).await.unwrap();
        let journal = Journal::new(store);
        journal.open_cluster(Uid([1; 16]), None).await.unwrap();
        let epoch = EpochId::new(1_795_442_400, [7; 12]);
        let heartbeat = Heartbeat {
            process: Uid([2; 16]),
            instance: "ingester-0".into(),
            query_address: String::new(),
            wire_address: String::new(),
            zone: String::new(),
            epochs: vec![epoch],
            counter: 1,
            started: 0,
        };
        journal.beat(&heartbeat).await.unwrap();
        let (next_segment, next_slot, trace) = (0, 0, 1);
        let mut bucket = Bucket { folder, journal, epoch, next_segment, next_slot, trace };
        bucket.commit_two_segments(true).await;
        bucket.commit_two_segments(false).await;
        bucket.segment().await;
        bucket
    }

    pub(crate) fn path(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    pub(crate) fn file(&self, path: &str) -> PathBuf {
        Path::new(self.path()).join(path)
    }

    pub(crate) fn epoch(&self) -> EpochId {
        self.epoch
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The block of a slot; this bucket's random parts are the slots' numbers.
    pub(crate) fn block(&self, k: u8) -> String {
        layout::block(TENANT, &self.block_id(k.into(), k))
    }

    pub(crate) fn block_id(&self, k: u32, random: u8) -> Uuid {
        id::mint_block(&self.epoch, k, [random; 6]).unwrap()
    }

    /// Writes the next segment: one trace, of two spans.
    pub(crate) async fn segment(&mut self) -> (SegmentInfo, Columns) {
        let request = tributary_testkit::sample::request(self.trace).encode_to_vec();
        self.trace += 1;
        let mut builder = Builder::new();
        decode::append_all(&mut builder, &request, &Limits::default()).unwrap();
        let columns = builder.take();
        let mut encoder = Encoder::new();
        let frame = encoder.encode(&columns);
        let defines: Vec<u32> = (0..frame.needs).collect();
        let definitions = encoder.definitions(frame.dict, 0..frame.needs).unwrap();
        let sealed = self.seal(&NewFrame {
            stream: 1,
            tenant: TENANT,
            incarnation: Uid([3; 16]),
            seq: self.trace,
            dict: frame.dict,
            spans: u32::try_from(columns.len()).unwrap(),
            defines: &defines,
            definitions: &definitions,
            payload: &frame.payload,
        });
        assert_eq!(self.journal.put_segment(&self.epoch, &sealed).await.unwrap(), Created::Won);
        (sealed.info, columns)
    }

    pub(crate) fn seal(&mut self, frame: &NewFrame<'_>) -> Sealed {
        let mut builder = SegmentBuilder::new();
        builder.push(frame).unwrap();
        let (epoch, n, uid) = (self.epoch, self.next_segment, Uid([4; 16]));
        self.next_segment += 1;
        builder.seal(&Header { epoch, n, uid, written_ms: 0, instance: String::new() })
    }

    /// Writes two segments and commits them; deletes them too, if told so.
    pub(crate) async fn commit_two_segments(&mut self, delete: bool) {
        let (first, one) = self.segment().await;
        let (second, two) = self.segment().await;
        let k = self.next_slot;
        self.next_slot += 1;
        let id = self.block_id(k, u8::try_from(k % 251).unwrap());
        let block = self.store_block(id, &[&one, &two]).await;
        let slot = slot(self.epoch, k, vec![entry(&block)], vec![first, second]);
        assert_eq!(self.journal.put_slot(&slot).await.unwrap(), Created::Won);
        self.journal.write_metas(&slot.blocks).await.unwrap();
        if delete {
            self.journal.delete_segments(&self.epoch, &[first.n, second.n]).await.unwrap();
        }
    }

    /// Stores a block's data and filters.
    pub(crate) async fn store_block(&self, id: Uuid, batches: &[&Columns]) -> FinishedBlock {
        let settings = WriterSettings::default();
        let block = tributary_block::write(id, TENANT, batches, &settings).unwrap();
        let store = self.journal.store();
        let path = |object: Object| layout::block_object(TENANT, &id, &object.name());
        for (n, bloom) in (0..).zip(&block.blooms) {
            store.put(&path(Object::Bloom(n)), bloom.clone()).await.unwrap();
        }
        store.put(&path(Object::Data), block.data.clone()).await.unwrap();
        block
    }
}

pub(crate) fn entry(block: &FinishedBlock) -> BlockEntry {
    BlockEntry {
        tenant: TENANT.to_owned(),
        id: block.meta.block_id,
        meta: Bytes::from(block.meta.to_json()),
        rows: block.stats.spans,
        size: block.data.len() as u64,
        crc: crc32fast::hash(&block.data),
    }
}

pub(crate) fn slot(
    epoch: EpochId,
    k: u32,
    blocks: Vec<BlockEntry>,
    covers: Vec<SegmentInfo>,
) -> Slot {
    let rows_in = covers.iter().map(|segment| segment.spans).sum();
    let rows: u64 = blocks.iter().map(|block| block.rows).sum();
    Slot {
        uid: Uid([5; 16]),
        epoch,
        k,
        duplicates: rows_in - rows,
        blocks,
        covers,
        quarantined: Vec::new(),
        rows_in,
        rejected: 0,
        relogged: 0,
        conflicts: 0,
        closed: false,
        adopted: false,
    }
}
