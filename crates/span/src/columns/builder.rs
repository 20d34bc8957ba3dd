//! Building columns span by span, each text, trace, resource and scope once.

use super::{Attr, Columns, Text, owned};
use crate::{SpanId, TraceId};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher};
use std::ops::Range;

mod copy;
mod owners;

pub use copy::Translation;

/// Builds [`Columns`] that hold all their invariants.
///
/// Lists come before their owner: push a span's attributes, events and links, then
/// [`Builder::end_span`]; an event's attributes, then [`Builder::end_event`]; and so on. The
/// lists' fields may therefore arrive in any order, as protobuf allows.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    columns: Columns,
    texts: HashTable<u32>,
    traces: HashTable<u32>,
    resources: HashTable<u32>,
    scopes: HashTable<u32>,
    /// The trace of the span before: neighbours mostly share it.
    last_trace: Option<u32>,
    /// Texts that are not UTF-8, in rising order.
    not_utf8: Vec<Text>,
    /// Texts or values with texts that were not UTF-8 and were mended, so far.
    pub(crate) mended: u64,
    /// Attributes that could not be read and were left out, so far.
    pub(crate) left_out: u64,
    /// The latest span with each text as its name.
    named: Vec<u32>,
    /// Attributes of an earlier span that those of the span being built are likely to equal.
    likely: Range<usize>,
}

/// How far a builder had got, for [`Builder::rollback`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    texts: usize,
    traces: usize,
    resources: usize,
    scopes: usize,
    spans: usize,
}

/// A span's own fields, without its lists. See [`super::Spans`] for their meaning.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpanFields {
    /// Trace id; not zero.
    pub trace: TraceId,
    /// Number of the resource, from [`Builder::end_resource`].
    pub resource: u32,
    /// Number of the scope, from [`Builder::end_scope`].
    pub scope: u32,
    /// Span id; not zero.
    pub id: SpanId,
    /// Parent's id; zero for a root.
    pub parent: SpanId,
    /// Name.
    pub name: Text,
    /// Kind by number.
    pub kind: i32,
    /// Start, ns.
    pub start: u64,
    /// End, ns.
    pub end: u64,
    /// Trace state.
    pub trace_state: Text,
    /// Flags.
    pub flags: u32,
    /// Status code by number.
    pub status_code: i32,
    /// Status message.
    pub status_message: Text,
    /// Attributes dropped by the sender.
    pub dropped_attrs: u32,
    /// Events dropped by the sender.
    pub dropped_events: u32,
    /// Links dropped by the sender.
    pub dropped_links: u32,
}

/// A link's own fields. See [`super::Links`].
#[derive(Debug, Clone, Copy, Default)]
pub struct LinkFields {
    /// Trace linked to.
    pub trace: TraceId,
    /// Span linked to.
    pub span: SpanId,
    /// Trace state.
    pub trace_state: Text,
    /// Flags.
    pub flags: u32,
    /// Attributes dropped by the sender.
    pub dropped_attrs: u32,
}

fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// Short texts are ASCII as a rule, which takes less to prove.
fn is_utf8(bytes: &[u8]) -> bool {
    bytes.is_ascii() || std::str::from_utf8(bytes).is_ok()
}

