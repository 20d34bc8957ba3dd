//! The nested set model: numbers that tell ancestors from descendants without a walk.
//!
//! Rules, as Tempo's structural operators need them. Numbering starts at 1 in each trace and goes
//! depth-first over the roots in stored order; one counter gives `left` on the way in and `right`
//! on the way out. `parent` is the parent's `left`, -1 for a root. A span whose parent is not in
//! the trace, and all below it, have zeros; so has a trace in which three spans share an id. Two
//! spans may share an id (a client and its server in Zipkin): the parent of a server is then the
//! client of the two, the parent of anything else the server.

use tributary_span::SpanId;

const SERVER: i32 = 2;
const CLIENT: i32 = 3;

/// A span's numbers; all zero when it hangs on no root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Numbers {
    /// `left` of the parent, -1 for a root.
    pub parent: i32,
    /// The counter on the way in.
    pub left: i32,
    /// The counter on the way out.
    pub right: i32,
}

/// What numbering needs of a span.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    /// Span id.
    pub id: SpanId,
    /// Parent's id; zero for a root.
    pub parent: SpanId,
    /// Kind by number.
    pub kind: i32,
}

const NONE: u32 = u32::MAX;

/// Numbers traces; keeps its memory from one to the next.
#[derive(Debug, Default)]
pub struct Numberer {
    /// Span ids with their place in stored order, sorted.
    by_id: Vec<(SpanId, u32)>,
    parent: Vec<u32>,
    first_child: Vec<u32>,
    next_sibling: Vec<u32>,
}

impl Numberer {
    /// Numbers the spans of one trace, given in stored order.
    pub fn number(&mut self, spans: &[Node], out: &mut Vec<Numbers>) {
        let start = out.len();
        out.resize(start + spans.len(), Numbers::default());
        let Some(out) = out.get_mut(start..) else { return };
        self.by_id.clear();
        self.by_id.extend(spans.iter().map(|span| span.id).zip(0..));
        self.by_id.sort_unstable();
        if self.by_id.windows(3).any(|w| matches!(w, [a, _, c] if a.0 == c.0)) {
            self.parent.clear();
            self.parent.resize(spans.len(), NONE);
            return;
        }
        self.link(spans);
        let mut counter = 0;
        for (root, span) in (0u32..).zip(spans) {
            if span.parent.is_zero() {
                self.walk(root, &mut counter, out);
            }
        }
    }

    /// The parent of each span of the trace that was numbered last, by place in stored order, also
    /// where no root is above them; `u32::MAX` for none. Circles are not cut.
    pub fn parents(&self) -> &[u32] {
        &self.parent
    }

    /// Makes the lists of children, each in stored order.
    fn link(&mut self, spans: &[Node]) {
        for table in [&mut self.parent, &mut self.first_child, &mut self.next_sibling] {
            table.clear();
            table.resize(spans.len(), NONE);
        }
        for (n, span) in spans.iter().enumerate().rev() {
            let n = u32::try_from(n).unwrap_or(NONE);
            let Some(parent) = self.parent_of(span, spans) else { continue };
            let Some(first) = self.first_child.get_mut(parent as usize) else { continue };
            let next = std::mem::replace(first, n);
            set(&mut self.next_sibling, n, next);
            set(&mut self.parent, n, parent);
        }
    }

    fn parent_of(&self, span: &Node, spans: &[Node]) -> Option<u32> {
        if span.parent.is_zero() {
            return None;
        }
        let from = self.by_id.partition_point(|(id, _)| *id < span.parent);
        let mut found = self.by_id.iter().skip(from).take_while(|(id, _)| *id == span.parent);
        let (first, second) = (found.next()?.1, found.next());
        let Some(&(_, second)) = second else { return Some(first) };
        let wanted = if span.kind == SERVER { CLIENT } else { SERVER };
        let is = |n: &u32| spans.get(*n as usize).is_some_and(|span| span.kind == wanted);
        [first, second].into_iter().find(is)
    }

