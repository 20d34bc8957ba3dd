//! A large trace as an answer, a few thousand spans at a time: so that it is never there as a whole
//! beside its spans, whose text takes three times their room.
//!
//! Spans of one resource may stand in several `ResourceSpans` then, each with the resource: readers
//! take a list of them in any case.

use super::envelope::{envelope_json, envelope_protobuf};
use crate::api::{Accept, Version};
use crate::json::Json;
use crate::trace_json::{OuterKey, trace_json, write_resource_spans};
use tributary_span::Columns;
use tributary_span::otlp::encode;
use tributary_span::protobuf::put;

/// Most spans of a portion.
pub(super) const PORTION: usize = 4096;

/// The portions of an answer's body, in order.
#[derive(Debug)]
pub struct TraceBody {
    trace: Columns,
    /// All spans, those of a resource and of a scope next to each other.
    rows: Vec<u32>,
    /// Where in `rows` the next portion begins.
    at: usize,
    accept: Accept,
    /// What stands before and after the spans, until it is told.
    head: Option<Vec<u8>>,
    tail: Option<Vec<u8>>,
}

impl TraceBody {
    pub(super) fn new(
        (version, accept): (Version, Accept),
        trace: Columns,
        inspected_bytes: u64,
        message: &str,
    ) -> TraceBody {
        let home = |row: u32| {
            let at = |of: &[u32]| of.get(row as usize).copied().unwrap_or_default();
            (at(&trace.spans.resource), at(&trace.spans.scope))
        };
        let mut rows: Vec<u32> = (0u32..).take(trace.len()).collect();
        rows.sort_by_key(|&row| home(row));
        let mut body = TraceBody { trace, rows, at: 0, accept, head: None, tail: None };
        let (head, tail) = match accept {
            Accept::Json => json_ends(version, inspected_bytes, message),
            Accept::Protobuf => match version {
                Version::V1 => Default::default(),
                Version::V2 => body.protobuf_ends(inspected_bytes, message),
            },
        };
        (body.head, body.tail) = (Some(head), Some(tail));
        body
    }

    /// The length of a message stands before it, so it is encoded twice, and kept once.
    fn protobuf_ends(&mut self, inspected_bytes: u64, message: &str) -> (Vec<u8>, Vec<u8>) {
        let mut len = 0;
        while let Some(portion) = self.spans() {
            len += portion.len() as u64;
        }
        self.at = 0;
        let mut empty = Vec::new();
        put::message(&mut empty, 1, |_| {});
        let tail = envelope_protobuf(&Columns::default(), inspected_bytes, message);
        let mut head = Vec::new();
        put::varint(&mut head, 1 << 3 | 2);
        put::varint(&mut head, len);
        (head, tail.strip_prefix(&*empty).unwrap_or_default().to_vec())
    }

    /// The next spans.
    fn spans(&mut self) -> Option<Vec<u8>> {
        let end = self.rows.len().min(self.at + PORTION);
        let rows = self.rows.get(self.at..end).filter(|rows| !rows.is_empty())?;
        let portion = match self.accept {
            Accept::Protobuf => {
                let mut out = Vec::new();
                encode::resource_spans(&mut out, &self.trace, rows);
                out
            }
            Accept::Json => {
                let rows: Vec<usize> = rows.iter().map(|&row| row as usize).collect();
                let mut json = Json::default();
                json.array(|json| write_resource_spans(json, &self.trace, &rows));
                let mut list = json.finish();
                // The elements alone: the list's own brackets stand in head and tail.
                list.pop();
                match (list.first_mut(), self.at) {
                    (Some(bracket), 1..) => *bracket = b',',
                    _ => drop(list.drain(..1)),
                }
                list
            }
        };
        self.at = end;
        Some(portion)
    }
}

impl Iterator for TraceBody {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        self.head.take().or_else(|| self.spans()).or_else(|| self.tail.take())
    }
}

/// What stands around the elements of the list of `ResourceSpans`: the answer of an empty trace, with
/// the list in its empty object.
fn json_ends(version: Version, inspected_bytes: u64, message: &str) -> (Vec<u8>, Vec<u8>) {
    let none = Columns::default();
    let (answer, list) = match version {
        Version::V1 => (trace_json(&none, OuterKey::Batches), OuterKey::Batches),
        Version::V2 => (envelope_json(&none, inspected_bytes, message), OuterKey::ResourceSpans),
    };
    let end = answer.iter().position(|&byte| byte == b'}').unwrap_or(answer.len());
    let (before, after) = answer.split_at(end);
    let head = [before, format!("\"{}\":[", list.name()).as_bytes()].concat();
    (head, [b"]", after].concat())
}
