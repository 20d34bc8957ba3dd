//! Merged blocks choose encodings by what is in them, and say the same as fresh ones.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the answer")]

mod common;

use common::{ID, columns, read_back};
use parquet::basic::Encoding;
use parquet::file::reader::{FileReader, SerializedFileReader};
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use tributary_block::{FinishedBlock, WriterSettings, write};
use tributary_span::Columns;
use tributary_testkit::otlp::trace::v1::Span;
use tributary_testkit::otlp::{
    AnyValue, ExportTraceServiceRequest, KeyValue, ResourceSpans, ScopeSpans, any_value::Value,
};
use tributary_testkit::{Random, normal};

/// Makes a value.
type Make<'m> = &'m dyn Fn(&mut Random) -> Value;

/// Encodings of the values of each leaf, by the path without groups of lists.
fn encodings(block: &FinishedBlock) -> BTreeMap<String, BTreeSet<Encoding>> {
    let reader = SerializedFileReader::new(block.data.clone()).unwrap();
    let mut found: BTreeMap<String, BTreeSet<Encoding>> = BTreeMap::new();
    for column in reader.metadata().row_groups().iter().flat_map(|group| group.columns()) {
        let path = column.column_path().string().replace(".list.element", "");
        // A dictionary is plain itself.
        let of_values = column.encodings().filter(|e| *e != Encoding::RLE);
        let has_dictionary = column.dictionary_page_offset().is_some();
        let of_values = of_values.filter(|e| !has_dictionary || *e != Encoding::PLAIN);
        found.entry(path).or_default().extend(of_values);
    }
    found
}

/// A trace of one service: `values` are those of an attribute of each span.
fn request(trace: u64, random: &mut Random, values: impl Fn(&mut Random) -> Value) -> Vec<u8> {
    let start = 1_795_344_000_000_000_000 + random.draw(1 << 42);
    let parent = random.bits().to_be_bytes();
    let starts: Vec<u64> = (0..20).map(|_| start + random.draw(1 << 27)).collect();
    let spans = starts.into_iter().enumerate().map(|(n, start)| Span {
        trace_id: [1, trace].map(u64::to_be_bytes).concat(),
        span_id: if n == 0 { parent } else { random.bits().to_be_bytes() }.to_vec(),
        parent_span_id: if n == 0 { Vec::new() } else { parent.to_vec() },
        name: "work".into(),
        start_time_unix_nano: start,
        end_time_unix_nano: start + random.draw(1 << 30),
        attributes: vec![KeyValue {
            key: "value".into(),
            value: Some(AnyValue { value: Some(values(random)) }),
        }],
        ..Span::default()
    });
    let scope = ScopeSpans { spans: spans.collect(), ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec()
}

/// A merged block of such traces, which must be smaller than a fresh one and say the same.
fn merged(values: impl Fn(&mut Random) -> Value) -> BTreeMap<String, BTreeSet<Encoding>> {
    let mut random = Random::new(1);
    let traces = 1..=300;
    let batches: Vec<Columns> =
        traces.map(|trace| columns(&request(trace, &mut random, &values))).collect();
    let batches: Vec<&Columns> = batches.iter().collect();
    let settings = WriterSettings { row_group_spans: 2500, ..WriterSettings::default() };
    let fresh = write(ID, "t", &batches, &settings).unwrap();
    let small = write(ID, "t", &batches, &settings.of_level(1)).unwrap();
    assert!(small.data.len() < fresh.data.len());
    assert_eq!(small.meta.compaction_level, 1);
    normal::compare(&read_back(&fresh), &read_back(&small)).unwrap();
    encodings(&small)
}

#[test]
fn encodings_follow_the_values() {
    let unique = |r: &mut Random| Value::StringValue(format!("{:016x}", r.bits()));
    let few = |r: &mut Random| Value::StringValue(format!("value {}", r.draw(30)));
    let alike = |r: &mut Random| Value::StringValue(format!("{}{:x}", "/long".repeat(8), r.bits()));
    let codes = |r: &mut Random| Value::IntValue([200, 404, 70_000_000][r.below(3)]);
    let any = |r: &mut Random| Value::IntValue(r.bits().cast_signed());
    let ratios = |r: &mut Random| Value::DoubleValue([0.25, 0.1][r.below(2)]);
    let doubles = |r: &mut Random| Value::DoubleValue(f64::from_bits(r.bits() >> 2));
    let table: [(&str, Make<'_>, &[Encoding]); 7] = [
        ("Value", &unique, &[Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY]),
        ("Value", &few, &[Encoding::RLE_DICTIONARY]),
        ("Value", &alike, &[Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY]),
        ("ValueInt", &codes, &[Encoding::RLE_DICTIONARY]),
        ("ValueInt", &any, &[Encoding::PLAIN, Encoding::DELTA_BINARY_PACKED]),
        ("ValueDouble", &ratios, &[Encoding::RLE_DICTIONARY]),
        ("ValueDouble", &doubles, &[Encoding::PLAIN]),
    ];
    for (number, (leaf, values, expected)) in table.into_iter().enumerate() {
        let found = merged(values);
        let of = |path: &str| found[path].iter().copied().collect::<Vec<_>>();
        let own = of(&format!("rs.ss.Spans.Attrs.{leaf}"));
        assert!(own.iter().all(|e| expected.contains(e)), "{number}: {own:?}");
        assert!(!own.is_empty(), "{number}");
        // Ids hardly repeat: a dictionary is not even tried.
        let strings = [Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY];
        for ids in ["TraceID", "rs.ss.Spans.SpanID", "rs.ss.Spans.ParentSpanID"] {
            assert!(of(ids).iter().all(|e| strings.contains(e)), "{number}: {ids}");
        }
        // Times of a trace differ in their last bytes.
        assert_eq!(of("rs.ss.Spans.StartTimeUnixNano"), [Encoding::PLAIN], "{number}");
        // What stands for one attribute or name is told from its dictionary.
        assert_eq!(of("rs.ss.Spans.Name"), [Encoding::RLE_DICTIONARY], "{number}");
        assert_eq!(of("rs.ss.Spans.Attrs.Key"), [Encoding::RLE_DICTIONARY], "{number}");
    }
}

#[test]
fn others_read_the_same_values_in_merged_blocks() {
    let recording = tributary_testkit::recordings().unwrap();
    let records = recording.iter().flat_map(|r| r.records.iter().step_by(3));
    let batches: Vec<Columns> = records.map(|record| columns(record)).collect();
    let batches: Vec<&Columns> = batches.iter().collect();
    let folder = tempfile::tempdir().unwrap();
    let paths = [0, 1].map(|level| {
        let settings = WriterSettings { row_group_spans: 30_000, ..WriterSettings::default() };
        let block = write(ID, "t", &batches, &settings.of_level(level)).unwrap();
        // Tempo would not find a root by it.
        let parents = &encodings(&block)["rs.ss.Spans.ParentID"];
        assert!(!parents.contains(&Encoding::RLE_DICTIONARY), "{parents:?}");
        let path = folder.path().join(format!("{level}.parquet"));
        std::fs::write(&path, &block.data).unwrap();
        path
    });
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/same_values.py");
    let python = tributary_testkit::python().unwrap();
    let output = Command::new(python).arg(script).args(paths).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found, serde_json::json!({ "pyarrow": true, "duckdb": true }));
}