    /// Walks the tree below `root` without recursion: traces may be as deep as they have spans.
    fn walk(&self, root: u32, counter: &mut i32, out: &mut [Numbers]) {
        let get = |table: &[u32], n: u32| table.get(n as usize).copied().unwrap_or(NONE);
        let mut at = root;
        let mut parent = -1;
        loop {
            *counter = counter.wrapping_add(1);
            let left = *counter;
            if let Some(numbers) = out.get_mut(at as usize) {
                *numbers = Numbers { parent, left, right: 0 };
            }
            let child = get(&self.first_child, at);
            if child != NONE {
                (at, parent) = (child, left);
                continue;
            }
            // Up until there is a sibling to go on with.
            loop {
                *counter = counter.wrapping_add(1);
                if let Some(numbers) = out.get_mut(at as usize) {
                    numbers.right = *counter;
                    parent = numbers.parent;
                }
                if at == root {
                    return;
                }
                let sibling = get(&self.next_sibling, at);
                if sibling != NONE {
                    at = sibling;
                    break;
                }
                at = get(&self.parent, at);
            }
        }
    }
}

fn set(table: &mut [u32], at: u32, value: u32) {
    if let Some(slot) = table.get_mut(at as usize) {
        *slot = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(spans: &[(u8, u8, i32)]) -> Vec<(i32, i32, i32)> {
        let id = |n: u8| SpanId([0, 0, 0, 0, 0, 0, 0, n]);
        let nodes: Vec<Node> =
            spans.iter().map(|&(s, p, kind)| Node { id: id(s), parent: id(p), kind }).collect();
        let mut out = Vec::new();
        let mut numberer = Numberer::default();
        // Twice: memory of the first trace must not shine through.
        numberer.number(&nodes, &mut out);
        numberer.number(&nodes, &mut out);
        let found: Vec<_> = out.iter().map(|n| (n.parent, n.left, n.right)).collect();
        assert_eq!(found[..spans.len()], found[spans.len()..]);
        found[..spans.len()].to_vec()
    }

    const Z: (i32, i32, i32) = (0, 0, 0);

    #[test]
    fn trees() {
        // One root, two children, a grandchild; the first child stands before its parent.
        assert_eq!(
            numbers(&[(2, 1, 1), (1, 0, 2), (3, 1, 1), (4, 2, 1)]),
            [(1, 2, 5), (-1, 1, 8), (1, 6, 7), (2, 3, 4)]
        );
        // Two roots.
        assert_eq!(
            numbers(&[(1, 0, 1), (2, 0, 1), (3, 2, 1)]),
            [(-1, 1, 2), (-1, 3, 6), (3, 4, 5)]
        );
        // No root; an orphan with a child beside a root; a span that is its own parent; a circle.
        assert_eq!(numbers(&[(1, 9, 1), (2, 1, 1)]), [Z, Z]);
        assert_eq!(numbers(&[(1, 9, 1), (2, 1, 1), (3, 0, 1)]), [Z, Z, (-1, 1, 2)]);
        assert_eq!(numbers(&[(1, 1, 1), (2, 0, 1)]), [Z, (-1, 1, 2)]);
        assert_eq!(numbers(&[(1, 2, 1), (2, 1, 1)]), [Z, Z]);
        assert_eq!(numbers(&[]), []);
    }

    #[test]
    fn shared_ids() {
        // The client's server has its id and it as parent; below it an internal span, below that a
        // server of another.
        assert_eq!(
            numbers(&[(1, 0, 1), (2, 1, CLIENT), (2, 2, SERVER), (3, 2, 1)]),
            [(-1, 1, 8), (1, 2, 7), (2, 3, 6), (3, 4, 5)]
        );
        // Neither of the two is a server.
        assert_eq!(numbers(&[(1, 0, 1), (1, 0, CLIENT), (3, 1, 1)]), [(-1, 1, 2), (-1, 3, 4), Z]);
        assert_eq!(numbers(&[(1, 0, 1), (1, 0, 2), (1, 0, 3)]), [Z, Z, Z]);
    }
}
