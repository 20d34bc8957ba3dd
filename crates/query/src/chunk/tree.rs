//! Who is whose parent in a trace.

use super::{NONE, ROOT, Shape};
use tributary_block::nested::{Node, Numberer, Numbers};

/// Nested set numbers and parents of all spans of a chunk.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) numbers: Vec<Numbers>,
    pub(super) parents: Vec<u32>,
}

/// Finds them from the spans' ids. `node` gives what is needed of a span.
pub(super) fn tree(shape: &Shape, node: impl Fn(usize) -> Node) -> Tree {
    let mut tree = Tree { numbers: Vec::with_capacity(shape.spans()), parents: Vec::new() };
    tree.parents.reserve(shape.spans());
    let (mut numberer, mut nodes) = (Numberer::default(), Vec::new());
    for trace in 0..shape.traces() {
        let spans = shape.spans_of(trace);
        let first = u32::try_from(spans.start).unwrap_or(NONE);
        nodes.clear();
        nodes.extend(spans.map(&node));
        numberer.number(&nodes, &mut tree.numbers);
        let from = tree.parents.len();
        tree.parents.extend(numberer.parents().iter().zip(&nodes).map(
            |(&parent, node)| match parent {
                NONE if node.parent.is_zero() => ROOT,
                NONE => NONE,
                parent => first.saturating_add(parent),
            },
        ));
        cut_circles(&mut tree.parents, from);
    }
    tree
}

/// Spans that go round in a circle have no parent.
fn cut_circles(parents: &mut [u32], from: usize) {
    let count = parents.len() - from;
    let up = |parents: &[u32], at: usize| {
        let parent = parents.get(from + at).copied().filter(|parent| *parent < ROOT);
        parent.and_then(|parent| (parent as usize).checked_sub(from))
    };
    // The walk that saw a span first.
    let mut seen = vec![0u32; count];
    for start in 0..count {
        let walk = u32::try_from(start + 1).unwrap_or(u32::MAX);
        let mut at = Some(start);
        while let Some(here) = at {
            match seen.get_mut(here) {
                Some(mark) if *mark == 0 => *mark = walk,
                Some(mark) if *mark == walk => break,
                _ => {
                    at = None;
                    break;
                }
            }
            at = up(parents, here);
        }
        // Seen twice on one walk: all spans from here round to here again are a circle.
        while let Some(here) = at {
            at = up(parents, here);
            if let Some(parent) = parents.get_mut(from + here) {
                *parent = NONE;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_are_cut() {
        // A root, its child, a circle of two, one below it, one that is its own parent.
        let mut parents = vec![9, ROOT, 1, 4, 3, 4, 6];
        cut_circles(&mut parents, 1);
        assert_eq!(parents, [9, ROOT, 1, NONE, NONE, 4, NONE]);
    }
}
