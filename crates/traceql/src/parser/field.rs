//! Expressions over one span.
//!
//! From weak to strong: `&&` and `||`; comparisons; `+ -`; `!`; `* / %`; `^`; the minus sign.

use super::chain::Chain;
use super::{Deep, MAX_PATTERNS, Parser, names, scalar};
use crate::ast::{Attribute, BinaryOp, CompareOp, FieldExpr, Pattern, Static};
use crate::check;
use crate::error::{Position, QueryError, Result};
use crate::lexer::{Symbol, TokenKind};

const COMPARISON: u8 = 1;
const SUM: u8 = 2;
const PRODUCT: u8 = 4;
const POWER: u8 = 5;
const SIGN: u8 = 6;

/// What stands between two operands that are not conditions.
#[derive(Clone, Copy)]
enum Infix {
    Plain(BinaryOp),
    Match { negated: bool },
}

/// The operator, how strong it binds, and how strong those must be that its right side takes.
fn infix(symbol: Symbol) -> Option<(Infix, u8, u8)> {
    if let Some(op) = scalar::comparison(symbol) {
        return Some((Infix::Plain(BinaryOp::Compare(op)), COMPARISON, COMPARISON + 1));
    }
    let (op, level) = match symbol {
        Symbol::Match => {
            return Some((Infix::Match { negated: false }, COMPARISON, COMPARISON + 1));
        }
        Symbol::NotMatch => {
            return Some((Infix::Match { negated: true }, COMPARISON, COMPARISON + 1));
        }
        // The one that groups to the right.
        Symbol::Caret => return Some((Infix::Plain(BinaryOp::Power), POWER, POWER)),
        Symbol::Plus => (BinaryOp::Add, SUM),
        Symbol::Minus => (BinaryOp::Subtract, SUM),
        Symbol::Star => (BinaryOp::Multiply, PRODUCT),
        Symbol::Slash => (BinaryOp::Divide, PRODUCT),
        Symbol::Percent => (BinaryOp::Modulo, PRODUCT),
        _ => return None,
    };
    Some((Infix::Plain(op), level, level + 1))
}

impl Parser<'_> {
    /// `{ … }`
    pub(super) fn filter(&mut self) -> Result<Deep<FieldExpr>> {
        self.expect(Symbol::OpenBrace, "{")?;
        if self.eat(Symbol::CloseBrace) {
            return Ok(Deep::leaf(FieldExpr::Static(Static::Bool(true))));
        }
        let at = self.at();
        let condition = self.field()?;
        self.expect(Symbol::CloseBrace, "an operator or }")?;
        valid(at, whole(&condition.node))?;
        Ok(condition)
    }

    /// All tokens as what may stand between braces.
    pub(crate) fn lone_condition(mut self) -> Result<FieldExpr> {
        let at = self.at();
        let condition = self.field()?;
        self.finish("an operator")?;
        valid(at, whole(&condition.node))?;
        Ok(condition.node)
    }

    /// Any expression.
    pub(super) fn field(&mut self) -> Result<Deep<FieldExpr>> {
        self.nested(Self::logical)
    }

    fn logical(&mut self) -> Result<Deep<FieldExpr>> {
        let first = self.binary(COMPARISON)?;
        let (Some(Symbol::And) | Some(Symbol::Or)) = self.symbol() else { return Ok(first) };
        let at = self.at();
        valid(at, check::condition(&first.node, "the left side of && and ||"))?;
        let mut chain = Chain::new(first);
        loop {
            let op = match self.symbol() {
                Some(Symbol::And) => BinaryOp::And,
                Some(Symbol::Or) => BinaryOp::Or,
                _ => break,
            };
            let at = self.at();
            self.advance();
            let right = self.binary(COMPARISON)?;
            valid(at, check::condition(&right.node, "the right side of && and ||"))?;
            chain.push(op, right);
            self.fits(chain.depth())?;
        }
        chain.finish().ok_or_else(|| self.unexpected("a condition"))
    }

    /// Operands with operators that bind at least as strong as `least`.
    fn binary(&mut self, least: u8) -> Result<Deep<FieldExpr>> {
        let mut left = self.unary()?;
        while let Some((op, level, right_least)) = self.symbol().and_then(infix) {
            if level < least {
                break;
            }
            let at = self.at();
            self.advance();
            if self.symbol() == Some(Symbol::Equal) && level == COMPARISON {
                return Err(self.unexpected("a value; values are compared with a single ="));
            }
            let right = self.nested(|parser| parser.binary(right_least))?;
            left = self.join(at, op, left, right)?;
        }
        Ok(left)
    }

    fn join(
        &mut self,
        at: Position,
        op: Infix,
        left: Deep<FieldExpr>,
        right: Deep<FieldExpr>,
    ) -> Result<Deep<FieldExpr>> {
        let op = match op {
            Infix::Match { negated } => {
                self.patterns += 1;
                if self.patterns > MAX_PATTERNS {
                    let message = format!("more than {MAX_PATTERNS} regular expressions");
                    return Err(QueryError::validation(at, message));
                }
                let pattern = pattern(at, &left.node, &right.node)?;
                return self.above(left, right, |operand, _| FieldExpr::Match {
                    operand: Box::new(operand),
                    patterns: vec![pattern],
                    negated,
                });
            }
            Infix::Plain(op) => op,
        };
        if let BinaryOp::Compare(compare) = op {
            if let Some(expr) = nil_test(at, compare, &left.node, &right.node)? {
                return Ok(Deep::leaf(expr));
            }
            valid(at, check::comparison(compare, &left.node, &right.node))?;
        } else {
            valid(at, check::number(&left.node, &format!("the left side of {op}")))?;
            valid(at, check::number(&right.node, &format!("the right side of {op}")))?;
        }
        self.above(left, right, |left, right| FieldExpr::Binary {
            op,
            left: Box::new(left),
            right: Box::new(right),
        })
    }

    fn unary(&mut self) -> Result<Deep<FieldExpr>> {
        let at = self.at();
        if let Some(value) = self.negative_literal()? {
            return Ok(Deep::leaf(FieldExpr::Static(value)));
        }
        if self.eat(Symbol::Not) {
            let operand = self.nested(|parser| parser.binary(PRODUCT))?;
            valid(at, check::condition(&operand.node, "the operand of !"))?;
            return self.above(operand, Deep { node: (), depth: 0 }, |operand, ()| {
                FieldExpr::Not(Box::new(operand))
            });
        }
        if self.eat(Symbol::Minus) {
            let operand = self.nested(|parser| parser.binary(SIGN))?;
            valid(at, check::number(&operand.node, "the operand of -"))?;
            return self
                .above(operand, Deep { node: (), depth: 0 }, |operand, ()| negated(operand));
        }
        self.primary()
    }

    fn primary(&mut self) -> Result<Deep<FieldExpr>> {
        if self.eat(Symbol::OpenParen) {
            let inner = self.field()?;
            self.expect(Symbol::CloseParen, "an operator or )")?;
            return Ok(inner);
        }
        let node = match self.kind() {
            TokenKind::Attribute(..) | TokenKind::Scoped(..) | TokenKind::Word("parent") => {
                FieldExpr::Attribute(self.attribute()?)
            }
            TokenKind::Word(word) => {
                let word = *word;
                let node = match names::intrinsic(word) {
                    Some(intrinsic) => FieldExpr::Attribute(intrinsic),
                    None => match names::word_constant(word) {
                        Some(value) => FieldExpr::Static(value),
                        None => return Err(self.unknown_value(word)),
                    },
                };
                self.advance();
                node
            }
            _ => match self.literal()? {
                Some(value) => FieldExpr::Static(value),
                None => return Err(self.unexpected("an attribute or a value")),
            },
        };
        Ok(Deep::leaf(node))
    }
}

