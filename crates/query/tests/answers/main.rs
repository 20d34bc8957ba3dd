//! Questions with Grafana Tempo's right answers, put to the evaluator over the same spans: in
//! blocks that Tempo wrote, in blocks of our own, in memory, and split between them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test a panic is the answer")]

mod asked;
mod compared;
mod differs;
mod metrics;
mod places;
mod questions;
mod search;
mod tags;
mod traces;
