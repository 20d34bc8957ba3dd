//! `a && b && c …` as a balanced tree.
//!
//! Both operators may be regrouped at will, and queries that machines write have thousands of
//! operands: as a list to the left they would make a tree thousands of levels deep. Parentheses
//! around operands with the same operator mean nothing and vanish, too, so that there is one tree
//! for each list of operands.

use super::Deep;
use crate::ast::{BinaryOp, FieldExpr, SpansetExpr, SpansetOp};

/// A tree in which some operators may be regrouped.
pub(crate) trait Balanced: Sized {
    type Op: Copy + PartialEq;

    fn join(op: Self::Op, left: Self, right: Self) -> Self;

    /// The two operands, if the tree's root is this operator.
    fn split(self, op: Self::Op) -> Result<(Self, Self), Self>;

    /// All operands of this operator at the top, in order.
    fn operands(self, op: Self::Op, into: &mut Vec<Self>) {
        match self.split(op) {
            Ok((left, right)) => {
                left.operands(op, into);
                right.operands(op, into);
            }
            Err(operand) => into.push(operand),
        }
    }

    /// A tree of operands, as flat as can be; none without operands.
    fn balanced(op: Self::Op, operands: Vec<Self>) -> Option<Self> {
        let count = operands.len();
        build(op, &mut operands.into_iter(), count)
    }
}

fn build<T: Balanced>(
    op: T::Op,
    operands: &mut impl Iterator<Item = T>,
    count: usize,
) -> Option<T> {
    if count <= 1 {
        return operands.next();
    }
    let left = build(op, operands, count / 2)?;
    let right = build(op, operands, count - count / 2)?;
    Some(T::join(op, left, right))
}

impl Balanced for FieldExpr {
    type Op = BinaryOp;

    fn join(op: BinaryOp, left: Self, right: Self) -> Self {
        Self::Binary { op, left: Box::new(left), right: Box::new(right) }
    }

    fn split(self, wanted: BinaryOp) -> Result<(Self, Self), Self> {
        match self {
            Self::Binary { op, left, right } if op == wanted => Ok((*left, *right)),
            other => Err(other),
        }
    }
}

impl Balanced for SpansetExpr {
    type Op = SpansetOp;

    fn join(op: SpansetOp, left: Self, right: Self) -> Self {
        Self::Binary { op, left: Box::new(left), right: Box::new(right) }
    }

    fn split(self, wanted: SpansetOp) -> Result<(Self, Self), Self> {
        match self {
            Self::Binary { op, left, right } if op == wanted => Ok((*left, *right)),
            other => Err(other),
        }
    }
}

/// Operands as they come, joined whenever the operator changes: both operators bind alike.
pub(super) struct Chain<T: Balanced> {
    op: Option<T::Op>,
    operands: Vec<T>,
    /// Of the deepest operand.
    depth: usize,
}

impl<T: Balanced> Chain<T> {
    pub(super) fn new(first: Deep<T>) -> Self {
        Self { op: None, operands: vec![first.node], depth: first.depth }
    }

    pub(super) fn push(&mut self, op: T::Op, operand: Deep<T>) {
        if self.op != Some(op) {
            self.join();
            if let Some(first) = self.operands.pop() {
                first.operands(op, &mut self.operands);
            }
            self.op = Some(op);
        }
        operand.node.operands(op, &mut self.operands);
        // Too much, if the operand was taken apart: a bound is enough here.
        self.depth = self.depth.max(operand.depth);
    }

    /// How deep the tree is by now, at most.
    pub(super) fn depth(&self) -> usize {
        // The logarithm, rounded up.
        let levels = usize::BITS - self.operands.len().saturating_sub(1).leading_zeros();
        self.depth + levels as usize
    }

    fn join(&mut self) {
        self.depth = self.depth();
        if let Some(op) = self.op {
            let joined = T::balanced(op, std::mem::take(&mut self.operands));
            self.operands.extend(joined);
        }
    }

    pub(super) fn finish(mut self) -> Option<Deep<T>> {
        self.join();
        let depth = self.depth;
        self.operands.pop().map(|node| Deep { node, depth })
    }
}
