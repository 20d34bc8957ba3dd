//! What is written is read back, in every field.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the answer")]

mod common;

use common::{ID, columns, find, normal, read_back, sorted};
use prost::Message;
use std::collections::BTreeMap;
use tributary_block::{WriterSettings, write};
use tributary_span::{Columns, TraceId};
use tributary_testkit::{NormalSpan, normal as testkit_normal, recordings, sample};

/// Distinct spans of what was sent: of those with the same ids and kind the first.
fn distinct(sent: Vec<NormalSpan>) -> Vec<NormalSpan> {
    let mut seen = std::collections::BTreeSet::new();
    let key = |s: &NormalSpan| (s.trace_id.clone(), s.span_id.clone(), s.kind);
    sorted(sent.into_iter().filter(|span| seen.insert(key(span))).collect())
}

#[test]
fn all_recorded_spans_come_back() {
    let recordings = recordings().unwrap();
    let records = || recordings.iter().flat_map(|r| &r.records);
    let batches: Vec<Columns> = records().map(|record| columns(record)).collect();
    let sent = distinct(records().flat_map(|r| NormalSpan::parse(r).unwrap()).collect());
    // A fresh block, and the same as a merged one.
    for level in [0, 1] {
        come_back(&batches, &sent, &WriterSettings::default().of_level(level));
    }
}

#[test]
fn further_rounds_come_back_from_merged_blocks() {
    let recording = tributary_testkit::recording("order-api").unwrap();
    let requests = tributary_testkit::rounds(&recording.records, 4).unwrap();
    let batches: Vec<Columns> = requests.iter().map(|record| columns(record)).collect();
    let sent = distinct(requests.iter().flat_map(|r| NormalSpan::parse(r).unwrap()).collect());
    for row_group_spans in [3000, 20_000] {
        let settings = WriterSettings { row_group_spans, ..WriterSettings::default() };
        come_back(&batches, &sent, &settings.of_level(3));
    }
}

fn come_back(batches: &[Columns], sent: &[NormalSpan], settings: &WriterSettings) {
    let borrowed: Vec<&Columns> = batches.iter().collect();
    let block = write(ID, "t", &borrowed, settings).unwrap();
    assert_eq!(block.stats.spans, sent.len() as u64);
    let given: usize = batches.iter().map(Columns::len).sum();
    assert_eq!(block.stats.spans + block.stats.duplicates, given as u64);
    assert!(block.meta.total_records > 1, "the spans are meant to fill several row groups");
    let found = read_back(&block);
    testkit_normal::compare(sent, &found).unwrap();

    // And by id: some of each row group, the first and the last of all.
    let mut traces: BTreeMap<TraceId, Vec<NormalSpan>> = BTreeMap::new();
    for span in sent {
        let id = TraceId::from_wire(&span.trace_id.0).unwrap();
        traces.entry(id).or_default().push(span.clone());
    }
    assert_eq!(block.meta.total_objects, traces.len() as u64);
    let step = 97;
    let last = traces.len() - 1;
    for (n, (id, spans)) in traces.iter().enumerate() {
        if n % step == 0 || n == last {
            testkit_normal::compare(spans, &find(&block, id).expect("the trace is in the block"))
                .unwrap();
        }
    }
    assert!(find(&block, &TraceId([7; 16])).is_none());
}

#[test]
fn every_field_and_kind_of_value_comes_back() {
    let requests = (1..=40)
        .map(|seed| if seed % 3 == 0 { sample::plain(seed) } else { sample::request(seed) });
    let encoded: Vec<Vec<u8>> = requests.map(|r| r.encode_to_vec()).collect();
    let batches: Vec<Columns> = encoded.iter().map(|r| columns(r)).collect();
    let sent = sorted(encoded.iter().flat_map(|r| NormalSpan::parse(r).unwrap()).collect());
    for (row_group_spans, level) in [(1, 0), (7, 0), (1000, 0), (1, 1), (1000, 1)] {
        let settings =
            WriterSettings { row_group_spans, page_bytes: 1 << 10, ..WriterSettings::default() };
        let settings = settings.of_level(level);
        let borrowed: Vec<&Columns> = batches.iter().collect();
        let block = write(ID, "t", &borrowed, &settings).unwrap();
        testkit_normal::compare(&sent, &read_back(&block)).unwrap();
        for seed in 1..=40 {
            let id = TraceId(sample::trace_id(seed));
            let spans: Vec<NormalSpan> =
                sent.iter().filter(|s| s.trace_id.0 == id.0).cloned().collect();
            testkit_normal::compare(&spans, &find(&block, &id).unwrap()).unwrap();
        }
    }
    let _ = normal;
}
