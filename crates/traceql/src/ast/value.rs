//! Constants and how two values compare.

use std::sync::Arc;

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Static {
    /// `nil`. Only hints and `= nil` have it; the latter becomes [`super::FieldExpr::Exists`].
    Nil,
    /// An integer.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// A text.
    Str(Arc<str>),
    /// `true` or `false`.
    Bool(bool),
    /// A duration in nanoseconds.
    Duration(i64),
    /// A span's status.
    Status(Status),
    /// A span's kind.
    Kind(Kind),
}

/// A span's status. The numbers are OTLP's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// `unset`
    Unset = 0,
    /// `ok`
    Ok = 1,
    /// `error`
    Error = 2,
}

/// A span's kind. The numbers are OTLP's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `unspecified`
    Unspecified = 0,
    /// `internal`
    Internal = 1,
    /// `server`
    Server = 2,
    /// `client`
    Client = 3,
    /// `producer`
    Producer = 4,
    /// `consumer`
    Consumer = 5,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}
