//! Several blocks become one: nothing is lost, nothing stands twice, order holds.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the answer")]

mod common;

use common::{ID, columns, find, read_back, wait};
use proptest::prelude::*;
use prost::Message;
use tributary_block::{
    BlockError, BlockMeta, BlockWriter, FinishedBlock, Merge, Opened, Splice, WriterSettings, write,
};
use tributary_span::{Columns, TraceId};
use tributary_testkit::{normal, recordings, sample};

fn block_of(batches: &[Columns], settings: &WriterSettings) -> FinishedBlock {
    let borrowed: Vec<&Columns> = batches.iter().collect();
    write(ID, "t", &borrowed, settings).unwrap()
}

/// Merges as a compactor does, a row group from so many spans on; the largest step.
fn merged(inputs: &[FinishedBlock], group: usize) -> (FinishedBlock, usize) {
    let sources = inputs.iter().map(|block| (block.meta.clone(), block.clone()));
    let mut merge = wait(Merge::open(sources.collect())).unwrap();
    let mut writer = BlockWriter::new(ID, "t", WriterSettings::default()).unwrap();
    let (mut waiting, mut largest) = (Vec::new(), 0);
    loop {
        let step = wait(merge.next()).unwrap();
        largest = largest.max(step.iter().map(Columns::len).sum());
        let ended = step.is_empty();
        waiting.extend(step);
        if ended || waiting.iter().map(Columns::len).sum::<usize>() >= group {
            writer.push(&waiting.iter().collect::<Vec<_>>()).unwrap();
            waiting.clear();
        }
        if ended {
            let read: Vec<u64> = merge.spans().collect();
            assert_eq!(read, inputs.iter().map(|block| block.stats.spans).collect::<Vec<_>>());
            return (writer.finish().unwrap(), largest);
        }
    }
}

/// The same leaf by leaf.
fn spliced(inputs: &[FinishedBlock], group: usize) -> FinishedBlock {
    let sources = inputs.iter().map(|block| (block.meta.clone(), block.clone()));
    let settings = WriterSettings::default();
    let opened = wait(Splice::open(sources.collect(), &settings.dedicated, group)).unwrap();
    let Opened::Splice(mut merge) = opened else { panic!("blocks of ours") };
    let mut writer = BlockWriter::new(ID, "t", settings).unwrap();
    while let Some(step) = wait(merge.next()).unwrap() {
        let taken = writer.splice(&step).unwrap();
        merge.count(&taken);
    }
    let read: Vec<u64> = merge.spans().collect();
    assert_eq!(read, inputs.iter().map(|block| block.stats.spans).collect::<Vec<_>>());
    writer.finish().unwrap()
}

#[test]
fn blocks_of_several_ingesters_become_one() {
    let recordings = recordings().unwrap();
    let batches: Vec<Columns> =
        recordings.iter().flat_map(|r| &r.records).map(|record| columns(record)).collect();
    // Every seventh request reached two of them.
    let settings = WriterSettings { row_group_spans: 5000, ..WriterSettings::default() };
    let inputs: Vec<FinishedBlock> = (0..5)
        .map(|ingester| {
            let own = batches.iter().enumerate();
            let own =
                own.filter(|(n, _)| n % 5 == ingester || (n % 7 == 0 && n % 5 + 1 == ingester));
            block_of(&own.map(|(_, batch)| batch.clone()).collect::<Vec<_>>(), &settings)
        })
        .collect();
    let whole = block_of(&batches, &WriterSettings::default());
    let (one, largest) = merged(&inputs, 20_000);
    assert!(largest < 40_000, "a step of {largest} spans");
    assert_eq!(one.stats.spans, whole.stats.spans);
    assert_eq!(one.stats.traces, whole.stats.traces);
    let given: u64 = inputs.iter().map(|block| block.stats.spans).sum();
    assert_eq!(one.stats.spans + one.stats.duplicates, given);
    assert!(one.stats.duplicates > 1000);
    assert_eq!(one.meta.start_time, whole.meta.start_time);
    assert_eq!(one.meta.end_time, whole.meta.end_time);
    let all = read_back(&one);
    normal::compare(&read_back(&whole), &all).unwrap();
    let two = spliced(&inputs, 20_000);
    assert_eq!(
        (two.stats, &two.meta),
        (
            one.stats,
            &BlockMeta {
                size: two.meta.size,
                footer_size: two.meta.footer_size,
                total_records: two.meta.total_records,
                ..one.meta.clone()
            }
        )
    );
    normal::compare(&all, &read_back(&two)).unwrap();
    let id = |span: &tributary_testkit::NormalSpan| TraceId::from_wire(&span.trace_id.0).unwrap();
    for span in all.iter().step_by(9973) {
        let found = find(&one, &id(span)).expect("each trace is found by its id");
        assert_eq!(found.len(), all.iter().filter(|other| id(other) == id(span)).count());
    }
}

