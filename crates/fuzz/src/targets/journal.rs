//! Segments, commit slots, windows' records, heartbeats and the bucket's identity.

use bytes::Bytes;
use tributary_journal::cluster::{Cluster, FORMAT};
use tributary_journal::record::Input;
use tributary_journal::segment::Header;
use tributary_journal::slot::SlotError;
use tributary_journal::window::mint_compacted;
use tributary_journal::{
    BlockEntry, CompactionWindow, EpochId, Heartbeat, NewFrame, Record, Segment, SegmentBuilder,
    SegmentInfo, Slot, Uid, id,
};

fn epoch() -> EpochId {
    EpochId::new(1_795_442_400, [1; 12])
}

pub(super) fn segments() -> Vec<Vec<u8>> {
    [0, 1, 5, 40].map(a_segment).to_vec()
}

fn a_segment(frames: u32) -> Vec<u8> {
    let mut builder = SegmentBuilder::new();
    for i in 0..frames {
        let frame = NewFrame {
            stream: i % 3,
            tenant: if i % 3 == 0 { "single-tenant" } else { "b" },
            incarnation: Uid([2; 16]),
            seq: u64::from(i) * 1000,
            dict: i / 4,
            spans: 10 * i,
            defines: &[1, 2],
            definitions: if i % 4 == 0 { b"definitions" } else { b"" },
            payload: b"payload",
        };
        builder.push(&frame).unwrap_or_default();
    }
    let header = Header {
        epoch: epoch(),
        n: 7,
        uid: Uid([3; 16]),
        written_ms: 1_795_442_400_123,
        instance: "ingester-0".into(),
    };
    builder.seal(&header).bytes.to_vec()
}

/// Parses; what is accepted is as long as it says and holds no more than it has bytes for.
pub(super) fn segment(input: &[u8]) -> String {
    match Segment::parse(Bytes::copy_from_slice(input)) {
        Err(error) => super::unquoted(&error),
        Ok(segment) => {
            let info = segment.info();
            let frames = || segment.groups().iter().flat_map(|group| &group.frames);
            let definitions = segment.groups().iter().flat_map(|group| &group.definitions);
            let payloads = frames().map(|frame| frame.payload.len()).sum::<usize>();
            let pieces = payloads + definitions.map(Bytes::len).sum::<usize>();
            assert!(pieces <= input.len(), "{pieces} bytes of {}", input.len());
            assert_eq!(info.len, input.len() as u64);
            assert_eq!(info.spans, frames().map(|frame| u64::from(frame.spans)).sum::<u64>());
            format!("{} groups", segment.groups().len())
        }
    }
}

/// Offsets by the byte layout that the module `segment` of the journal states.
pub(super) fn repair_segment(input: &mut [u8]) {
    let Some((rest, foot)) = input.split_last_chunk_mut::<24>() else { return };
    let Some((head, _)) = rest.split_first_chunk_mut::<64>() else { return };
    let crc = crc(head.get(16..));
    put(head.get_mut(12..16), crc);
    let directory = foot.first_chunk().copied().map_or(0, u32::from_le_bytes) as usize;
    let start = rest.len().saturating_sub(directory);
    let of_directory = self::crc(rest.get(start..));
    put(foot.get_mut(4..8), of_directory);
    put(foot.get_mut(8..12), self::crc(Some(rest)));
}

fn crc(bytes: Option<&[u8]>) -> u32 {
    crc32fast::hash(bytes.unwrap_or_default())
}

fn put(field: Option<&mut [u8]>, crc: u32) {
    field.unwrap_or_default().iter_mut().zip(crc.to_le_bytes()).for_each(|(to, from)| *to = from);
}

pub(super) fn slots() -> Vec<Vec<u8>> {
    [(0, 0), (1, 1), (5, 60)].map(|(blocks, segments)| a_slot(blocks, segments)).to_vec()
}

