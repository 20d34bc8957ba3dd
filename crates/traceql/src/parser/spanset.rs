//! Sets of spans and their operators.

use super::chain::Chain;
use super::operand::{Operand, Spanset};
use super::pipeline::Body;
use super::{Deep, Parser, names};
use crate::ast::{Relation, SpansetExpr, SpansetOp, Stage, Static, StructuralMode};
use crate::error::{Position, QueryError, Result};
use crate::lexer::{Symbol, TokenKind};

/// The structural operator that a symbol stands for.
pub(super) fn structural(symbol: Symbol) -> Option<SpansetOp> {
    use StructuralMode::{Negated, Plain, Union};
    let (relation, mode) = match symbol {
        Symbol::Greater => (Relation::Child, Plain),
        Symbol::Descendant => (Relation::Descendant, Plain),
        Symbol::Less => (Relation::Parent, Plain),
        Symbol::Ancestor => (Relation::Ancestor, Plain),
        Symbol::Tilde => (Relation::Sibling, Plain),
        Symbol::NotChild => (Relation::Child, Negated),
        Symbol::NotDescendant => (Relation::Descendant, Negated),
        Symbol::NotParent => (Relation::Parent, Negated),
        Symbol::NotAncestor => (Relation::Ancestor, Negated),
        Symbol::NotMatch => (Relation::Sibling, Negated),
        Symbol::UnionChild => (Relation::Child, Union),
        Symbol::UnionDescendant => (Relation::Descendant, Union),
        Symbol::UnionParent => (Relation::Parent, Union),
        Symbol::UnionAncestor => (Relation::Ancestor, Union),
        Symbol::UnionSibling => (Relation::Sibling, Union),
        _ => return None,
    };
    Some(SpansetOp::Structural(relation, mode))
}

impl Parser<'_> {
    /// Operands with any operators between them.
    pub(super) fn expression(&mut self) -> Result<Operand> {
        let first = self.nested(|parser| parser.operand(1))?;
        if !matches!(self.symbol(), Some(Symbol::And | Symbol::Or)) {
            return Ok(first);
        }
        let Spanset { expr, wrapped, mut piped } = self.spanset_side(self.at(), first, "left")?;
        let mut all_wrapped = wrapped || piped;
        let mut chain = Chain::new(expr);
        loop {
            let op = match self.symbol() {
                Some(Symbol::And) => SpansetOp::And,
                Some(Symbol::Or) => SpansetOp::Union,
                _ => break,
            };
            let at = self.at();
            self.advance();
            let right = self.nested(|parser| parser.operand(1))?;
            let right = self.spanset_side(at, right, "right")?;
            all_wrapped &= right.wrapped || right.piped;
            piped |= right.piped;
            if piped && !all_wrapped {
                return Err(QueryError::parse(at, UNWRAPPED));
            }
            chain.push(op, right.expr);
            self.fits(chain.depth())?;
        }
        let expr = chain.finish().ok_or_else(|| self.unexpected("{ or ("))?;
        Ok(Operand::Spanset(Spanset { expr, wrapped: all_wrapped, piped }))
    }

    /// `left >> right` and the like.
    pub(super) fn relate(
        &self,
        at: Position,
        op: SpansetOp,
        left: Operand,
        right: Operand,
    ) -> Result<Operand> {
        let left = self.spanset_side(at, left, "left")?;
        let right = self.spanset_side(at, right, "right")?;
        let piped = left.piped || right.piped;
        let wrapped = (left.wrapped || left.piped) && (right.wrapped || right.piped);
        if piped && !wrapped {
            return Err(QueryError::parse(at, UNWRAPPED));
        }
        let expr = self.above(left.expr, right.expr, |left, right| SpansetExpr::Binary {
            op,
            left: Box::new(left),
            right: Box::new(right),
        })?;
        Ok(Operand::Spanset(Spanset { expr, wrapped, piped }))
    }

    fn spanset_side(&self, at: Position, operand: Operand, side: &str) -> Result<Spanset> {
        match operand {
            Operand::Spanset(spanset) => Ok(spanset),
            Operand::Filter(_) => {
                let message = "an aggregate can stand beside this operator only within a pipeline \
                               in parentheses: ({ … } | count() > 2)";
                Err(QueryError::parse(at, message))
            }
            _ => {
                let message = format!("the {side} side must be a filter in braces or a pipeline");
                Err(QueryError::parse(at, message))
            }
        }
    }

    /// An operand without operators around it.
    pub(super) fn lone_operand(&mut self) -> Result<Operand> {
        match self.kind() {
            TokenKind::Symbol(Symbol::OpenBrace) => {
                let Deep { node, depth } = self.filter()?;
                let expr = Deep { node: SpansetExpr::Filter(node), depth: depth + 1 };
                Ok(Operand::Spanset(Spanset { expr, wrapped: false, piped: false }))
            }
            TokenKind::Symbol(Symbol::OpenParen) => {
                self.advance();
                let body = self.nested(Self::body)?;
                self.expect(Symbol::CloseParen, "an operator, | or )")?;
                self.wrapped(body)
            }
            TokenKind::Int(_) | TokenKind::Float(_) | TokenKind::Duration(_) => {
                match self.literal()? {
                    Some(value) => Ok(Operand::Scalar(value)),
                    None => Err(self.unexpected("a number")),
                }
            }
            TokenKind::Word(word) => {
                let word = *word;
                if let Some(aggregate) = self.aggregate()? {
                    return Ok(Operand::Aggregate(aggregate));
                }
                match names::word_constant(word) {
                    Some(value @ Static::Int(_)) => {
                        self.advance();
                        Ok(Operand::Scalar(value))
                    }
                    _ => Err(self.misplaced_word(word)),
                }
            }
            _ => Err(self.unexpected("a filter in braces, ( or a function")),
        }
    }

    /// What stood in parentheses.
    fn wrapped(&self, body: Body) -> Result<Operand> {
        let Deep { node: mut pipeline, depth } = match body {
            Body::Search(pipeline) => pipeline,
            Body::Metrics(metrics) => return Ok(Operand::Metrics(metrics)),
            Body::Operand(operand) => return Ok(operand),
        };
        let lone = pipeline.stages.pop_if(|stage| matches!(stage, Stage::Spanset(_)));
        let (node, piped) = match (lone, pipeline.stages.is_empty()) {
            (Some(Stage::Spanset(expr)), true) => {
                let piped = has_pipeline(&expr);
                (expr, piped)
            }
            (lone, _) => {
                pipeline.stages.extend(lone);
                (SpansetExpr::Pipeline(Box::new(pipeline)), true)
            }
        };
        let depth = depth + 1;
        self.fits(depth)?;
        Ok(Operand::Spanset(Spanset { expr: Deep { node, depth }, wrapped: true, piped }))
    }
}

const UNWRAPPED: &str = "beside a pipeline in parentheses the other side must stand in parentheses, \
                         too: ({ … } | count() > 2) && ({ … })";

/// Whether one of the operands is a pipeline. If one is, one of the first level is.
pub(crate) fn has_pipeline(expr: &SpansetExpr) -> bool {
    match expr {
        SpansetExpr::Filter(_) => false,
        SpansetExpr::Pipeline(_) => true,
        SpansetExpr::Binary { left, right, .. } => has_pipeline(left) || has_pipeline(right),
    }
}