/// What stands between braces.
fn whole(expr: &FieldExpr) -> check::Check {
    check::condition(expr, "what stands in braces")
}

/// `-x`; of a constant the constant.
fn negated(operand: FieldExpr) -> FieldExpr {
    let value =
        if let FieldExpr::Static(value) = &operand { scalar::negative(value) } else { None };
    value.map_or_else(|| FieldExpr::Negate(Box::new(operand)), FieldExpr::Static)
}

/// What becomes of a comparison if one side is nil; none if neither is.
fn nil_test(
    at: Position,
    op: CompareOp,
    left: &FieldExpr,
    right: &FieldExpr,
) -> Result<Option<FieldExpr>> {
    let other = match (left, right) {
        (FieldExpr::Static(Static::Nil), other) | (other, FieldExpr::Static(Static::Nil)) => other,
        _ => return Ok(None),
    };
    let negated = match op {
        CompareOp::Equal => true,
        CompareOp::NotEqual => false,
        _ => {
            let message = format!("{op} cannot compare with nil, only = and != can");
            return Err(QueryError::validation(at, message));
        }
    };
    match other {
        FieldExpr::Attribute(attribute) => {
            if negated {
                valid(at, check::missing(attribute))?;
            }
            let attribute: Attribute = attribute.clone();
            Ok(Some(FieldExpr::Exists { attribute, negated }))
        }
        // Nothing compares with nil, not even nil.
        FieldExpr::Static(Static::Nil) => Ok(Some(FieldExpr::Static(Static::Bool(false)))),
        other => {
            let message = format!("only an attribute can be nil, {other} cannot");
            Err(QueryError::validation(at, message))
        }
    }
}

fn pattern(at: Position, left: &FieldExpr, right: &FieldExpr) -> Result<Pattern> {
    let FieldExpr::Static(Static::Str(text)) = right else {
        let message = format!("a regular expression must be a text in quotes, not {right}");
        return Err(QueryError::validation(at, message));
    };
    valid(at, check::matched(left))?;
    Pattern::new(text).map_err(|message| QueryError::validation(at, message))
}

pub(super) fn valid(at: Position, outcome: check::Check) -> Result<()> {
    outcome.map_err(|message| QueryError::validation(at, message))
}
