//! Filters that are being typed, for completion: whatever is complete counts.

use crate::ast::{BinaryOp, FieldExpr, Static};
use crate::error::{QueryError, Result};
use crate::lexer::{Symbol, Token, TokenKind, tokens_leniently};
use crate::parser::{Balanced, MAX_DEPTH, MAX_PATTERNS, Parser};
use crate::{bounded, simplify_field};

/// How many alternatives a filter may have: each is another look at the data.
const MAX_ALTERNATIVES: usize = 100;

/// Reads the filter of a query that may be half-typed.
///
/// Comparisons that are not complete hold for every span. Of the query only its first filter
/// counts, and stages behind it do not; if it is combined with another one, or nothing can be read
/// at all, there is nothing to filter by, as with `{ }`.
///
/// # Errors
/// When the text is too long, or the filter has too many alternatives or regular expressions.
pub fn parse_filter_leniently(text: &str) -> Result<Option<FieldExpr>> {
    bounded(text)?;
    let tokens = tokens_leniently(text);
    let Some(tokens) = first_filter(&tokens) else { return Ok(None) };
    let at = tokens.first().map_or(crate::Position::START, |token| token.at);
    let alternatives = tokens.iter().filter(|token| is(token, Symbol::Or)).count() + 1;
    if alternatives > MAX_ALTERNATIVES {
        let message = format!("{alternatives} alternatives, more than {MAX_ALTERNATIVES}");
        return Err(QueryError::validation(at, message));
    }
    let patterns = tokens.iter().filter(|t| is(t, Symbol::Match) || is(t, Symbol::NotMatch));
    if patterns.count() > MAX_PATTERNS {
        let message = format!("more than {MAX_PATTERNS} regular expressions");
        return Err(QueryError::validation(at, message));
    }
    let mut expr = conditions(text, tokens, 0);
    simplify_field(&mut expr);
    Ok((expr != every()).then_some(expr))
}

/// What every span fulfils.
fn every() -> FieldExpr {
    FieldExpr::Static(Static::Bool(true))
}

fn is(token: &Token<'_>, symbol: Symbol) -> bool {
    token.kind == TokenKind::Symbol(symbol)
}

/// The tokens between the braces that a query begins with, if it has no other filter beside.
fn first_filter<'a, 't>(tokens: &'a [Token<'t>]) -> Option<&'a [Token<'t>]> {
    let (first, rest) = tokens.split_first()?;
    if !is(first, Symbol::OpenBrace) {
        return None;
    }
    let end = rest.iter().position(|token| is(token, Symbol::CloseBrace)).unwrap_or(rest.len());
    let (inside, behind) = rest.split_at_checked(end)?;
    match behind.get(1) {
        Some(next) if !is(next, Symbol::Pipe) && next.kind != TokenKind::Word("with") => None,
        _ => Some(inside),
    }
}

