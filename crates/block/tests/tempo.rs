//! Blocks that Tempo wrote: its schema is ours, and its spans are those that it was sent.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the answer")]

mod common;

use common::{lookup, open_folder, read_all, sorted, tempo_block, wait};
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::sync::Arc;
use tributary_block::{WriterSettings, bloom, write};
use tributary_span::{Columns, TraceId};
use tributary_testkit::normal::{Attributes, Value};
use tributary_testkit::{NormalSpan, normal};

/// Tempo cuts longer keys and values off (`max_attribute_bytes`).
const LONGEST: usize = 2048;

fn cut(attributes: &mut Attributes) {
    for (_, value) in attributes {
        if let Value::Str(text) = value
            && text.len() > LONGEST
        {
            text.truncate(text.floor_char_boundary(LONGEST));
        }
    }
}

/// Spans of the requests that Tempo was sent, as Tempo can hold them: no flags, no schema URLs,
/// no long values.
fn sent() -> Vec<NormalSpan> {
    let recordings = tributary_testkit::recordings().unwrap();
    let records = recordings.iter().flat_map(|r| r.records.iter().skip(6).take(4));
    let mut seen = std::collections::BTreeSet::new();
    let mut spans = Vec::new();
    for mut span in records.flat_map(|r| NormalSpan::parse(r).unwrap()) {
        if seen.insert((span.trace_id.clone(), span.span_id.clone(), span.kind)) {
            span.flags = 0;
            span.links.iter_mut().for_each(|link| link.flags = 0);
            Arc::make_mut(&mut span.resource).schema_url.clear();
            Arc::make_mut(&mut span.resource).entities.clear();
            Arc::make_mut(&mut span.scope).schema_url.clear();
            cut(&mut span.attributes);
            span.events.iter_mut().for_each(|event| cut(&mut event.attributes));
            spans.push(span);
        }
    }
    sorted(spans)
}

#[test]
fn tempos_blocks_hold_what_it_was_sent() {
    let sent = sent();
    for encoding in ["vParquet4", "vParquet5"] {
        let (source, meta) = wait(open_folder(&tempo_block(encoding).unwrap())).unwrap();
        assert_eq!(meta.format, serde_json::from_value(encoding.into()).unwrap());
        let all = wait(read_all(&source, &meta)).unwrap();
        all.iter().for_each(|columns| columns.check().unwrap());
        let found: Vec<NormalSpan> = all.iter().flat_map(common::normal).collect();
        normal::compare(&sent, &found).unwrap_or_else(|e| panic!("{encoding}: {e}"));

        // Each trace by its id, through Tempo's bloom filter.
        let mut traces: Vec<TraceId> = all.iter().flat_map(|c| c.traces.iter().copied()).collect();
        traces.dedup();
        assert_eq!(traces.len() as u64, meta.total_objects);
        let mut found = Vec::new();
        for trace in traces.iter().step_by(40) {
            found.extend(common::normal(&wait(lookup(&source, &meta, trace)).unwrap().unwrap()));
        }
        let asked: Vec<&NormalSpan> = sent
            .iter()
            .filter(|s| traces.iter().step_by(40).any(|t| t.0[..] == s.trace_id.0[..]))
            .collect();
        normal::compare(asked, &found).unwrap_or_else(|e| panic!("{encoding} by id: {e}"));
        assert!(wait(lookup(&source, &meta, &TraceId([9; 16]))).unwrap().is_none());
    }
}

