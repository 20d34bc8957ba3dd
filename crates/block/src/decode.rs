//! Parquet's encodings, read. The bytes may be anything: every function gives an error or exactly
//! the number of values asked for, and allocates no more than that or than bytes are there.
//!
//! Source: <https://parquet.apache.org/docs/file-format/data-pages/encodings/>.

mod delta;
mod hybrid;
mod plain;

pub(crate) use delta::{delta, delta_lengths, delta_strings};
pub(crate) use hybrid::{hybrid, hybrid_into};
pub(crate) use plain::{bits, byte_arrays, fixed};

use crate::error::BlockError;

pub(crate) fn short() -> BlockError {
    BlockError::corrupt("a page ends before its values")
}

#[cfg(test)]
mod tests;
