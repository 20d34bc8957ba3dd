//! All spans, and who is whose parent.

use crate::data::{Raw, Span};
use std::collections::{BTreeMap, HashMap};

const SERVER: i32 = 2;
const CLIENT: i32 = 3;

/// Where a span hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parent {
    Root,
    /// Its parent is not there, or it goes round in a circle.
    Lost,
    Span(usize),
}

/// What is known of a whole trace.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    pub(crate) id: [u8; 16],
    pub(crate) spans: Vec<usize>,
    pub(crate) start: u64,
    pub(crate) duration: u64,
    pub(crate) root: Option<usize>,
}

/// Spans, each once.
pub(crate) struct World {
    pub(crate) spans: Vec<Span>,
    pub(crate) parents: Vec<Parent>,
    pub(crate) traces: Vec<Trace>,
    /// Spans of traces in which three share an id: they have no numbers.
    tripled: Vec<bool>,
}

impl World {
    pub(crate) fn new(mut spans: Vec<Span>) -> World {
        spans.sort_by_key(|span| (span.trace, span.start, span.id, span.kind));
        let mut by_trace: BTreeMap<[u8; 16], Vec<usize>> = BTreeMap::new();
        for (n, span) in spans.iter().enumerate() {
            by_trace.entry(span.trace).or_default().push(n);
        }
        let mut world = World {
            parents: vec![Parent::Lost; spans.len()],
            tripled: vec![false; spans.len()],
            traces: Vec::new(),
            spans,
        };
        for (id, of_trace) in by_trace {
            world.link(&of_trace);
            let all = || of_trace.iter().map(|n| &world.spans[*n]);
            let start = all().map(|span| span.start).min().unwrap();
            let end = all().map(|span| span.end.max(span.start)).max().unwrap();
            let roots = of_trace.iter().copied().filter(|n| world.is_true_root(*n));
            let root = roots.min_by_key(|n| world.spans[*n].start);
            let trace = Trace { id, spans: of_trace.clone(), start, duration: end - start, root };
            world.traces.push(trace);
        }
        world
    }

    /// A span without parent, unless a link of OpenTracing's says whose child it is.
    fn is_true_root(&self, n: usize) -> bool {
        let span = &self.spans[n];
        let is_child = span.links.iter().any(|link| {
            let mark = ("opentracing.ref_type", Raw::Str("child_of"));
            link.trace == span.trace && link.attributes.contains(&mark)
        });
        span.parent == [0; 8] && !is_child
    }

    fn link(&mut self, of_trace: &[usize]) {
        let mut by_id: HashMap<[u8; 8], Vec<usize>> = HashMap::new();
        for n in of_trace {
            by_id.entry(self.spans[*n].id).or_default().push(*n);
        }
        let is_tripled = by_id.values().any(|same| same.len() > 2);
        for n in of_trace {
            let span = &self.spans[*n];
            self.tripled[*n] = is_tripled;
            self.parents[*n] = match by_id.get(&span.parent) {
                _ if span.parent == [0; 8] => Parent::Root,
                None => Parent::Lost,
                Some(_) if is_tripled => Parent::Lost,
                Some(same) if same.len() == 1 => Parent::Span(same[0]),
                Some(two) => {
                    let wanted = if span.kind == SERVER { CLIENT } else { SERVER };
                    let found = two.iter().find(|other| self.spans[**other].kind == wanted);
                    found.map_or(Parent::Lost, |other| Parent::Span(*other))
                }
            };
        }
        let circles: Vec<usize> =
            of_trace.iter().copied().filter(|n| self.is_above(*n, *n)).collect();
        for n in circles {
            self.parents[n] = Parent::Lost;
        }
    }

    pub(crate) fn parent(&self, n: usize) -> Option<usize> {
        match self.parents[n] {
            Parent::Span(parent) => Some(parent),
            _ => None,
        }
    }

    /// Whether one span stands on the way up from another.
    pub(crate) fn is_above(&self, high: usize, low: usize) -> bool {
        let mut at = low;
        // No way up is longer than there are spans, unless it goes round in a circle.
        for _ in 0..self.spans.len() {
            match self.parent(at) {
                Some(parent) if parent == high => return true,
                Some(parent) => at = parent,
                None => return false,
            }
        }
        false
    }

    pub(crate) fn children(&self, n: usize) -> usize {
        self.parents.iter().filter(|parent| **parent == Parent::Span(n)).count()
    }

    /// Whether a root is above a span, or it is one.
    pub(crate) fn hangs_on_root(&self, n: usize) -> bool {
        let is_root = |n: usize| self.parents[n] == Parent::Root;
        let mut all = 0..self.spans.len();
        !self.tripled[n]
            && (is_root(n) || all.any(|other| is_root(other) && self.is_above(other, n)))
    }

    pub(crate) fn is_numbered_root(&self, n: usize) -> bool {
        self.hangs_on_root(n) && self.parents[n] == Parent::Root
    }

    pub(crate) fn trace_of(&self, n: usize) -> &Trace {
        self.traces.iter().find(|trace| trace.id == self.spans[n].trace).unwrap()
    }

    /// The service of a span: the first text, or none.
    pub(crate) fn service(&self, n: usize) -> &'static str {
        let texts = self.spans[n].resource.iter().filter_map(|(key, raw)| match raw {
            Raw::Str(text) if *key == "service.name" => Some(*text),
            _ => None,
        });
        texts.into_iter().next().unwrap_or("")
    }
}
