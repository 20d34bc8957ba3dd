//! TraceQL: text into a checked query.
//!
//! The road of a query: its text becomes tokens, the tokens a tree ([`ast`]), and each operator's
//! operands are checked as it is read; so a [`Query`] that [`parse`] gives is valid, and a
//! [`QueryError`] says where the mistake is. The tree prints itself as text again, which is what
//! answers show for expressions. Before a query is run, [`simplify`](simplify()) may make it
//! cheaper without changing its answers. Half-typed filters are read by [`parse_filter_leniently`].
//!
//! ```
//! use tributary_traceql::{parse, ast::Root};
//!
//! let query = parse(r#"{ span.http.status_code >= 500 } | by(name) | count() > 2"#)?;
//! let Root::Search(pipeline) = &query.root else { panic!("no metrics") };
//! assert_eq!(pipeline.stages.len(), 3);
//! assert_eq!(query.to_string(), "{ span.http.status_code >= 500 } | by(name) | count() > 2");
//!
//! let error = parse("{ statsu = error }").unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "invalid TraceQL query: parse error at line 1, col 3: unknown name \"statsu\", \
//!      expected an attribute or a value; did you mean \"status\"?"
//! );
//! # Ok::<(), tributary_traceql::QueryError>(())
//! ```

pub mod ast;
mod check;
mod error;
#[cfg(any(test, feature = "generate"))]
pub mod generate;
mod lenient;
mod lexer;
mod names;
mod parser;
mod pattern;
mod print;
mod query;
mod simplify;
mod suggest;

#[cfg(test)]
mod properties;

pub use ast::Query;
pub use error::{Position, QueryError};
pub use lenient::parse_filter_leniently;
pub use query::Exemplars;
pub use simplify::{simplify, simplify_field};

/// How long a query may be, bytes.
pub const MAX_QUERY_BYTES: usize = 128 << 10;

/// Reads and checks a query.
///
/// # Errors
/// When the text is none: what is wrong, where, and what was expected.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    bounded(text)?;
    parser::Parser::new(text, &lexer::tokens(text)?).query()
}

/// Reads an attribute or intrinsic: `resource.service.name`, `.foo`, `name`, `span:kind`,
/// `span."with space"`.
///
/// # Errors
/// When the text is none, or more than one.
pub fn parse_attribute(text: &str) -> Result<ast::Attribute, QueryError> {
    bounded(text)?;
    parser::Parser::new(text, &lexer::tokens(text)?).lone_attribute()
}

fn bounded(text: &str) -> Result<(), QueryError> {
    let bytes = text.len();
    if bytes > MAX_QUERY_BYTES { Err(QueryError::TooLong { bytes }) } else { Ok(()) }
}
