//! Rows of several blocks that become a row group of another one.

mod order;

use crate::read::Piece;
pub(crate) use order::{Order, Run};

/// Traces for a row group of the output, in order. [`crate::BlockWriter::splice`] takes them.
pub struct Spliced {
    pub(crate) pieces: Vec<Piece>,
    /// The input of each piece; none of what was merged by spans.
    pub(crate) inputs: Vec<Option<usize>>,
    pub(crate) order: Order,
    /// Spans that were left out, of traces that several inputs have; see [`crate::BlockStats`].
    pub(crate) duplicates: u64,
    pub(crate) conflicts: u64,
    /// Spans of those traces, by input.
    pub(crate) merged: Vec<u64>,
}

/// Spans that were taken of each input of [`Spliced`].
pub type Taken = Vec<u64>;