#[test]
fn the_block_that_cannot_be_read_is_named() {
    let blocks = [1, 2].map(|seed| {
        block_of(&[columns(&sample::request(seed).encode_to_vec())], &WriterSettings::default())
    });
    let [good, mut bad] = blocks;
    bad.meta.total_objects += 1;
    let inputs = [good, bad].map(|block| (block.meta.clone(), block));
    let Err(error) = wait(Merge::open(inputs.into())) else { panic!("it was opened") };
    assert_eq!(error.number, 1);
    assert!(error.error.to_string().contains("number of traces"), "{}", error.error);
}

#[test]
fn a_trace_that_is_too_large_names_the_block_that_has_most_of_it() {
    // Spans of one trace, and of many small ones beside it.
    let spans = |from: u64, count: u64| -> Vec<Columns> {
        let request = |span: u64| {
            let mut request = sample::plain(1);
            for scope in request.resource_spans.iter_mut().flat_map(|r| &mut r.scope_spans) {
                scope.spans.truncate(1);
                for one in &mut scope.spans {
                    one.span_id = (1 + span).to_be_bytes().to_vec();
                }
            }
            columns(&request.encode_to_vec())
        };
        (from..from + count).map(request).collect()
    };
    let small: Vec<Columns> =
        (2..200).map(|seed| columns(&sample::request(seed).encode_to_vec())).collect();
    let settings = WriterSettings::default();
    let giant = block_of(&[small.clone(), spans(1000, 140_000)].concat(), &settings);
    let other = block_of(&[small, spans(0, 10)].concat(), &settings);
    let inputs = [other, giant].map(|block| (block.meta.clone(), block));
    let mut merge = wait(Merge::open(inputs.into())).unwrap();
    let error = loop {
        match wait(merge.next()) {
            Ok(step) => assert!(!step.is_empty(), "the giant was merged"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.number, 1);
    assert!(matches!(error.error, BlockError::TooLarge(_)), "{}", error.error);
}

#[test]
fn pieces_of_a_block_ascend() {
    let of = |seed| columns(&sample::request(seed).encode_to_vec());
    let (low, high) = match sample::trace_id(1) < sample::trace_id(2) {
        true => (of(1), of(2)),
        false => (of(2), of(1)),
    };
    let mut writer = BlockWriter::new(ID, "t", WriterSettings::default()).unwrap();
    writer.push(&[&high]).unwrap();
    assert!(matches!(writer.push(&[&low]), Err(BlockError::Settings(_))));
    assert!(matches!(writer.push(&[&high]), Err(BlockError::Settings(_))));
    writer.push(&[]).unwrap();
    let block = writer.finish().unwrap();
    assert_eq!(read_back(&block), common::normal(&high));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_the_blocks_hold(
        held in proptest::collection::vec(proptest::collection::vec(1u64..30, 0..12), 1..5),
        rows in 1usize..20,
        group in 1usize..40,
    ) {
        let settings = WriterSettings { row_group_spans: rows, ..WriterSettings::default() };
        let batches: Vec<Vec<Columns>> = held
            .iter()
            .map(|seeds| seeds.iter().map(|s| columns(&sample::request(*s).encode_to_vec())).collect())
            .collect();
        let inputs: Vec<FinishedBlock> =
            batches.iter().map(|batches| block_of(batches, &settings)).collect();
        let whole = block_of(&batches.concat(), &WriterSettings::default());
        let (one, _) = merged(&inputs, group);
        let whole = read_back(&whole);
        prop_assert_eq!(&read_back(&one), &whole);
        let two = spliced(&inputs, group);
        prop_assert_eq!(two.stats, one.stats);
        prop_assert_eq!(&read_back(&two), &whole);
    }
}
