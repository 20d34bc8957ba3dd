//! Parquet's encodings, written: bare functions over slices that append to a buffer.
//!
//! Source: <https://parquet.apache.org/docs/file-format/data-pages/encodings/>.

mod delta;
mod hybrid;
mod plain;

pub(crate) use delta::delta;
pub(crate) use hybrid::{bit_width, hybrid, runs};
pub(crate) use plain::{bits, delta_lengths, delta_strings};
