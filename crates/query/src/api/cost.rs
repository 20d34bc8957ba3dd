//! What an answer cost, in JSON. The member is there also when it is empty: Grafana reads it
//! without looking.

use crate::answer::Cost;
use crate::json::Json;

/// Member `metrics` of searches and metrics queries, a `SearchMetrics`. Reads of the store are
/// left out, although they have a field: Grafana's parser takes no field that its own copy of
/// Tempo's messages lacks, and this one is young.
pub(super) fn of_search(json: &mut Json, cost: &Cost) {
    json.member("metrics").object(|json| {
        small(json, "inspectedTraces", cost.traces);
        large(json, "inspectedBytes", cost.bytes);
        small(json, "totalBlocks", cost.blocks);
        small(json, "completedJobs", cost.jobs_done);
        small(json, "totalJobs", cost.jobs);
        large(json, "totalBlockBytes", cost.block_bytes);
        large(json, "inspectedSpans", cost.spans);
    });
}

/// Member `metrics` of tags and values, a `MetadataMetrics`.
pub(super) fn of_tags(json: &mut Json, cost: &Cost) {
    json.member("metrics").object(|json| {
        large(json, "inspectedBytes", cost.bytes);
        small(json, "totalJobs", cost.jobs);
        small(json, "completedJobs", cost.jobs_done);
        small(json, "totalBlocks", cost.blocks);
        large(json, "totalBlockBytes", cost.block_bytes);
    });
}

/// A number of 32 bits.
fn small(json: &mut Json, name: &str, n: u64) {
    if n != 0 {
        json.member(name).int32(u32::try_from(n).unwrap_or(u32::MAX));
    }
}

/// A number of 64 bits.
fn large(json: &mut Json, name: &str, n: u64) {
    if n != 0 {
        json.member(name).int64(n);
    }
}
