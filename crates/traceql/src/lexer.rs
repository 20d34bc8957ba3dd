//! Text into tokens.
//!
//! Words after a scope's dot are keys, whatever they are elsewhere (`span.status`): so the scopes
//! are the lexer's business, while all other words are the parser's.

mod duration;
mod key;
mod number;
mod quoted;
mod token;

#[cfg(test)]
mod tests;

pub(crate) use key::ends_key;
pub(crate) use token::{Prefix, Symbol, Token, TokenKind};

use crate::ast::Scope;
use crate::error::{Position, QueryError, Result};

/// The largest magnitude that a token may have: that of the least integer.
const MAX_MAGNITUDE: u64 = 1 << 63;

/// All tokens of a text; the last is [`TokenKind::End`].
pub(crate) fn tokens(text: &str) -> Result<Vec<Token<'_>>> {
    let mut lexer = Lexer { text, offset: 0, at: Position::START };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        let end = token.kind == TokenKind::End;
        tokens.push(token);
        if end {
            return Ok(tokens);
        }
    }
}

/// The tokens of a text with mistakes, which are [`TokenKind::Broken`]. What comes after quotes
/// that are not closed belongs to them.
pub(crate) fn tokens_leniently(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, offset: 0, at: Position::START };
    let mut tokens = Vec::new();
    loop {
        match lexer.next() {
            Ok(Token { kind: TokenKind::End, .. }) => return tokens,
            Ok(token) => tokens.push(token),
            Err(_) => {
                let (at, start) = (lexer.at, lexer.offset);
                let rest = lexer.rest();
                let bytes = match rest.chars().next() {
                    Some('"' | '`' | '/') | None => rest.len(),
                    // As a whole: dot by dot it would take the square of the time.
                    Some('.') => rest.find(|c| ends_key(c) || c == '"').unwrap_or(rest.len()),
                    Some(first) => split_word(rest).0.len().max(first.len_utf8()),
                };
                lexer.advance(bytes);
                tokens.push(Token { kind: TokenKind::Broken, at, range: start..lexer.offset });
            }
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    offset: usize,
    at: Position,
}

/// A token and how many bytes it takes; or what is wrong with it.
type Scanned<'t> = std::result::Result<(TokenKind<'t>, usize), String>;

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    fn advance(&mut self, bytes: usize) {
        let to = self.offset + bytes;
        for c in self.text.get(self.offset..to).unwrap_or_default().chars() {
            if c == '\n' {
                self.at = Position { line: self.at.line + 1, column: 1 };
            } else {
                self.at.column += 1;
            }
        }
        self.offset = to;
    }

    fn next(&mut self) -> Result<Token<'t>> {
        self.skip_blanks()?;
        let (at, start) = (self.at, self.offset);
        let (kind, bytes) = scan(self.rest()).map_err(|message| QueryError::parse(at, message))?;
        self.advance(bytes);
        Ok(Token { kind, at, range: start..self.offset })
    }

    /// Blanks and comments.
    fn skip_blanks(&mut self) -> Result<()> {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
            let skipped = if blank > 0 {
                blank
            } else if rest.starts_with("//") {
                rest.find('\n').unwrap_or(rest.len())
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let end = comment.find("*/");
                end.ok_or_else(|| QueryError::parse(self.at, "the comment is not closed"))? + 4
            } else {
                return Ok(());
            };
            self.advance(skipped);
        }
    }
}

/// The token that a text begins with.
fn scan(rest: &str) -> Scanned<'_> {
    let Some(first) = rest.chars().next() else { return Ok((TokenKind::End, 0)) };
    let second = rest.chars().nth(1);
    match first {
        '"' => quoted::escaped(rest).map(|(text, bytes)| (TokenKind::Str(text.into()), bytes)),
        '`' => quoted::raw(rest).map(|(text, bytes)| (TokenKind::Str(text.into()), bytes)),
        '0'..='9' => number::scan(rest),
        '.' if second.is_some_and(|c| c.is_ascii_digit()) => number::scan(rest),
        '.' => attribute(rest, ".", Prefix::None),
        c if c == '_' || c.is_alphabetic() => word(rest),
        '\'' => Err("a text stands in double quotes or in backquotes, not in single ones".into()),
        _ => symbol(rest),
    }
}

fn symbol(rest: &str) -> Scanned<'_> {
    Symbol::ALL
        .iter()
        .find(|(text, _)| rest.starts_with(text))
        .map(|(text, symbol)| (TokenKind::Symbol(*symbol), text.len()))
        .ok_or_else(|| {
            let c = rest.chars().next().unwrap_or_default();
            match c {
                '&' => "unexpected \"&\"; did you mean \"&&\"?".into(),
                c => format!("unexpected character {c:?}"),
            }
        })
}

/// A word, or what a scope's name begins.
fn word(rest: &str) -> Scanned<'_> {
    let (word, after) = split_word(rest);
    let scope = Scope::from_name(word);
    match after.chars().next() {
        Some('.') if scope.is_some() || word == "parent" => {
            let prefix = scope.map_or(Prefix::Parent, Prefix::Scope);
            attribute(rest, rest.get(..=word.len()).unwrap_or_default(), prefix)
        }
        Some(':') if word == "trace" || scope.is_some_and(|s| s != Scope::Resource) => {
            let (name, _) = split_word(after.strip_prefix(':').unwrap_or_default());
            Ok((TokenKind::Scoped(word, name), word.len() + 1 + name.len()))
        }
        _ => Ok((TokenKind::Word(word), word.len())),
    }
}

fn attribute<'t>(rest: &'t str, dotted: &str, prefix: Prefix) -> Scanned<'t> {
    let (key, bytes) = key::scan(rest.strip_prefix(dotted).unwrap_or_default())?;
    if key.is_empty() {
        return Err(format!("expected an attribute's name after \"{dotted}\""));
    }
    Ok((TokenKind::Attribute(prefix, key.into()), dotted.len() + bytes))
}

/// What of a text belongs to the word at its start, and what is behind.
fn split_word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !is_word(c)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or_default()
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
