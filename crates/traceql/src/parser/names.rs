//! Words: which there are, and what to say of others.

use super::Parser;
use crate::ast::{Attribute, Intrinsic, Kind, Static, Status};
use crate::error::{QueryError, Result};
use crate::lexer::{Prefix, TokenKind};
use crate::suggest::nearest;

/// The words of pipelines.
pub(super) const STAGES: [&str; 16] = [
    "by",
    "coalesce",
    "select",
    "count",
    "max",
    "min",
    "avg",
    "sum",
    "rate",
    "count_over_time",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "avg_over_time",
    "quantile_over_time",
    "histogram_over_time",
];

/// An intrinsic that is written as one word, or with its scope.
pub(super) fn intrinsic(name: &str) -> Option<Attribute> {
    let (intrinsic, written) = Intrinsic::from_name(name)?;
    Some(Attribute::Intrinsic { intrinsic, written })
}

/// A constant that is written as a word.
pub(super) fn word_constant(word: &str) -> Option<Static> {
    Some(match word {
        "true" => Static::Bool(true),
        "false" => Static::Bool(false),
        "nil" => Static::Nil,
        "minInt" => Static::Int(i64::MIN),
        "maxInt" => Static::Int(i64::MAX),
        _ => {
            let status = Status::from_name(word).map(Static::Status);
            return status.or_else(|| Kind::from_name(word).map(Static::Kind));
        }
    })
}

/// "unknown name", what was expected, and the nearest of the right ones.
fn unknown<'a>(name: &str, expected: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let mut message = format!("unknown name {name:?}, expected {expected}");
    if let Some(right) = nearest(name, known) {
        message.push_str(&format!("; did you mean {right:?}?"));
    }
    message
}

fn unscoped() -> impl Iterator<Item = &'static str> {
    Intrinsic::ALL.into_iter().flat_map(Intrinsic::names).copied().filter(|n| !n.contains(':'))
}

fn values() -> impl Iterator<Item = &'static str> {
    let words = ["true", "false", "nil", "minInt", "maxInt"];
    let statuses = Status::ALL.into_iter().map(Status::name);
    words.into_iter().chain(statuses).chain(Kind::ALL.into_iter().map(Kind::name))
}

impl Parser<'_> {
    /// `scope:name`
    pub(super) fn scoped(&self, scope: &str, name: &str) -> Result<Attribute> {
        if let Some(found) = intrinsic(&format!("{scope}:{name}")) {
            return Ok(found);
        }
        let of_scope = Intrinsic::ALL.into_iter().flat_map(Intrinsic::names).filter_map(|full| {
            let (of, name) = full.split_once(':')?;
            (of == scope).then_some(name)
        });
        let known: Vec<_> = of_scope.collect();
        let expected = format!("one of {} after \"{scope}:\"", known.join(", "));
        let message = unknown(name, &expected, known.iter().copied());
        Err(QueryError::parse(self.at(), message))
    }

    /// A word where only an attribute may stand.
    pub(super) fn unknown_attribute(&self, name: &str) -> QueryError {
        self.unknown_word(name, unscoped(), "an attribute")
    }

    /// A word where an attribute or a constant may stand.
    pub(super) fn unknown_value(&self, name: &str) -> QueryError {
        self.unknown_word(name, unscoped().chain(values()), "an attribute or a value")
    }

    /// A word where a stage of a pipeline may stand.
    pub(super) fn unknown_stage(&self, name: &str) -> QueryError {
        let known = STAGES.into_iter().chain(["compare", "topk", "bottomk"]);
        self.unknown_word(name, known, "a function or a filter in braces")
    }

    fn unknown_word<'a>(
        &self,
        name: &str,
        known: impl Iterator<Item = &'a str>,
        expected: &str,
    ) -> QueryError {
        let mut message = unknown(name, expected, known);
        // `service.name` without anything in front is the commonest mistake of all.
        if let TokenKind::Attribute(Prefix::None, key) = self.second() {
            message = format!(
                "unknown name {name:?}; an attribute begins with its scope or a dot: \
                 did you mean \".{name}.{key}\"?"
            );
        }
        QueryError::parse(self.at(), message)
    }

    /// The next token where something else was expected.
    pub(super) fn unexpected(&self, expected: &str) -> QueryError {
        let token = self.token();
        let message = match &token.kind {
            TokenKind::End => format!("unexpected end of the query, expected {expected}"),
            TokenKind::Broken => format!("unexpected text, expected {expected}"),
            _ => {
                let text = self.text.get(token.range.clone()).unwrap_or_default();
                let mut short: String = text.chars().take(40).collect();
                if short.len() < text.len() {
                    short.push('…');
                }
                format!("unexpected {short:?}, expected {expected}")
            }
        };
        QueryError::parse(token.at, message)
    }
}
