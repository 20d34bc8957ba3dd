//! OTLP's JSON, in its two dialects.
//!
//! Senders write ids in hex and enums as numbers ([`Dialect::Otlp`]); Tempo answers in classic
//! proto3 JSON, ids in base64 and enums by name ([`Dialect::Tempo`]). Keys are in lowerCamelCase
//! and 64-bit integers are strings in both.

mod read;
mod write;

pub use read::read;
pub use write::write;

/// How ids and enums are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Hex and numbers.
    Otlp,
    /// Base64 and names.
    Tempo,
}
