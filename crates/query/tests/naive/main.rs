//! The evaluator, over columns, against an interpreter that takes span by span: generated queries
//! over generated traces, in memory and in a block.
//!
//! `TRIBUTARY_QUERY_PAIRS=100000` tries as many pairs of a query and traces.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test a panic is the answer")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "generated numbers are small"
)]

mod asked;
mod build;
mod choices;
mod condition;
mod data;
mod examples;
mod filter;
mod look;
mod metrics;
mod pairs;
mod pipeline;
mod places;
mod query;
mod said;
mod value;
mod world;
