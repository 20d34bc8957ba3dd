//! `ExportTraceServiceRequest` (and `TracesData`, which has the same bytes) into columns.
//!
//! The bytes are walked once, straight into the columns of the lane that a span's trace belongs
//! to. One bad value costs itself: text that is not UTF-8 is mended, an attribute that cannot be read
//! is left out and counted as dropped, a field of another wire type is one that is not set, a resource,
//! scope, event, link or status is what could be read of it. What cannot be kept is refused where OTLP
//! lets the sender know: a span without valid ids or that is no message alone (partial success), a
//! request whose spans cannot be told apart as a whole.

mod attribute;
mod resource;
mod span;

use crate::columns::{Builder, SpanFields};
use crate::protobuf::{Fields, Known, Malformed, Value};
use crate::{SpanId, TraceId};
use resource::{put_resource, put_scope};
use span::put_span;

/// What a receiver takes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Encoded size of one span, in bytes. A larger one is refused alone.
    pub span_bytes: usize,
}

impl Default for Limits {
    /// 4 MiB a span: far above what any SDK's limits allow, below what a frame may carry.
    fn default() -> Self {
        Limits { span_bytes: 4 << 20 }
    }
}

/// Why a span was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// Not 16 bytes, or all zero.
    #[error("trace_id must be 16 bytes (JSON: 32 hex digits, not base64) and not all zero")]
    TraceId,
    /// Not 8 bytes, or all zero.
    #[error("span_id must be 8 bytes (JSON: 16 hex digits, not base64) and not all zero")]
    SpanId,
    /// Above [`Limits::span_bytes`].
    #[error("the span is larger than {0} bytes")]
    TooLarge(usize),
    /// Not a message.
    #[error("the span cannot be read: {0}")]
    Malformed(#[from] Malformed),
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Spans now in the columns.
    pub accepted: u64,
    /// Spans refused.
    pub rejected: u64,
    /// Why the first of them was.
    pub first: Option<Reject>,
    /// Texts, or values with texts in them, that were not UTF-8 and were mended.
    pub mended: u64,
    /// Attributes and fields that could not be read and were left out alone. The owners of attributes
    /// count them as dropped.
    pub left_out: u64,
    /// The request is not empty, and has no span that is known here: logs, or names of another version.
    pub spanless: bool,
}

/// Appends a request's spans to the lane that `route` names for each trace id.
fn append(
    lanes: &mut [Builder],
    route: impl Fn(&TraceId) -> usize,
    request: &[u8],
    limits: &Limits,
) -> Result<Outcome, Malformed> {
    let marks: Vec<_> = lanes.iter().map(Builder::mark).collect();
    let noted = |lanes: &[Builder]| {
        lanes.iter().fold((0, 0), |(mended, out), b| (mended + b.mended, out + b.left_out))
    };
    let before = noted(lanes);
    let mut walk = Walk { lanes, route, limits, odd: 0, outcome: Outcome::default() };
    match walk.request(request) {
        Ok(()) => {
            let after = noted(walk.lanes);
            let (mended, left_out) = (after.0 - before.0, after.1 - before.1 + walk.odd);
            let spanless =
                walk.outcome.accepted + walk.outcome.rejected == 0 && !request.is_empty();
            Ok(Outcome { mended, left_out, spanless, ..walk.outcome })
        }
        Err(error) => {
            lanes.iter_mut().zip(marks).for_each(|(lane, mark)| lane.rollback(mark));
            if is_span(request) {
                return Ok(Outcome { spanless: true, ..Outcome::default() });
            }
            Err(error)
        }
    }
}

/// Appends a request's spans to the lane that `route` names for each trace id.
///
/// It has no type parameter, so that it is compiled with this crate, for speed, also where its
/// caller is compiled for size.
///
/// # Errors
/// When the request is no protobuf. The lanes are then as they were before.
pub fn append_routed(
    lanes: &mut [Builder],
    route: &dyn Fn(&TraceId) -> usize,
    request: &[u8],
    limits: &Limits,
) -> Result<Outcome, Malformed> {
    append(lanes, route, request, limits)
}

/// Appends a request's spans to one builder.
///
/// # Errors
/// When the request is no protobuf. The builder is then as it was before.
pub fn append_all(
    builder: &mut Builder,
    request: &[u8],
    limits: &Limits,
) -> Result<Outcome, Malformed> {
    append(std::slice::from_mut(builder), |_| 0, request, limits)
}

/// Spans in a request, by a walk over its outermost messages alone.
///
/// # Errors
/// When those are no protobuf.
pub fn count_spans(request: &[u8]) -> Result<u64, Malformed> {
    let (mut spans, mut odd) = (0, 0);
    let mut request = Fields::new(request);
    while let Some(resource_spans) = request.next_of(REQUEST, &mut odd)? {
        let mut fields = Fields::new(resource_spans.bytes()?);
        while let Some(scope_spans) = fields.next_of(SPANS, &mut odd)? {
            let mut fields = Fields::new(scope_spans.bytes()?);
            while fields.next_of(SPANS, &mut odd)?.is_some() {
                spans += 1;
            }
        }
    }
    Ok(spans)
}

