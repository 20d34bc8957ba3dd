//! An OTLP request that grows span by span.

use super::Draft;
use crate::body::Intake;
use crate::fault::Fault;
use crate::sink::Sink;
use std::collections::HashMap;
use tributary_span::protobuf::put;

/// Who grants leave to hold bytes.
pub(crate) trait Room {
    /// Sees to it that so many bytes in all may be held.
    ///
    /// # Errors
    /// When there is no room for them.
    fn raise(&mut self, bytes: usize) -> Result<(), Fault>;
}

impl<S: Sink> Room for Intake<'_, S> {
    fn raise(&mut self, bytes: usize) -> Result<(), Fault> {
        Intake::raise(self, bytes)
    }
}

/// Room for everything, for what is only read to be counted.
pub(crate) struct Endless;

impl Room for Endless {
    fn raise(&mut self, _: usize) -> Result<(), Fault> {
        Ok(())
    }
}

/// Step in which room is asked for.
const STEP: usize = 16 << 10;

/// A request under construction: spans gathered by resource and scope.
pub(crate) struct Request<'r> {
    room: &'r mut dyn Room,
    /// Bytes granted.
    granted: usize,
    /// Bytes held, at most.
    held: usize,
    groups: Vec<ScopeSpans>,
    /// Where the spans of a resource and scope stand.
    index: HashMap<Vec<u8>, usize>,
    last: usize,
    key: Vec<u8>,
}

/// Spans of one resource and scope.
#[derive(Default)]
struct ScopeSpans {
    /// Encoded scope and resource, and where the scope ends.
    key: Vec<u8>,
    scope_end: usize,
    /// Encoded `ScopeSpans.spans`.
    spans: Vec<u8>,
}

impl<'r> Request<'r> {
    pub(crate) fn new(room: &'r mut dyn Room) -> Self {
        Request {
            room,
            granted: 0,
            held: 0,
            groups: Vec::new(),
            index: HashMap::new(),
            last: 0,
            key: Vec::new(),
        }
    }

    /// Adds a span. `resource` holds encoded fields of a `Resource`.
    ///
    /// # Errors
    /// When there is no room for it.
    pub(crate) fn span(&mut self, resource: &[u8], span: &Draft) -> Result<(), Fault> {
        self.key.clear();
        for (number, part) in [(1, &span.scope_name), (2, &span.scope_version)] {
            if !part.is_empty() {
                put::bytes(&mut self.key, number, part);
            }
        }
        let scope_end = self.key.len();
        self.key.extend_from_slice(resource);
        // Held now, in the buffers' spare room, and once more when the request is written.
        self.held += 3 * span.len();
        if self.groups.get(self.last).is_none_or(|group| group.key != self.key) {
            self.last = match self.index.get(&self.key) {
                Some(&group) => group,
                None => {
                    self.held += 3 * self.key.len() + size_of::<ScopeSpans>() + 64;
                    self.index.insert(self.key.clone(), self.groups.len());
                    self.groups.push(ScopeSpans {
                        key: self.key.clone(),
                        scope_end,
                        spans: Vec::new(),
                    });
                    self.groups.len() - 1
                }
            };
        }
        if self.held > self.granted {
            self.granted = self.held.next_multiple_of(STEP);
            self.room.raise(self.granted)?;
        }
        if let Some(group) = self.groups.get_mut(self.last) {
            put::message(&mut group.spans, 2, |out| span.write(out));
        }
        Ok(())
    }

    /// The request's bytes.
    pub(crate) fn finish(self) -> Vec<u8> {
        let all = self.groups.iter().map(|group| group.key.len() + group.spans.len() + 32).sum();
        let mut out = Vec::with_capacity(all);
        drop(self.index);
        for group in self.groups {
            let (scope, resource) = group.key.split_at_checked(group.scope_end).unwrap_or_default();
            put::message(&mut out, 1, |out| {
                put::bytes(out, 1, resource);
                put::message(out, 2, |out| {
                    put::bytes(out, 1, scope);
                    out.extend_from_slice(&group.spans);
                });
            });
        }
        out
    }
}
