//! What stands between the operators outside of braces: sets of spans, metrics, numbers.

use super::scalar::{arithmetic, comparison, metric, negative};
use super::{Deep, Parser};
use crate::ast::{
    Aggregate, BinaryOp, CompareOp, MathOp, MetricsExpr, MetricsFunction, ScalarFilter,
    SpansetExpr, Static,
};
use crate::error::{Position, QueryError, Result};
use crate::lexer::Symbol;

/// One operand. Which it is decides what the operators around it mean.
pub(super) enum Operand {
    Spanset(Spanset),
    /// A number or duration.
    Scalar(Static),
    /// An aggregate not compared yet.
    Aggregate(Aggregate),
    /// Arithmetic with aggregates: the language has it, no engine does.
    Computed,
    /// An aggregate that is compared.
    Filter(ScalarFilter),
    Metrics(Deep<MetricsExpr>),
}

/// A set of spans.
pub(super) struct Spanset {
    pub(super) expr: Deep<SpansetExpr>,
    /// It stands in parentheses, or each of its operands does.
    pub(super) wrapped: bool,
    /// There is a pipeline in it.
    pub(super) piped: bool,
}

impl Operand {
    fn name(&self) -> &'static str {
        match self {
            Self::Spanset(_) => "a set of spans",
            Self::Scalar(_) => "a number",
            Self::Aggregate(_) | Self::Computed => "an aggregate",
            Self::Filter(_) => "an aggregate's comparison",
            Self::Metrics(_) => "a metrics query",
        }
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::Scalar(_) | Self::Aggregate(_) | Self::Computed)
    }
}

/// An arithmetic operator, how strong it binds, and how strong those must be on its right.
fn arithmetic_op(symbol: Symbol) -> Option<(BinaryOp, u8, u8)> {
    Some(match symbol {
        Symbol::Plus => (BinaryOp::Add, 2, 3),
        Symbol::Minus => (BinaryOp::Subtract, 2, 3),
        Symbol::Star => (BinaryOp::Multiply, 3, 4),
        Symbol::Slash => (BinaryOp::Divide, 3, 4),
        Symbol::Percent => (BinaryOp::Modulo, 3, 4),
        Symbol::Caret => (BinaryOp::Power, 4, 4),
        _ => return None,
    })
}

impl Parser<'_> {
    /// Operands with operators other than `&&` and `||` between them.
    pub(super) fn operand(&mut self, least: u8) -> Result<Operand> {
        let mut left = self.signed()?;
        while let Some(symbol) = self.symbol() {
            let at = self.at();
            if let Some((op, level, right_least)) = arithmetic_op(symbol) {
                if level < least {
                    break;
                }
                self.advance();
                let right = self.nested(|parser| parser.operand(right_least))?;
                left = self.compute(at, op, left, right)?;
            } else if least > 1 {
                break;
            } else if let (Some(op), true) = (comparison(symbol), left.is_number()) {
                self.advance();
                let right = self.nested(|parser| parser.operand(2))?;
                left = compare(at, op, left, right)?;
            } else if let (Some(op), Operand::Spanset(_)) =
                (super::spanset::structural(symbol), &left)
            {
                self.advance();
                let right = self.nested(|parser| parser.operand(2))?;
                left = self.relate(at, op, left, right)?;
            } else {
                break;
            }
        }
        Ok(left)
    }

    fn signed(&mut self) -> Result<Operand> {
        if let Some(value) = self.negative_literal()? {
            return Ok(Operand::Scalar(value));
        }
        let at = self.at();
        if !self.eat(Symbol::Minus) {
            return self.lone_operand();
        }
        let wrong = |what: &str| QueryError::parse(at, format!("- cannot stand before {what}"));
        match self.nested(Self::signed)? {
            Operand::Scalar(value) => {
                negative(&value).map(Operand::Scalar).ok_or_else(|| wrong("this number"))
            }
            Operand::Aggregate(_) | Operand::Computed => Ok(Operand::Computed),
            other => Err(wrong(other.name())),
        }
    }

    fn compute(
        &self,
        at: Position,
        op: BinaryOp,
        left: Operand,
        right: Operand,
    ) -> Result<Operand> {
        let scalar = |value: &Static| Deep::leaf(MetricsExpr::Scalar(metric(value).unwrap_or(0.0)));
        match (left, right) {
            (Operand::Scalar(a), Operand::Scalar(b)) => {
                arithmetic(op, &a, &b).map(Operand::Scalar).ok_or_else(|| {
                    QueryError::validation(at, format!("{a} {op} {b} is no number within range"))
                })
            }
            (Operand::Metrics(a), Operand::Metrics(b)) => self.math(at, op, a, b),
            (Operand::Metrics(a), Operand::Scalar(b)) => self.math(at, op, a, scalar(&b)),
            (Operand::Scalar(a), Operand::Metrics(b)) => self.math(at, op, scalar(&a), b),
            (a, b) if a.is_number() && b.is_number() => Ok(Operand::Computed),
            (a, b) => {
                let message = format!("{} {op} {} means nothing", a.name(), b.name());
                Err(QueryError::parse(at, message))
            }
        }
    }

    fn math(
        &self,
        at: Position,
        op: BinaryOp,
        left: Deep<MetricsExpr>,
        right: Deep<MetricsExpr>,
    ) -> Result<Operand> {
        let math = match op {
            BinaryOp::Add => MathOp::Add,
            BinaryOp::Subtract => MathOp::Subtract,
            BinaryOp::Multiply => MathOp::Multiply,
            BinaryOp::Divide => MathOp::Divide,
            _ => {
                let message = format!("metrics combine with + - * /, not with {op}");
                return Err(QueryError::parse(at, message));
            }
        };
        for side in [&left.node, &right.node] {
            if let MetricsExpr::Query(query) = side
                && matches!(query.function, MetricsFunction::Compare { .. })
            {
                let message = "compare() cannot be used in arithmetic";
                return Err(QueryError::validation(at, message));
            }
        }
        let joined = self.above(left, right, |left, right| MetricsExpr::Math {
            op: math,
            left: Box::new(left),
            right: Box::new(right),
            then: Vec::new(),
        })?;
        Ok(Operand::Metrics(joined))
    }
}

fn compare(at: Position, op: CompareOp, left: Operand, right: Operand) -> Result<Operand> {
    match (left, right) {
        (Operand::Aggregate(aggregate), Operand::Scalar(value)) => {
            Ok(Operand::Filter(ScalarFilter { aggregate, op, value }))
        }
        (Operand::Scalar(a), Operand::Scalar(b)) => {
            let message = format!("{a} {op} {b} asks for no span: expected a filter in braces");
            Err(QueryError::parse(at, message))
        }
        (a, b) if a.is_number() && b.is_number() => {
            let message = "only an aggregate, compared with a constant to its right, \
                           such as count() > 2";
            Err(QueryError::unsupported(at, message))
        }
        (a, b) => {
            let message = format!("{} {op} {} means nothing", a.name(), b.name());
            Err(QueryError::parse(at, message))
        }
    }
}