const REQUEST: Known = Known(b"b");
/// `ResourceSpans` and `ScopeSpans`: who they are of, and how that is described.
const OWNER: Known = Known(b"b.b");
/// The same messages: what is in them.
const SPANS: Known = Known(b".b");

struct Walk<'l, 'c, R> {
    lanes: &'l mut [Builder],
    route: R,
    limits: &'c Limits,
    /// Fields that were not of their wire type, above the spans.
    odd: u64,
    outcome: Outcome,
}

/// Where a lane keeps the resource and the scope of the spans at hand; filled on first use.
#[derive(Clone, Copy, Default)]
struct Placed {
    resource: Option<u32>,
    scope: Option<u32>,
}

impl<R: Fn(&TraceId) -> usize> Walk<'_, '_, R> {
    fn request(&mut self, request: &[u8]) -> Result<(), Malformed> {
        let mut placed = vec![Placed::default(); self.lanes.len()];
        let mut fields = Fields::new(request);
        while let Some(field) = fields.next_of(REQUEST, &mut self.odd)? {
            placed.fill(Placed::default());
            self.resource_spans(field.bytes()?, &mut placed)?;
        }
        Ok(())
    }

    /// The resource may stand behind its spans, so it is looked for first.
    fn resource_spans(&mut self, bytes: &[u8], placed: &mut [Placed]) -> Result<(), Malformed> {
        let resource = self.owner(bytes)?;
        let mut fields = Fields::new(bytes);
        while let Some(field) = fields.next_of(SPANS, &mut self.odd)? {
            placed.iter_mut().for_each(|p| p.scope = None);
            self.scope_spans(field.bytes()?, resource, placed)?;
        }
        Ok(())
    }

    fn scope_spans(
        &mut self,
        bytes: &[u8],
        resource: (&[u8], &[u8]),
        placed: &mut [Placed],
    ) -> Result<(), Malformed> {
        let scope = self.owner(bytes)?;
        let mut fields = Fields::new(bytes);
        while let Some(field) = fields.next_of(SPANS, &mut self.odd)? {
            if let Err(reject) = self.span(field.bytes()?, resource, scope, placed) {
                self.outcome.rejected += 1;
                self.outcome.first.get_or_insert(reject);
            } else {
                self.outcome.accepted += 1;
            }
        }
        Ok(())
    }

    /// The resource or scope that spans are of, and the URL of its schema.
    fn owner<'b>(&mut self, bytes: &'b [u8]) -> Result<(&'b [u8], &'b [u8]), Malformed> {
        let (mut owner, mut schema_url): (&[u8], &[u8]) = (&[], &[]);
        let mut fields = Fields::new(bytes);
        while let Some(field) = fields.next_of(OWNER, &mut self.odd)? {
            match field.number {
                1 => owner = field.bytes()?,
                _ => schema_url = field.bytes()?,
            }
        }
        Ok((owner, schema_url))
    }

    fn span(
        &mut self,
        bytes: &[u8],
        resource: (&[u8], &[u8]),
        scope: (&[u8], &[u8]),
        placed: &mut [Placed],
    ) -> Result<(), Reject> {
        if bytes.len() > self.limits.span_bytes {
            return Err(Reject::TooLarge(self.limits.span_bytes));
        }
        let trace = trace_id(bytes)?.ok_or(Reject::TraceId)?;
        let lane = (self.route)(&trace);
        let (Some(builder), Some(placed)) = (self.lanes.get_mut(lane), placed.get_mut(lane)) else {
            debug_assert!(false, "a route beyond the lanes");
            return Err(Reject::TraceId);
        };
        let resource = match placed.resource {
            Some(number) => number,
            None => *placed.resource.insert(put_resource(builder, resource.0, resource.1)),
        };
        let scope = match placed.scope {
            Some(number) => number,
            None => *placed.scope.insert(put_scope(builder, scope.0, scope.1)),
        };
        let fields = SpanFields { trace, resource, scope, ..SpanFields::default() };
        let put = put_span(builder, bytes, fields);
        if put.is_err() {
            builder.drop_span();
        }
        put
    }
}

/// The span's trace id if it is a valid one. Encoders may order fields as they like, so the walk
/// goes on until it is found; it is nearly always the first.
fn trace_id(span: &[u8]) -> Result<Option<TraceId>, Malformed> {
    let mut fields = Fields::new(span);
    while let Some(field) = fields.next_field()? {
        if let (1, Value::Bytes(id)) = (field.number, field.value) {
            return Ok(TraceId::from_wire(id));
        }
    }
    Ok(None)
}

/// Whether a request is a span without its wrapper: its ids stand where messages should.
fn is_span(request: &[u8]) -> bool {
    let mut ids = (None, None);
    let mut fields = Fields::new(request);
    while let Ok(Some(field)) = fields.next_field() {
        match (field.number, field.value) {
            (1, Value::Bytes(id)) => ids.0 = TraceId::from_wire(id),
            (2, Value::Bytes(id)) => ids.1 = SpanId::from_wire(id),
            _ => {}
        }
    }
    ids.0.is_some() && ids.1.is_some()
}

#[cfg(test)]
mod tests;