#[test]
fn the_schema_is_tempos_leaf_by_leaf() {
    let file = std::fs::File::open(tempo_block("vParquet4").unwrap().join("data.parquet")).unwrap();
    let theirs = SerializedFileReader::new(file).unwrap();
    let block = write(common::ID, "t", &[], &WriterSettings::default()).unwrap();
    let ours = SerializedFileReader::new(block.data.clone()).unwrap();
    let [theirs, ours] = [&theirs, &ours as &dyn FileReader]
        .map(|r| r.metadata().file_metadata().schema_descr_ptr());
    assert_eq!(ours.num_columns(), 103);
    let describe = |c: &parquet::schema::types::ColumnDescriptor| {
        (
            c.path().string(),
            c.physical_type(),
            c.logical_type_ref().cloned(),
            c.self_type().get_basic_info().repetition(),
            (c.max_def_level(), c.max_rep_level()),
        )
    };
    let all = |s: &parquet::schema::types::SchemaDescriptor| {
        s.columns().iter().map(|c| describe(c)).collect::<Vec<_>>()
    };
    for (n, (ours, theirs)) in all(&ours).into_iter().zip(all(&theirs)).enumerate() {
        assert_eq!(ours, theirs, "leaf {n}");
    }
    assert_eq!(ours.num_columns(), theirs.num_columns());
    // And the groups between: names, repetition, annotations.
    let text = |s: &parquet::schema::types::SchemaDescriptor| {
        let mut out = Vec::new();
        parquet::schema::printer::print_schema(&mut out, s.root_schema());
        String::from_utf8(out).unwrap()
    };
    assert_eq!(text(&ours), text(&theirs));
}

/// Same spans, both bloom filters: what Tempo's says of a trace, ours says too.
#[test]
fn blooms_agree_about_the_traces() {
    let folder = tempo_block("vParquet4").unwrap();
    let theirs =
        bloom::Bloom::parse(std::fs::read(folder.join("bloom-0")).unwrap().into()).unwrap();
    let recordings = tributary_testkit::recordings().unwrap();
    let batches: Vec<Columns> = recordings
        .iter()
        .flat_map(|r| r.records.iter().skip(6).take(4))
        .map(|record| common::columns(record))
        .collect();
    let borrowed: Vec<&Columns> = batches.iter().collect();
    let block = write(common::ID, "t", &borrowed, &WriterSettings::default()).unwrap();
    let ours = bloom::Bloom::parse(block.blooms[0].clone()).unwrap();
    let mut traces: Vec<TraceId> = batches.iter().flat_map(|c| c.traces.iter().copied()).collect();
    traces.sort_unstable();
    traces.dedup();
    assert_eq!(traces.len() as u64, block.meta.total_objects);
    assert!(traces.iter().all(|t| theirs.may_contain(t) && ours.may_contain(t)));
}

/// The dictionary of a leaf's texts, read without its pages, is all that the leaf has: of Tempo's
/// blocks and of ours.
#[test]
fn dictionaries_alone_tell_the_names() {
    let names = |all: &[Columns]| {
        let spans = all.iter().flat_map(common::normal);
        spans.map(|span| span.name.into_bytes()).collect::<std::collections::BTreeSet<_>>()
    };
    for encoding in ["vParquet4", "vParquet5"] {
        let (source, meta) = wait(open_folder(&tempo_block(encoding).unwrap())).unwrap();
        let all = wait(read_all(&source, &meta)).unwrap();
        assert_eq!(dictionary(&source, meta), names(&all), "{encoding} of Tempo");
        let borrowed: Vec<&Columns> = all.iter().collect();
        let block = write(common::ID, "t", &borrowed, &WriterSettings::default()).unwrap();
        let meta = block.meta.clone();
        assert_eq!(dictionary(&block, meta), names(&all), "ours");
    }
}

fn dictionary(
    source: &impl tributary_block::Source,
    meta: tributary_block::BlockMeta,
) -> std::collections::BTreeSet<Vec<u8>> {
    let path = "rs.ss.Spans.Name".to_owned();
    let block = wait(tributary_block::Block::open(source, meta)).unwrap();
    let groups = (0..block.row_groups()).map(|group| {
        let found = wait(block.dictionaries(source, group, std::slice::from_ref(&path))).unwrap();
        let dictionary = found.get(&path).expect("a dictionary").clone();
        dictionary.entries().map(<[u8]>::to_vec).collect::<Vec<_>>()
    });
    groups.flatten().collect()
}
