//! Tempo's protobuf messages: answers.
//!
//! The HTTP routes give them to clients that accept `application/protobuf`, and the gRPC service
//! `tempopb.StreamingQuerier` speaks nothing else. Field numbers are those of Tempo's
//! `pkg/tempopb/tempo.proto`; members at their default are left out, as proto3 has it.

mod metrics;
mod portions;
mod search;
mod tags;
mod values;

pub use metrics::{instant_messages, range_messages};
pub use search::{search_messages, search_response};
pub use tags::{tags_response, tags_v2_response};
pub use values::{values_response, values_v2_response};

use crate::answer::Cost;
use tributary_span::protobuf::put;

/// `SearchMetrics`: inspectedTraces = 1, inspectedBytes = 2, totalBlocks = 3, completedJobs = 4,
/// totalJobs = 5, totalBlockBytes = 6, inspectedSpans = 7, backendReads = 8.
fn put_cost(out: &mut Vec<u8>, number: u32, cost: &Cost) {
    put::message(out, number, |out| {
        put_uint(out, 1, cost.traces.min(u32::MAX.into()));
        put_uint(out, 2, cost.bytes);
        put_uint(out, 3, cost.blocks.min(u32::MAX.into()));
        put_uint(out, 4, cost.jobs_done.min(u32::MAX.into()));
        put_uint(out, 5, cost.jobs.min(u32::MAX.into()));
        put_uint(out, 6, cost.block_bytes);
        put_uint(out, 7, cost.spans);
        put_uint(out, 8, cost.reads);
    });
}

/// `MetadataMetrics`: inspectedBytes = 1, totalJobs = 2, completedJobs = 3, totalBlocks = 4,
/// totalBlockBytes = 5.
fn put_tags_cost(out: &mut Vec<u8>, number: u32, cost: &Cost) {
    put::message(out, number, |out| {
        put_uint(out, 1, cost.bytes);
        put_uint(out, 2, cost.jobs.min(u32::MAX.into()));
        put_uint(out, 3, cost.jobs_done.min(u32::MAX.into()));
        put_uint(out, 4, cost.blocks.min(u32::MAX.into()));
        put_uint(out, 5, cost.block_bytes);
    });
}

fn put_uint(out: &mut Vec<u8>, number: u32, n: u64) {
    if n != 0 {
        put::uint(out, number, n);
    }
}

fn put_text(out: &mut Vec<u8>, number: u32, text: &str) {
    if !text.is_empty() {
        put::bytes(out, number, text.as_bytes());
    }
}

#[cfg(test)]
mod tests;
