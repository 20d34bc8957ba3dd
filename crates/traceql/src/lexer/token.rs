//! What the lexer makes of a text.

use crate::ast::Scope;
use crate::error::Position;
use std::sync::Arc;

/// A piece of text with a meaning.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token<'t> {
    pub(crate) kind: TokenKind<'t>,
    /// Where it begins.
    pub(crate) at: Position,
    /// Its bytes in the text.
    pub(crate) range: std::ops::Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind<'t> {
    /// A quoted text; quotes and escapes are gone.
    Str(Arc<str>),
    /// An integer without its sign: up to 2^63, which only a minus in front makes valid.
    Int(u64),
    Float(f64),
    /// Nanoseconds, with the same bound as `Int`.
    Duration(u64),
    /// A bare word.
    Word(&'t str),
    /// `scope:name`; the name may be empty or wrong.
    Scoped(&'t str, &'t str),
    /// `.key`, `scope.key`
    Attribute(Prefix, Arc<str>),
    Symbol(Symbol),
    /// What is no token, in a text that is read leniently. Nothing follows.
    Broken,
    End,
}

/// What stands before the dot of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prefix {
    None,
    Scope(Scope),
    /// The language has it, no engine does.
    Parent,
}

macro_rules! symbols {
    ($($name:ident $text:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Symbol { $($name),* }

        impl Symbol {
            /// A longer one stands before all that it begins with.
            pub(super) const ALL: &[(&'static str, Self)] = &[$(($text, Self::$name)),*];
        }
    };
}

symbols! {
    NotDescendant "!>>", NotAncestor "!<<", UnionDescendant "&>>", UnionAncestor "&<<",
    And "&&", Or "||", NotEqual "!=", Match "=~", NotMatch "!~", LessEqual "<=", GreaterEqual ">=",
    Descendant ">>", Ancestor "<<", NotChild "!>", NotParent "!<",
    UnionChild "&>", UnionParent "&<", UnionSibling "&~",
    OpenBrace "{", CloseBrace "}", OpenParen "(", CloseParen ")", Comma ",", Pipe "|", Equal "=",
    Less "<", Greater ">", Tilde "~", Not "!", Plus "+", Minus "-", Star "*", Slash "/",
    Percent "%", Caret "^",
}