fn number(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl Builder {
    /// An empty builder.
    pub fn new() -> Self {
        Self::default()
    }

    /// What has been built so far.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Number of finished spans.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether no span is finished.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The columns; the builder is left empty.
    pub fn take(&mut self) -> Columns {
        let columns = std::mem::take(&mut self.columns);
        self.clear();
        columns
    }

    /// Hands the columns to `with`, which may change them, and empties the builder. Unlike
    /// [`Builder::take`] this keeps the memory for the next spans.
    pub fn drain_with<T>(&mut self, with: impl FnOnce(&mut Columns) -> T) -> T {
        let result = with(&mut self.columns);
        self.clear();
        result
    }

    /// Empties the builder and keeps its memory.
    pub fn clear(&mut self) {
        self.columns.clear();
        self.texts.clear();
        self.traces.clear();
        self.resources.clear();
        self.scopes.clear();
        self.last_trace = None;
        self.not_utf8.clear();
        self.named.clear();
        self.likely = 0..0;
    }

    /// The number of a text, which is added if it is new.
    #[inline]
    pub fn text(&mut self, bytes: &[u8]) -> Text {
        match self.find_text(bytes) {
            Ok(found) => found,
            Err(hash) => {
                let text = self.add_text(bytes, hash);
                if !is_utf8(bytes) {
                    self.not_utf8.push(text);
                }
                text
            }
        }
    }

    /// The same, unless the text is not UTF-8. That is looked at once for each text.
    #[inline]
    pub(crate) fn string(&mut self, bytes: &[u8]) -> Option<Text> {
        match self.find_text(bytes) {
            Ok(found) if self.not_utf8.binary_search(&found).is_ok() => None,
            Ok(found) => Some(found),
            Err(_) if !is_utf8(bytes) => None,
            Err(hash) => Some(self.add_text(bytes, hash)),
        }
    }

    /// A text that is there, or the hash to add it by.
    #[inline]
    fn find_text(&self, bytes: &[u8]) -> Result<Text, u64> {
        if bytes.is_empty() {
            return Ok(Text::EMPTY);
        }
        let texts = &self.columns.texts;
        let hash = hash_bytes(bytes);
        let same = |&n: &u32| texts.get(Text(n)) == bytes;
        self.texts.find(hash, same).map(|&n| Text(n)).ok_or(hash)
    }

    fn add_text(&mut self, bytes: &[u8], hash: u64) -> Text {
        let text = self.columns.texts.push(bytes);
        let texts = &self.columns.texts;
        self.texts.insert_unique(hash, text.0, |&n| hash_bytes(texts.get(Text(n))));
        text
    }

    fn trace(&mut self, id: TraceId) -> u32 {
        let traces = &mut self.columns.traces;
        if let Some(last) = self.last_trace
            && traces.get(last as usize) == Some(&id)
        {
            return last;
        }
        let hash = id.mix();
        let same = |n: &u32| traces.get(*n as usize) == Some(&id);
        let trace = match self.traces.find(hash, same) {
            Some(&found) => found,
            None => {
                let new = number(traces.len());
                traces.push(id);
                let traces = &self.columns.traces;
                self.traces
                    .insert_unique(hash, new, |&n| traces.get(n as usize).map_or(0, TraceId::mix));
                new
            }
        };
        self.last_trace = Some(trace);
        trace
    }

    /// Says the name of the span being built before its attributes come: [`Builder::likely_attr`]
    /// then foretells them by those of the latest span of that name.
    #[inline]
    pub(crate) fn expect_like(&mut self, name: Text) {
        let spans = &self.columns.spans;
        let row = self.named.get(name.0 as usize).map_or(usize::MAX, |&row| row as usize);
        let same = spans.name.get(row) == Some(&name);
        self.likely = if same { owned(&spans.attrs_end, row) } else { 0..0 };
    }

    /// The attribute that is likely to come next, or with 1 the one after it.
    #[inline]
    pub(crate) fn likely_attr(&self, ahead: usize) -> Option<Attr> {
        let at = self.likely.start + ahead;
        if at >= self.likely.end {
            return None;
        }
        let attrs = &self.columns.span_attrs;
        let (key, value_type) = (*attrs.key.get(at)?, *attrs.value_type.get(at)?);
        Some(Attr { key, value_type, value: *attrs.value.get(at)? })
    }

    /// So many of the likely attributes have come or will not come.
    #[inline]
    pub(crate) fn pass_likely(&mut self, count: usize) {
        self.likely.start += count;
    }

    /// Adds an attribute to the span being built.
    #[inline]
    pub fn span_attr(&mut self, attr: Attr) {
        self.columns.span_attrs.push(attr);
    }

    /// Adds an attribute to the event being built.
    pub fn event_attr(&mut self, attr: Attr) {
        self.columns.event_attrs.push(attr);
    }

    /// Ends the event being built; it belongs to the span being built.
    pub fn end_event(&mut self, time: u64, name: Text, dropped_attrs: u32) {
        let c = &mut self.columns;
        c.events.time.push(time);
        c.events.name.push(name);
        c.events.dropped_attrs.push(dropped_attrs);
        c.events.attrs_end.push(number(c.event_attrs.len()));
    }

    /// Adds an attribute to the link being built.
    pub fn link_attr(&mut self, attr: Attr) {
        self.columns.link_attrs.push(attr);
    }

    /// Ends the link being built; it belongs to the span being built.
    pub fn end_link(&mut self, link: LinkFields) {
        let c = &mut self.columns;
        c.links.trace.push(link.trace);
        c.links.span.push(link.span);
        c.links.trace_state.push(link.trace_state);
        c.links.flags.push(link.flags);
        c.links.dropped_attrs.push(link.dropped_attrs);
        c.links.attrs_end.push(number(c.link_attrs.len()));
    }

    /// Ends the span being built.
    pub fn end_span(&mut self, span: SpanFields) {
        debug_assert!(!span.trace.is_zero() && !span.id.is_zero(), "spans have ids");
        let trace = self.trace(span.trace);
        let name = span.name.0 as usize;
        if self.named.len() <= name {
            self.named.resize(self.columns.texts.len() + 1, u32::MAX);
        }
        if let Some(latest) = self.named.get_mut(name) {
            *latest = number(self.columns.len());
        }
        self.likely = 0..0;
        let c = &mut self.columns;
        let s = &mut c.spans;
        s.trace.push(trace);
        s.resource.push(span.resource);
        s.scope.push(span.scope);
        s.id.push(span.id);
        s.parent.push(span.parent);
        s.name.push(span.name);
        s.kind.push(span.kind);
        s.start.push(span.start);
        s.end.push(span.end);
        s.trace_state.push(span.trace_state);
        s.flags.push(span.flags);
        s.status_code.push(span.status_code);
        s.status_message.push(span.status_message);
        s.dropped_attrs.push(span.dropped_attrs);
        s.dropped_events.push(span.dropped_events);
        s.dropped_links.push(span.dropped_links);
        s.attrs_end.push(number(c.span_attrs.len()));
        s.events_end.push(number(c.events.time.len()));
        s.links_end.push(number(c.links.span.len()));
    }

    /// Forgets the lists of the span being built, which is refused.
    pub(crate) fn drop_span(&mut self) {
        let c = &mut self.columns;
        let spans = c.spans.id.len();
        let last = |ends: &[u32]| if spans == 0 { 0 } else { owned(ends, spans - 1).end };
        c.span_attrs.truncate(last(&c.spans.attrs_end));
        c.events.truncate(last(&c.spans.events_end));
        c.links.truncate(last(&c.spans.links_end));
        let events = c.events.attrs_end.len();
        c.event_attrs
            .truncate(events.checked_sub(1).map_or(0, |i| owned(&c.events.attrs_end, i).end));
        let links = c.links.attrs_end.len();
        c.link_attrs.truncate(links.checked_sub(1).map_or(0, |i| owned(&c.links.attrs_end, i).end));
    }

    /// Where the builder stands now, between two spans.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            texts: self.columns.texts.len(),
            traces: self.columns.traces.len(),
            resources: self.columns.resources.attrs_end.len(),
            scopes: self.columns.scopes.attrs_end.len(),
            spans: self.columns.len(),
        }
    }

    /// Takes back everything since `mark`, unfinished things included.
    pub(crate) fn rollback(&mut self, mark: Mark) {
        let c = &mut self.columns;
        c.spans.truncate(mark.spans);
        self.drop_span();
        let c = &mut self.columns;
        c.resources.truncate(mark.resources);
        c.resource_attrs.truncate(
            mark.resources.checked_sub(1).map_or(0, |i| owned(&c.resources.attrs_end, i).end),
        );
        c.scopes.truncate(mark.scopes);
        c.scope_attrs
            .truncate(mark.scopes.checked_sub(1).map_or(0, |i| owned(&c.scopes.attrs_end, i).end));
        c.traces.truncate(mark.traces);
        c.texts.truncate(mark.texts);
        self.not_utf8.retain(|text| text.0 as usize <= mark.texts);
        self.texts.retain(|n| *n as usize <= mark.texts);
        self.traces.retain(|n| (*n as usize) < mark.traces);
        self.resources.retain(|n| (*n as usize) < mark.resources);
        self.scopes.retain(|n| (*n as usize) < mark.scopes);
        self.last_trace = None;
    }
}

fn pick<T: Copy + Default>(column: &[T], i: usize) -> T {
    column.get(i).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
