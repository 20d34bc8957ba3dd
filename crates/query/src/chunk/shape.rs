//! Which span belongs where.

use super::{Bits, Level, NONE};
use std::cell::OnceCell;

/// Which span belongs where. Spans of a trace stand together.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    trace_end: Vec<u32>,
    trace_of: OnceCell<Vec<u32>>,
    resources: Owners,
    scopes: Owners,
}

/// What spans belong to.
#[derive(Debug, Clone, Default)]
struct Owners {
    count: usize,
    /// End of the spans of each, where those of each stand together.
    ends: Option<Vec<u32>>,
    /// The one of each span.
    of: OnceCell<Vec<u32>>,
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(NONE)
}

fn owners_of(ends: &[u32]) -> Vec<u32> {
    let mut of = Vec::with_capacity(ends.last().map_or(0, |end| *end as usize));
    for (owner, end) in (0..).zip(ends) {
        of.resize((*end as usize).max(of.len()), owner);
    }
    of
}

impl Owners {
    fn of(&self) -> &[u32] {
        self.of.get_or_init(|| owners_of(self.ends.as_deref().unwrap_or_default()))
    }

    fn spread(&self, elements: &Bits, spans: usize) -> Bits {
        let mut found = Bits::none(spans);
        match &self.ends {
            Some(ends) => {
                for owner in elements.ones() {
                    found.insert_range(tributary_span::columns::owned(ends, owner));
                }
                found
            }
            None if elements.has_none() => found,
            None => {
                let of = self.of();
                Bits::from_fn(spans, |i| of.get(i).is_some_and(|n| elements.has(*n as usize)))
            }
        }
    }
}

impl Shape {
    /// A shape by the ends of the spans of each trace, resource and scope, all of which stand
    /// together.
    pub(super) fn by_ends(
        trace_end: Vec<u32>,
        resource_end: Vec<u32>,
        scope_end: Vec<u32>,
    ) -> Self {
        let owners =
            |ends: Vec<u32>| Owners { count: ends.len(), ends: Some(ends), of: OnceCell::new() };
        Shape {
            trace_end,
            trace_of: OnceCell::new(),
            resources: owners(resource_end),
            scopes: owners(scope_end),
        }
    }

    /// A shape by the ends of the spans of each trace, and the resource and scope of each span:
    /// how many there are, and which it is.
    pub(crate) fn by_spans(
        trace_end: Vec<u32>,
        (resources, resource_of): (usize, Vec<u32>),
        (scopes, scope_of): (usize, Vec<u32>),
    ) -> Shape {
        let owners = |count, of| Owners { count, ends: None, of: OnceCell::from(of) };
        Shape {
            trace_end,
            trace_of: OnceCell::new(),
            resources: owners(resources, resource_of),
            scopes: owners(scopes, scope_of),
        }
    }

    /// Number of traces.
    pub fn traces(&self) -> usize {
        self.trace_end.len()
    }

    /// Number of resources.
    pub fn resources(&self) -> usize {
        self.resources.count
    }

    /// Number of scopes.
    pub fn scopes(&self) -> usize {
        self.scopes.count
    }

    /// Number of spans.
    pub fn spans(&self) -> usize {
        self.trace_end.last().map_or(0, |end| *end as usize)
    }

    /// The spans of a trace.
    pub fn spans_of(&self, trace: usize) -> std::ops::Range<usize> {
        tributary_span::columns::owned(&self.trace_end, trace)
    }

    /// Trace of each span.
    pub fn trace_of(&self) -> &[u32] {
        self.trace_of.get_or_init(|| owners_of(&self.trace_end))
    }

    /// Resource of each span.
    pub fn resource_of(&self) -> &[u32] {
        self.resources.of()
    }

    /// Scope of each span.
    pub fn scope_of(&self) -> &[u32] {
        self.scopes.of()
    }

    /// The trace of a span, when those of spans before it are known to be at least `*trace`, which is
    /// set to it: quick for rising spans.
    #[inline]
    pub fn trace_after(&self, trace: &mut usize, span: usize) -> usize {
        while self.trace_end.get(*trace).is_some_and(|end| *end as usize <= span) {
            *trace += 1;
        }
        *trace
    }

