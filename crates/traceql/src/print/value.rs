//! Constants, attributes and operators.

use crate::ast::{Attribute, BinaryOp, CompareOp, Kind, MathOp, Scope, Static, Status};
use crate::lexer::ends_key;
use std::fmt::{Display, Formatter, Result, Write};

impl Display for Static {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Int(n) => write!(f, "{n}"),
            Self::Float(n) => write!(f, "{n:?}"),
            Self::Str(text) => quoted(f, text),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Duration(nanos) => duration(f, *nanos),
            Self::Status(status) => status.fmt(f),
            Self::Kind(kind) => kind.fmt(f),
        }
    }
}

/// Backquotes where they can hold the text, else double quotes.
fn quoted(f: &mut Formatter<'_>, text: &str) -> Result {
    if !text.contains(|c: char| c == '`' || c.is_control()) {
        return write!(f, "`{text}`");
    }
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_str("\"")
}

/// As Go prints durations: `1h2m3.5s`, `20ms`, `1.5µs`.
fn duration(f: &mut Formatter<'_>, nanos: i64) -> Result {
    const SECOND: u64 = 1_000_000_000;
    if nanos < 0 {
        f.write_str("-")?;
    }
    let nanos = nanos.unsigned_abs();
    match nanos {
        0 => f.write_str("0s"),
        1..1_000 => write!(f, "{nanos}ns"),
        1_000..1_000_000 => fraction(f, nanos, 1_000, "µs"),
        1_000_000..SECOND => fraction(f, nanos, 1_000_000, "ms"),
        _ => {
            let minutes = nanos / SECOND / 60;
            if minutes >= 60 {
                write!(f, "{}h", minutes / 60)?;
            }
            if minutes > 0 {
                write!(f, "{}m", minutes % 60)?;
            }
            fraction(f, nanos % (60 * SECOND), SECOND, "s")
        }
    }
}

/// So many units, with as many decimals as there are.
fn fraction(f: &mut Formatter<'_>, nanos: u64, unit: u64, name: &str) -> Result {
    write!(f, "{}", nanos / unit)?;
    let (mut rest, mut scale) = (nanos % unit, unit);
    if rest > 0 {
        f.write_str(".")?;
    }
    while rest > 0 {
        scale /= 10;
        write!(f, "{}", rest / scale)?;
        rest %= scale;
    }
    f.write_str(name)
}

impl Display for Attribute {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Intrinsic { intrinsic, .. } if f.alternate() => f.write_str(intrinsic.label()),
            Self::Intrinsic { written, .. } => f.write_str(written),
            Self::Named { scope, key } => {
                if let Some(scope) = scope {
                    scope.fmt(f)?;
                }
                f.write_str(".")?;
                key_text(f, key, scope.is_none())
            }
        }
    }
}

fn key_text(f: &mut Formatter<'_>, key: &str, unscoped: bool) -> Result {
    // `.5` is a number.
    let number = unscoped && key.starts_with(|c: char| c.is_ascii_digit());
    if !key.is_empty() && !number && !key.contains(|c| ends_key(c) || c == '"' || c == '\\') {
        return f.write_str(key);
    }
    f.write_str("\"")?;
    for c in key.chars() {
        if matches!(c, '"' | '\\') {
            f.write_str("\\")?;
        }
        f.write_char(c)?;
    }
    f.write_str("\"")
}

impl Display for Scope {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(self.name())
    }
}

impl Display for Status {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(self.name())
    }
}

impl Display for Kind {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(self.name())
    }
}

impl Display for CompareOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
        })
    }
}

impl Display for BinaryOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Power => "^",
            Self::And => "&&",
            Self::Or => "||",
            Self::Compare(op) => return op.fmt(f),
        })
    }
}

impl Display for MathOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        })
    }
}
