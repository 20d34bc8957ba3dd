//! Stages, one behind the other.

use super::field::valid;
use super::operand::Operand;
use super::spanset::has_pipeline;
use super::{Deep, Parser, names};
use crate::ast::{Aggregate, FieldExpr, MetricsExpr, Pipeline, SpansetExpr, Stage};
use crate::check;
use crate::error::{QueryError, Result};
use crate::lexer::{Symbol, TokenKind};

/// What stands in a query, or between parentheses.
pub(super) enum Body {
    Search(Deep<Pipeline>),
    Metrics(Deep<MetricsExpr>),
    /// What is neither as it stands there, but may be with an operator behind the parentheses.
    Operand(Operand),
}

const FIRST: &str = "{ … } | ";

impl Parser<'_> {
    /// A pipeline, a metrics query, or arithmetic.
    pub(super) fn body(&mut self) -> Result<Body> {
        let (first, depth) = match self.plain_stage()? {
            Some(stage) => stage,
            None => match self.expression()? {
                Operand::Spanset(spanset) => {
                    let Deep { node, depth } = spanset.expr;
                    match node {
                        // Parentheses around a whole pipeline mean nothing.
                        SpansetExpr::Pipeline(inner) => {
                            return self.alone(Deep { node: *inner, depth });
                        }
                        expr if spanset.piped => {
                            let stages = vec![Stage::Spanset(expr)];
                            return self.alone(Deep { node: Pipeline { stages }, depth });
                        }
                        expr => (Stage::Spanset(expr), depth),
                    }
                }
                Operand::Filter(filter) => (Stage::Scalar(filter), 1),
                Operand::Metrics(mut metrics) => {
                    self.second_stages(&mut metrics.node)?;
                    return Ok(Body::Metrics(metrics));
                }
                operand => return Ok(Body::Operand(operand)),
            },
        };
        let mut pipeline = Deep { node: Pipeline { stages: vec![first] }, depth };
        while self.eat(Symbol::Pipe) {
            if let Some(function) = self.metrics_function()? {
                return self.metrics_query(pipeline, function).map(Body::Metrics);
            }
            let (stage, depth) = self.later_stage()?;
            pipeline.node.stages.push(stage);
            pipeline.depth = pipeline.depth.max(depth);
        }
        Ok(Body::Search(pipeline))
    }

    /// Nothing can be made of a pipeline in parentheses but an operand.
    fn alone(&self, pipeline: Deep<Pipeline>) -> Result<Body> {
        if self.symbol() == Some(Symbol::Pipe) {
            return Err(self.unexpected("nothing: a pipeline in parentheses cannot go on"));
        }
        Ok(Body::Search(pipeline))
    }

    fn later_stage(&mut self) -> Result<(Stage, usize)> {
        if let Some(stage) = self.plain_stage()? {
            return Ok(stage);
        }
        if self.eat_word("coalesce") {
            self.expect(Symbol::OpenParen, "(")?;
            self.expect(Symbol::CloseParen, ")")?;
            return Ok((Stage::Coalesce, 1));
        }
        let at = self.at();
        match self.expression()? {
            Operand::Spanset(spanset) if has_pipeline(&spanset.expr.node) => {
                let message = "a pipeline in parentheses can only begin a query";
                Err(QueryError::parse(at, message))
            }
            Operand::Spanset(spanset) => {
                Ok((Stage::Spanset(spanset.expr.node), spanset.expr.depth))
            }
            Operand::Filter(filter) => Ok((Stage::Scalar(filter), 1)),
            Operand::Metrics(_) => {
                let message = "a metrics query in parentheses cannot be a stage of a pipeline";
                Err(QueryError::parse(at, message))
            }
            Operand::Scalar(_) | Operand::Aggregate(_) | Operand::Computed => {
                Err(self.unexpected("a comparison, such as > 2"))
            }
        }
    }

    /// `by(…)` or `select(…)`, if one is next, and its depth.
    fn plain_stage(&mut self) -> Result<Option<(Stage, usize)>> {
        if self.eat_word("by") {
            self.expect(Symbol::OpenParen, "(")?;
            let at = self.at();
            let Deep { node, depth } = self.field()?;
            valid(at, check::of_span(&node, "by"))?;
            self.expect(Symbol::CloseParen, "an operator or )")?;
            return Ok(Some((Stage::GroupBy(node), depth + 1)));
        }
        if self.eat_word("select") {
            self.expect(Symbol::OpenParen, "(")?;
            return Ok(Some((Stage::Select(self.attributes()?), 1)));
        }
        Ok(None)
    }

    /// `count()`, `max(…)` and so on, if one is next.
    pub(super) fn aggregate(&mut self) -> Result<Option<Aggregate>> {
        let TokenKind::Word(name) = *self.kind() else { return Ok(None) };
        let over: fn(FieldExpr) -> Aggregate = match name {
            "count" => {
                self.advance();
                self.expect(Symbol::OpenParen, "(")?;
                self.expect(Symbol::CloseParen, ")")?;
                return Ok(Some(Aggregate::Count));
            }
            "max" => Aggregate::Max,
            "min" => Aggregate::Min,
            "avg" => Aggregate::Avg,
            "sum" => Aggregate::Sum,
            _ => return Ok(None),
        };
        self.advance();
        self.expect(Symbol::OpenParen, "(")?;
        let at = self.at();
        let Deep { node, .. } = self.field()?;
        valid(at, check::number(&node, &format!("what {name}() computes over")))?;
        valid(at, check::of_span(&node, name))?;
        self.expect(Symbol::CloseParen, "an operator or )")?;
        Ok(Some(over(node)))
    }

    /// A word where a stage should stand.
    pub(super) fn misplaced_word(&self, word: &str) -> QueryError {
        let followed = *self.second() == TokenKind::Symbol(Symbol::OpenParen);
        let message = match word {
            "topk" | "bottomk" => format!("{word}() works on metrics: {FIRST}rate() | {word}(5)"),
            "coalesce" => "a query cannot begin with coalesce()".into(),
            "compare" if followed => format!("compare() needs spans before it: {FIRST}compare(…)"),
            known if names::STAGES.contains(&known) && followed => {
                format!("{word}() needs spans before it: {FIRST}{word}(…)")
            }
            known if names::STAGES.contains(&known) => {
                format!("unexpected {word:?}, expected a filter in braces")
            }
            _ => return self.unknown_stage(word),
        };
        QueryError::parse(self.at(), message)
    }
}
