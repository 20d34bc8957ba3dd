//! What an exploration is about, and what it found.

use super::mutant::Mutant;
use super::reader::TRACE;
use bytes::Bytes;
use prost::Message;
use tributary_journal::audit::Finding;
use tributary_testkit::otlp::{ExportTraceServiceRequest, ResourceSpans, ScopeSpans, Span};

/// Where a query is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Of the owner, which the adopter answers.
    Owner,
    /// Of the adopter, which takes the owner for dead.
    Adopter,
    /// Of a third process, which both answer.
    Third,
    /// Of a third process, which takes the owner for dead.
    Suspicious,
}

/// Who takes part, and how often what may happen at any time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Setting {
    /// Segments, of one span each.
    pub(super) segments: u8,
    /// Times that memory is short.
    pub(super) evictions: u32,
    /// Whether another process adopts the owner's epoch meanwhile.
    pub(super) adopter: bool,
    /// Where a query is asked, if there is one.
    pub(super) reader: Option<Place>,
    /// Writes whose outcome is not told at once.
    pub(super) faults: u32,
    /// Whether the clock's hour changes, and with it the epoch.
    pub(super) hour: bool,
    /// Whether the hour that the clock shows was retired before.
    pub(super) floor: bool,
    /// Whether the answer that takes no time is not looked at, to see what comes after.
    pub(super) unread: bool,
    /// What is wrong.
    pub(super) mutant: Option<Mutant>,
}

/// What must not be, and how it came about.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) what: String,
    pub(super) schedule: Vec<String>,
    /// What an auditor sees of it.
    pub(super) findings: Vec<Finding>,
}

/// A request with one span, `n`, of the trace.
pub(super) fn request(n: u8) -> Bytes {
    let span = Span {
        trace_id: TRACE.0.to_vec(),
        span_id: vec![n; 8],
        name: "made-up".to_owned(),
        kind: 1,
        start_time_unix_nano: 1_795_344_000_000_000_000,
        end_time_unix_nano: 1_795_344_000_001_000_000,
        ..Span::default()
    };
    let spans = ScopeSpans { spans: vec![span], ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![spans], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec().into()
}