/// Conditions with `&&` and `||` between them. Both bind alike, so they are taken from left to
/// right.
fn conditions(text: &str, tokens: &[Token<'_>], depth: usize) -> FieldExpr {
    let mut whole: Option<(BinaryOp, Vec<FieldExpr>)> = None;
    let (mut rest, mut op) = (tokens, BinaryOp::And);
    loop {
        let end = next_operator(rest);
        let (now, behind) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        let operand = condition(text, now, depth);
        whole = Some(match whole {
            Some((last, mut operands)) if last == op => {
                operands.push(operand);
                (op, operands)
            }
            Some((last, operands)) => {
                let left = FieldExpr::balanced(last, operands).unwrap_or_else(every);
                (op, vec![left, operand])
            }
            None => (op, vec![operand]),
        });
        let Some((operator, after)) = behind.split_first() else { break };
        op = if is(operator, Symbol::Or) { BinaryOp::Or } else { BinaryOp::And };
        rest = after;
    }
    let (op, operands) = whole.unwrap_or((BinaryOp::And, Vec::new()));
    FieldExpr::balanced(op, operands).unwrap_or_else(every)
}

/// Where the first `&&` or `||` outside of parentheses is.
fn next_operator(tokens: &[Token<'_>]) -> usize {
    let mut open = 0_usize;
    for (i, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Symbol(Symbol::OpenParen) => open += 1,
            TokenKind::Symbol(Symbol::CloseParen) => open = open.saturating_sub(1),
            TokenKind::Symbol(Symbol::And | Symbol::Or) if open == 0 => return i,
            _ => {}
        }
    }
    tokens.len()
}

/// One condition; one that is not complete holds always.
fn condition(text: &str, tokens: &[Token<'_>], depth: usize) -> FieldExpr {
    if let Ok(expr) = Parser::new(text, tokens).lone_condition() {
        return expr;
    }
    // Of a group in parentheses some conditions may be complete; the closing one may be missing.
    match tokens.split_first() {
        Some((first, inside)) if is(first, Symbol::OpenParen) && depth < MAX_DEPTH => {
            let inside = match inside.split_last() {
                Some((last, inside)) if is(last, Symbol::CloseParen) => inside,
                _ => inside,
            };
            if closes_too_much(inside) { every() } else { conditions(text, inside, depth + 1) }
        }
        _ => every(),
    }
}

/// Whether a parenthesis closes that was opened before these tokens.
fn closes_too_much(tokens: &[Token<'_>]) -> bool {
    let mut open = 0_usize;
    tokens.iter().any(|token| {
        match token.kind {
            TokenKind::Symbol(Symbol::OpenParen) => open += 1,
            TokenKind::Symbol(Symbol::CloseParen) if open == 0 => return true,
            TokenKind::Symbol(Symbol::CloseParen) => open -= 1,
            _ => {}
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MAX_QUERY_BYTES;

    #[test]
    fn only_what_is_complete_counts() {
        let table = [
            ("", ""),
            ("{", ""),
            ("{}", ""),
            ("{ }", ""),
            ("{ true }", ""),
            ("not traceql", ""),
            (".a = 1", ""),
            ("{ .a = 1 }", ".a = 1"),
            ("{ .a = 1", ".a = 1"),
            ("{ .a = ", ""),
            ("{ .a ", ".a"),
            ("{ .a = }", ""),
            ("{ .a = \"x", ""),
            ("{ .a = 1 && .b = \"x", ".a = 1"),
            ("{ .a = 1 && }", ".a = 1"),
            ("{ .a = 1 && && .b = 2 }", ".a = 1 && .b = 2"),
            ("{ nosuch = 1 && .b = 2 }", ".b = 2"),
            ("{ span. && .b = 2 }", ".b = 2"),
            ("{ span.\"x && .b = 2 }", ""),
            ("{ .a = 5x && .b = 2 }", ".b = 2"),
            ("{ .b = 2 && span. }", ".b = 2"),
            ("{ .a = 1 || .b = }", ""),
            ("{ .a = 1 || .b = 2 && .c = }", ".a = 1 || .b = 2"),
            ("{ (.a = 1 || .b = 2) && .c = ", ".a = 1 || .b = 2"),
            ("{ .a = 1 && (.b = 2 && .c = ", ".a = 1 && .b = 2"),
            ("{ .a = 1 && (.b = 2 && .c = ) }", ".a = 1 && .b = 2"),
            ("{ !(.a = ) && .b = 2 }", ".b = 2"),
            ("{ .a = 1 } | by(", ".a = 1"),
            ("{ .a = 1 } | rate() by(.x)", ".a = 1"),
            ("{ .a = 1 } with(x=1)", ".a = 1"),
            ("{ .a = 1 } >> { .b = 1 }", ""),
            ("{ .a = 1 } && { .b = 1 }", ""),
            ("{ .a != nil }", ".a != nil"),
            ("{ .a = nil && .b != \"\" }", ".a = nil && .b != ``"),
            ("{ name =~ \"(\" && .b = 2 }", ".b = 2"),
            ("{ duration > \"x\" && .b = 2 }", ".b = 2"),
        ];
        for (text, expected) in table {
            let found = parse_filter_leniently(text).unwrap();
            let found = found.map(|expr| expr.to_string()).unwrap_or_default();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn there_are_bounds() {
        let many = |count| format!("{{ {} }}", vec![".a = 1"; count].join(" || "));
        assert!(parse_filter_leniently(&many(MAX_ALTERNATIVES)).unwrap().is_some());
        assert!(parse_filter_leniently(&many(MAX_ALTERNATIVES + 1)).is_err());
        let patterns = format!("{{ {} }}", vec![".a =~ `x`"; MAX_PATTERNS + 1].join(" && "));
        assert!(parse_filter_leniently(&patterns).is_err());
        assert!(parse_filter_leniently(&" ".repeat(MAX_QUERY_BYTES + 1)).is_err());
        for deep in ["(", "!", "-", "{", "(.a=", "..", ".\\", "5x", "span.", "#"] {
            let text = format!("{{ {}\"", deep.repeat(100_000 / deep.len()));
            assert!(parse_filter_leniently(&text).unwrap().is_none(), "{deep}");
        }
    }
}
