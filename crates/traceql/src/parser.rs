//! Tokens into a tree, by recursive descent.
//!
//! Each rule is a method; operators climb by precedence. How deep a tree may be is bounded, so that
//! nothing that later walks over it can run out of stack.

mod chain;
mod field;
mod metrics;
mod names;
mod operand;
mod pipeline;
mod scalar;
mod spanset;

#[cfg(test)]
mod tests;

pub(crate) use chain::Balanced;
pub(crate) use spanset::has_pipeline;

use crate::ast::{Attribute, Query, Root, Static};
use crate::error::{Position, QueryError, Result};
use crate::lexer::{Prefix, Symbol, Token, TokenKind};

/// How many levels a tree may have. `a && b && c` is as deep as its logarithm.
pub(crate) const MAX_DEPTH: usize = 200;

/// How many regular expressions a query may have: each may be large once it is compiled.
pub(crate) const MAX_PATTERNS: usize = 200;

/// A part of a tree, and how many levels it has.
#[derive(Debug)]
struct Deep<T> {
    node: T,
    depth: usize,
}

impl<T> Deep<T> {
    fn leaf(node: T) -> Self {
        Self { node, depth: 1 }
    }
}

/// Reads a row of tokens.
pub(crate) struct Parser<'t> {
    text: &'t str,
    tokens: &'t [Token<'t>],
    /// What is behind the last token.
    end: Token<'t>,
    next: usize,
    depth: usize,
    /// How many regular expressions there were.
    patterns: usize,
}

impl<'t> Parser<'t> {
    /// A parser of tokens of `text`; it may be some of them.
    pub(crate) fn new(text: &'t str, tokens: &'t [Token<'t>]) -> Self {
        let end = match tokens.last() {
            Some(last) => {
                Token { kind: TokenKind::End, at: last.at, range: text.len()..text.len() }
            }
            None => {
                Token { kind: TokenKind::End, at: Position::START, range: text.len()..text.len() }
            }
        };
        Self { text, tokens, end, next: 0, depth: 0, patterns: 0 }
    }

    /// All tokens as a query.
    pub(crate) fn query(mut self) -> Result<Query> {
        let root = match self.body()? {
            pipeline::Body::Search(pipeline) => Root::Search(pipeline.node),
            pipeline::Body::Metrics(metrics) => Root::Metrics(metrics.node),
            pipeline::Body::Operand(_) => {
                return Err(self.unexpected("a comparison, such as > 2"));
            }
        };
        let hints = self.hints()?;
        self.finish(match root {
            Root::Search(_) => "an operator, | or with(…)",
            Root::Metrics(_) => "a comparison, | topk(…), | bottomk(…) or with(…)",
        })?;
        Ok(Query { root, hints })
    }

    /// All tokens as one attribute or intrinsic.
    pub(crate) fn lone_attribute(mut self) -> Result<Attribute> {
        let attribute = self.attribute()?;
        self.finish("nothing")?;
        Ok(attribute)
    }

    fn finish(&self, expected: &str) -> Result<()> {
        if *self.kind() == TokenKind::End { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    /// `with(name = value, …)`, any number of times.
    fn hints(&mut self) -> Result<Vec<(String, Static)>> {
        let mut hints = Vec::new();
        while self.eat_word("with") {
            self.expect(Symbol::OpenParen, "(")?;
            loop {
                let TokenKind::Word(name) = *self.kind() else {
                    return Err(self.unexpected("a hint's name"));
                };
                self.advance();
                self.expect(Symbol::Equal, "=")?;
                hints.push((name.to_owned(), self.constant()?));
                if !self.eat(Symbol::Comma) {
                    break;
                }
            }
            self.expect(Symbol::CloseParen, ", or )")?;
        }
        Ok(hints)
    }

    /// An attribute or intrinsic.
    fn attribute(&mut self) -> Result<Attribute> {
        let attribute = match self.kind() {
            TokenKind::Attribute(Prefix::Parent, _) | TokenKind::Word("parent") => {
                return Err(QueryError::unsupported(self.at(), "the scope \"parent\""));
            }
            TokenKind::Attribute(Prefix::None, key) => {
                Attribute::Named { scope: None, key: key.clone() }
            }
            TokenKind::Attribute(Prefix::Scope(scope), key) => {
                Attribute::Named { scope: Some(*scope), key: key.clone() }
            }
            TokenKind::Scoped(scope, name) => self.scoped(scope, name)?,
            TokenKind::Word(name) => match names::intrinsic(name) {
                Some(intrinsic) => intrinsic,
                None => return Err(self.unknown_attribute(name)),
            },
            _ => return Err(self.unexpected("an attribute")),
        };
        self.advance();
        Ok(attribute)
    }

    /// One or more attributes up to the closing parenthesis.
    fn attributes(&mut self) -> Result<Vec<Attribute>> {
        let mut attributes = vec![self.attribute()?];
        while self.eat(Symbol::Comma) {
            attributes.push(self.attribute()?);
        }
        self.expect(Symbol::CloseParen, ", or )")?;
        Ok(attributes)
    }

    fn token(&self) -> &Token<'t> {
        self.tokens.get(self.next).unwrap_or(&self.end)
    }

    fn kind(&self) -> &TokenKind<'t> {
        &self.token().kind
    }

    /// The kind of the token after the next.
    fn second(&self) -> &TokenKind<'t> {
        self.tokens.get(self.next + 1).map_or(&TokenKind::End, |token| &token.kind)
    }

    fn at(&self) -> Position {
        self.token().at
    }

    fn symbol(&self) -> Option<Symbol> {
        if let TokenKind::Symbol(symbol) = self.kind() { Some(*symbol) } else { None }
    }

    fn advance(&mut self) {
        self.next += 1;
    }

    fn eat(&mut self, symbol: Symbol) -> bool {
        let found = self.symbol() == Some(symbol);
        self.next += usize::from(found);
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = *self.kind() == TokenKind::Word(word);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: Symbol, expected: &str) -> Result<()> {
        if self.eat(symbol) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    /// A rule within a rule: not too deep.
    fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.fits(self.depth)?;
        self.depth += 1;
        let outcome = rule(self);
        self.depth -= 1;
        outcome
    }

    /// A node above two others.
    fn above<A, B, T>(
        &self,
        left: Deep<A>,
        right: Deep<B>,
        node: impl FnOnce(A, B) -> T,
    ) -> Result<Deep<T>> {
        let depth = left.depth.max(right.depth) + 1;
        self.fits(depth)?;
        Ok(Deep { node: node(left.node, right.node), depth })
    }

    fn fits(&self, depth: usize) -> Result<()> {
        if depth < MAX_DEPTH {
            return Ok(());
        }
        let message = format!("the query is nested more than {MAX_DEPTH} levels deep");
        Err(QueryError::validation(self.at(), message))
    }
}
