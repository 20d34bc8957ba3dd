//! Trees back into text.
//!
//! What is printed reads back as an equal tree. With `#` (`{:#}`) intrinsics print by their first
//! name whichever was written: so the keys of answers have it, as in `by(status)`.

mod field;
mod metrics;
mod spanset;
mod value;

#[cfg(test)]
mod tests;

use crate::ast::{Attribute, Query, Root};
use std::fmt::{Display, Formatter, Result};

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.root.fmt(f)?;
        if self.hints.is_empty() {
            return Ok(());
        }
        f.write_str(" with(")?;
        list(f, &self.hints, |f, (name, value)| {
            write!(f, "{name} = ")?;
            value.fmt(f)
        })?;
        f.write_str(")")
    }
}

impl Display for Root {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Search(pipeline) => pipeline.fmt(f),
            Self::Metrics(metrics) => metrics.fmt(f),
        }
    }
}

/// Things with commas between them.
fn list<T>(
    f: &mut Formatter<'_>,
    things: &[T],
    print: impl Fn(&mut Formatter<'_>, &T) -> Result,
) -> Result {
    for (i, thing) in things.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        print(f, thing)?;
    }
    Ok(())
}

fn attributes(f: &mut Formatter<'_>, attributes: &[Attribute]) -> Result {
    list(f, attributes, |f, attribute| attribute.fmt(f))
}

/// Something in parentheses, if they are needed.
fn wrapped(f: &mut Formatter<'_>, needed: bool, inner: &impl Display) -> Result {
    if !needed {
        return inner.fmt(f);
    }
    f.write_str("(")?;
    inner.fmt(f)?;
    f.write_str(")")
}