fn a_slot(blocks: u8, segments: u64) -> Vec<u8> {
    let block = |i: u8| BlockEntry {
        tenant: "single-tenant".into(),
        id: id::mint_block(&epoch(), 3, [i; 6]).unwrap_or_default(),
        meta: Bytes::from_static(br#"{"format":"vParquet4","blockID":"..."}"#),
        rows: 10,
        size: 123_456,
        crc: 0xdead_beef,
    };
    let cover = |n| SegmentInfo { n, len: 4096, crc: 7, spans: 50 };
    // All spans of the segments are accounted for, or it could not be written.
    let rows_in = 50 * segments;
    let duplicates = segments.min(1);
    let slot = Slot {
        uid: Uid([2; 16]),
        epoch: epoch(),
        k: 3,
        blocks: (0..blocks).map(block).collect(),
        covers: (0..segments).map(cover).collect(),
        quarantined: vec![1000, 1001],
        rows_in,
        duplicates,
        rejected: rows_in - 10 * u64::from(blocks) - duplicates,
        relogged: 0,
        conflicts: 2,
        closed: true,
        adopted: false,
    };
    slot.encode().map(|encoded| encoded.bytes.to_vec()).unwrap_or_default()
}

/// Decodes; what is accepted can be written again and is then read as the same. But a slot that
/// covers segments with other spans than its rows is read, and never written.
pub(super) fn slot(input: &[u8]) -> String {
    match Slot::decode(input) {
        Err(error) => super::unquoted(&error),
        Ok(slot) => {
            let again = slot.encode().map(|encoded| Slot::decode(&encoded.bytes));
            let mut spans = slot.covers.iter().map(|segment| segment.spans);
            match spans.try_fold(0, u64::checked_add) == Some(slot.rows_in) {
                true => assert_eq!(again, Ok(Ok(slot.clone()))),
                false => assert!(matches!(again, Err(SlotError::Wrong(_))), "{again:?}"),
            }
            format!("{} blocks, {} segments", slot.blocks.len(), slot.covers.len())
        }
    }
}

pub(super) fn records() -> Vec<Vec<u8>> {
    [(0, 0), (1, 2), (4, 30)].map(|(outputs, inputs)| a_record(outputs, inputs)).to_vec()
}

fn a_record(outputs: u8, inputs: u8) -> Vec<u8> {
    let window =
        CompactionWindow { hour: epoch().seconds() / 3600, tenant: "single-tenant".into() };
    let output = |i: u8| BlockEntry {
        tenant: window.tenant.clone(),
        id: mint_compacted(&window, 3, [i; 6]).unwrap_or_default(),
        meta: Bytes::from_static(br#"{"format":"vParquet4","blockID":"..."}"#),
        rows: 0,
        size: 123_456,
        crc: 0xdead_beef,
    };
    let input = |i: u8| Input {
        id: id::mint_block(&epoch(), u32::from(i), [i; 6]).unwrap_or_default(),
        rows: 7,
    };
    let record = Record {
        outputs: (0..outputs).map(output).collect(),
        inputs: (0..inputs).map(input).collect(),
        duplicates: 7 * u64::from(inputs),
        conflicts: 1,
        ..Record::empty(Uid([2; 16]), &window, 3)
    };
    record.encode().map(|encoded| encoded.bytes.to_vec()).unwrap_or_default()
}

/// Decodes; what is accepted can be written again and is then read as the same.
pub(super) fn record(input: &[u8]) -> String {
    match Record::decode(input) {
        Err(error) => super::unquoted(&error),
        Ok(record) => {
            let again = record.encode().map(|encoded| Record::decode(&encoded.bytes));
            assert_eq!(again, Ok(Ok(record.clone())));
            format!("{} outputs, {} inputs", record.outputs.len(), record.inputs.len())
        }
    }
}

/// Slots and records have the same frame.
pub(super) fn repair_slot(input: &mut [u8]) {
    let crc = crc(input.get(16..));
    put(input.get_mut(12..16), crc);
}

pub(super) fn heartbeats() -> Vec<Vec<u8>> {
    let heartbeat = |epochs| Heartbeat {
        process: Uid([7; 16]),
        instance: "ingester-7f9c".into(),
        query_address: "10.0.0.7:3200".into(),
        wire_address: "[::1]:4319".into(),
        zone: "eu-1a \"ü\"".into(),
        epochs: vec![epoch(); epochs],
        counter: 42,
        started: 1_795_442_399,
    };
    [0, 1, 40]
        .iter()
        .filter_map(|epochs| Some(heartbeat(*epochs).encode().ok()?.to_vec()))
        .collect()
}

/// Decodes; what is accepted can be written again, if it is not too long then, and is the same.
pub(super) fn heartbeat(input: &[u8]) -> String {
    match Heartbeat::decode(input) {
        Err(error) => super::unquoted(&error),
        Ok(heartbeat) => {
            if let Ok(again) = heartbeat.encode() {
                assert_eq!(Heartbeat::decode(&again), Ok(heartbeat.clone()));
            }
            format!("{} epochs", heartbeat.epochs.len())
        }
    }
}

pub(super) fn clusters() -> Vec<Vec<u8>> {
    vec![Cluster { cluster: Uid([9; 16]), format: FORMAT, name: None }.encode().to_vec()]
}

pub(super) fn cluster(input: &[u8]) -> String {
    match Cluster::decode(input) {
        Err(error) => super::unquoted(&error),
        Ok(cluster) => {
            assert_eq!(Cluster::decode(&cluster.encode()), Ok(cluster));
            "a cluster".to_owned()
        }
    }
}
