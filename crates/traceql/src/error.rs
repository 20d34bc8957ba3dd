//! Why a text is no query.

use crate::MAX_QUERY_BYTES;

/// A place in a query's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl Position {
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

/// Why a text is no query. Printed, it is one line that says what is wrong, where, and what would
/// be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The text does not follow the grammar.
    #[error("invalid TraceQL query: parse error at line {line}, col {column}: {message}")]
    Parse {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What was found, and what was expected.
        message: String,
    },
    /// The text follows the grammar, but makes no sense: types that do not fit, bounds exceeded.
    #[error("invalid TraceQL query: validation error at line {line}, col {column}: {message}")]
    Validation {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What does not fit.
        message: String,
    },
    /// TraceQL has it, this engine has not; neither has Tempo.
    #[error("invalid TraceQL query: not yet supported at line {line}, col {column}: {message}")]
    Unsupported {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is missing.
        message: String,
    },
    /// The text is longer than any query may be.
    #[error("invalid TraceQL query: {bytes} bytes, more than the {MAX_QUERY_BYTES} allowed")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
}

impl QueryError {
    /// Where the mistake is; none when the text as a whole is too long.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        match *self {
            Self::Parse { line, column, .. }
            | Self::Validation { line, column, .. }
            | Self::Unsupported { line, column, .. } => Some(Position { line, column }),
            Self::TooLong { .. } => None,
        }
    }

    pub(crate) fn parse(at: Position, message: impl Into<String>) -> Self {
        Self::Parse { line: at.line, column: at.column, message: one_line(&message.into()) }
    }

    pub(crate) fn validation(at: Position, message: impl Into<String>) -> Self {
        Self::Validation { line: at.line, column: at.column, message: one_line(&message.into()) }
    }

    pub(crate) fn unsupported(at: Position, message: impl Into<String>) -> Self {
        Self::Unsupported { line: at.line, column: at.column, message: one_line(&message.into()) }
    }
}

/// A message may show parts of the query, which may be long and have lines of their own.
fn one_line(message: &str) -> String {
    let mut short: String =
        message.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if message.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

/// How long a message may be, characters.
const LONGEST: usize = 500;

pub(crate) type Result<T> = std::result::Result<T, QueryError>;

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn messages_are_one_short_line() {
        let name = "x".repeat(1000);
        for text in [
            format!("{{ span.{name} + `{name}` = 1 }}"),
            "{ -(span.\"a\nb\" = 1) = 1 }".to_owned(),
            "{ \n`a\nb` }".to_owned(),
            "{ .a `two\nlines` }".to_owned(),
            format!("{{ {name} }}"),
        ] {
            let line = parse(&text).unwrap_err().to_string();
            assert!(!line.contains('\n') && line.chars().count() < 700, "{line}");
        }
    }
}
