//! Structural operators over the trees of all traces of a chunk at once.

use crate::chunk::{Bits, ROOT, Shape};
use std::collections::HashMap;
use tributary_traceql::ast::{Relation, StructuralMode};

/// The spans that an operator gives for the sets on its two sides.
pub(super) fn relate(
    shape: &Shape,
    parents: &[u32],
    left: &Bits,
    right: &Bits,
    relation: Relation,
    mode: StructuralMode,
) -> Bits {
    let hits = match relation {
        Relation::Child => {
            right_with(right, |span| parent(parents, span).is_some_and(|p| left.has(p)))
        }
        Relation::Descendant => {
            let below = below(parents, left);
            right_with(right, |span| below.has(span))
        }
        Relation::Parent => {
            let above = parents_of(parents, left);
            right_with(right, |span| above.has(span))
        }
        Relation::Ancestor => {
            let above = above(parents, left);
            right_with(right, |span| above.has(span))
        }
        Relation::Sibling => siblings(shape, parents, left, right),
    };
    match mode {
        StructuralMode::Plain => hits,
        StructuralMode::Negated => {
            let mut rest = right.clone();
            rest.minus(&hits);
            rest
        }
        StructuralMode::Union => {
            let opposite = match relation {
                Relation::Child => Relation::Parent,
                Relation::Descendant => Relation::Ancestor,
                Relation::Parent => Relation::Child,
                Relation::Ancestor => Relation::Descendant,
                Relation::Sibling => Relation::Sibling,
            };
            let mut both = relate(shape, parents, right, left, opposite, StructuralMode::Plain);
            both.or(&hits);
            both
        }
    }
}

fn parent(parents: &[u32], span: usize) -> Option<usize> {
    parents.get(span).copied().filter(|p| *p < ROOT).map(|p| p as usize)
}

fn right_with(right: &Bits, is: impl Fn(usize) -> bool) -> Bits {
    let mut found = Bits::none(right.len());
    right.ones().filter(|&span| is(span)).for_each(|span| found.insert(span));
    found
}

fn parents_of(parents: &[u32], spans: &Bits) -> Bits {
    let mut found = Bits::none(spans.len());
    spans.ones().filter_map(|span| parent(parents, span)).for_each(|p| found.insert(p));
    found
}

/// All spans above these. Each is walked over once.
fn above(parents: &[u32], spans: &Bits) -> Bits {
    let mut found = Bits::none(spans.len());
    for span in spans.ones() {
        let mut at = span;
        while let Some(next) = parent(parents, at) {
            if found.has(next) {
                break;
            }
            found.insert(next);
            at = next;
        }
    }
    found
}

/// All spans below these: those on whose way up one of them stands.
fn below(parents: &[u32], spans: &Bits) -> Bits {
    let mut found = Bits::none(spans.len());
    let mut known = Bits::none(spans.len());
    let mut way = Vec::new();
    for span in 0..spans.len() {
        let mut at = span;
        let is_below = loop {
            if known.has(at) {
                break found.has(at);
            }
            let Some(next) = parent(parents, at) else { break false };
            way.push(at);
            if spans.has(next) {
                break true;
            }
            at = next;
        };
        // What is below a span that is below is below, too; nearer ones decided themselves.
        let mut inherited = is_below;
        while let Some(at) = way.pop() {
            inherited = inherited || parent(parents, at).is_some_and(|p| spans.has(p));
            known.insert(at);
            if inherited {
                found.insert(at);
            }
        }
    }
    found
}

/// Right-hand spans that have a left-hand one, another than themselves, below the same parent. The
/// roots of a trace are siblings.
fn siblings(shape: &Shape, parents: &[u32], left: &Bits, right: &Bits) -> Bits {
    let family = |span: usize| match parents.get(span).copied() {
        Some(ROOT) => Some((true, shape.trace_of().get(span).copied()?)),
        Some(parent) if parent < ROOT => Some((false, parent)),
        _ => None,
    };
    // The only left-hand span of each family; none where there are more.
    let mut only: HashMap<(bool, u32), Option<usize>> = HashMap::new();
    for span in left.ones() {
        if let Some(family) = family(span) {
            only.entry(family).and_modify(|one| *one = None).or_insert(Some(span));
        }
    }
    right_with(right, |span| {
        let family = family(span).and_then(|family| only.get(&family));
        family.is_some_and(|one| *one != Some(span))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::NONE;
    use proptest::prelude::*;

    fn holds(parents: &[u32], relation: Relation, a: usize, b: usize) -> bool {
        let up = |span| parent(parents, span);
        let is_above = |high: usize, low: usize| {
            std::iter::successors(up(low), |at| up(*at)).any(|at| at == high)
        };
        match relation {
            Relation::Child => up(b) == Some(a),
            Relation::Descendant => is_above(a, b),
            Relation::Parent => up(a) == Some(b),
            Relation::Ancestor => is_above(b, a),
            Relation::Sibling => a != b && parents[a] != NONE && parents[a] == parents[b],
        }
    }

    proptest! {
        #[test]
        fn operators_are_what_they_say(
            choices in proptest::collection::vec((0u32..40, any::<bool>(), any::<bool>()), 1..40),
        ) {
            // A span's parent stands before it, or is none.
            let parents: Vec<u32> = choices
                .iter()
                .enumerate()
                .map(|(i, (choice, ..))| match *choice {
                    choice if (choice as usize) < i => choice,
                    choice if choice % 2 == 0 => ROOT,
                    _ => NONE,
                })
                .collect();
            let len = parents.len();
            let end = vec![u32::try_from(len).unwrap()];
            let shape = Shape::by_spans(end, (0, Vec::new()), (0, Vec::new()));
            let left = Bits::from_fn(len, |i| choices[i].1);
            let right = Bits::from_fn(len, |i| choices[i].2);
            for relation in [
                Relation::Child,
                Relation::Descendant,
                Relation::Parent,
                Relation::Ancestor,
                Relation::Sibling,
            ] {
                let pair = |b: usize| left.ones().any(|a| holds(&parents, relation, a, b));
                let back = |a: usize| right.ones().any(|b| holds(&parents, relation, a, b));
                for mode in [StructuralMode::Plain, StructuralMode::Negated, StructuralMode::Union] {
                    let got = relate(&shape, &parents, &left, &right, relation, mode);
                    let want = Bits::from_fn(len, |i| match mode {
                        StructuralMode::Plain => right.has(i) && pair(i),
                        StructuralMode::Negated => right.has(i) && !pair(i),
                        StructuralMode::Union => {
                            right.has(i) && pair(i) || left.has(i) && back(i)
                        }
                    });
                    prop_assert_eq!(got, want, "{:?} {:?}", relation, mode);
                }
            }
        }
    }
}