    /// The traces that have one of these spans, rising.
    pub fn traces_with(&self, spans: &Bits) -> Vec<usize> {
        let (mut found, mut next, mut trace) = (Vec::new(), 0, 0);
        for span in spans.ones() {
            if span >= next {
                found.push(self.trace_after(&mut trace, span));
                next = self.spans_of(trace).end;
            }
        }
        found
    }

    /// The spans whose trace, resource or scope is among these; none for another level.
    pub(crate) fn spread(&self, level: Level, elements: &Bits) -> Option<Bits> {
        match level {
            Level::Trace => {
                let mut found = Bits::none(self.spans());
                elements.ones().for_each(|trace| found.insert_range(self.spans_of(trace)));
                Some(found)
            }
            Level::Resource => Some(self.resources.spread(elements, self.spans())),
            Level::Scope => Some(self.scopes.spread(elements, self.spans())),
            Level::Span | Level::Event | Level::Link => None,
        }
    }
}

/// A shape from the levels of a leaf of spans; those of other rows, if that is what they are, give
/// another number of traces.
pub(super) fn shape_of(rep: &[u8], def: &[u8], spans_depth: u8) -> Shape {
    let (mut traces, mut resources, mut scopes) = (Vec::new(), Vec::new(), Vec::new());
    let mut spans = 0usize;
    for (&rep, &def) in rep.iter().zip(def) {
        // Most entries are one more span of the scope before.
        if rep < spans_depth {
            // Each end is set when the next one begins, and by then all of its spans are known.
            let begin = |ends: &mut Vec<u32>| {
                if let Some(end) = ends.last_mut() {
                    *end = number(spans);
                }
                ends.push(number(spans));
            };
            if rep == 0 {
                begin(&mut traces);
            }
            if rep <= 1 && def >= 1 {
                begin(&mut resources);
            }
            if rep <= 2 && def >= 2 {
                begin(&mut scopes);
            }
        }
        spans += usize::from(def >= spans_depth);
    }
    for ends in [&mut traces, &mut resources, &mut scopes] {
        if let Some(end) = ends.last_mut() {
            *end = number(spans);
        }
    }
    Shape::by_ends(traces, resources, scopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_become_owners() {
        // A trace of two resources, the first with two scopes of two spans and one; an empty trace;
        // a trace with a scope without spans, and one with a span.
        let entries = [(0, 3), (3, 3), (2, 3), (1, 3), (0, 0), (0, 2), (2, 3), (1, 1), (0, 3)];
        let (rep, def): (Vec<u8>, Vec<u8>) = entries.into_iter().unzip();
        let shape = shape_of(&rep, &def, 3);
        assert_eq!(
            (shape.traces(), shape.resources(), shape.scopes(), shape.spans()),
            (4, 5, 6, 6)
        );
        assert_eq!(shape.trace_of(), [0, 0, 0, 0, 2, 3]);
        assert_eq!(shape.resource_of(), [0, 0, 0, 1, 2, 4]);
        assert_eq!(shape.scope_of(), [0, 0, 1, 2, 4, 5]);
        let some = |of: &[usize], len| Bits::from_fn(len, |i| of.contains(&i));
        let traces = |spans: &[usize]| shape.traces_with(&some(spans, 6));
        assert_eq!(traces(&[0, 3, 4]), [0, 2]);
        assert_eq!(traces(&[]), Vec::<usize>::new());
        assert_eq!(traces(&[5]), [3]);
        let spread = |level, of: &[usize], len| -> Vec<usize> {
            shape.spread(level, &some(of, len)).unwrap().ones().collect()
        };
        assert_eq!(spread(Level::Trace, &[1, 2], 4), [4]);
        assert_eq!(spread(Level::Resource, &[0, 3, 4], 5), [0, 1, 2, 5]);
        assert_eq!(spread(Level::Scope, &[1, 3, 4], 6), [2, 4]);
        let same = Shape::by_spans(
            vec![4, 4, 5, 6],
            (5, shape.resource_of().to_vec()),
            (6, shape.scope_of().to_vec()),
        );
        assert_eq!(same.trace_of(), shape.trace_of());
        let of_same = same.spread(Level::Resource, &some(&[0, 3, 4], 5)).unwrap();
        assert_eq!(of_same.ones().collect::<Vec<_>>(), [0, 1, 2, 5]);
    }
}
