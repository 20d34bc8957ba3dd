//! Which traces a segment may hold.

use foldhash::quality::FixedState;
use std::hash::BuildHasher;
use tributary_span::TraceId;

/// Hashes of traces with their tenants, sorted. A trace that is in the segment is in its filter;
/// one that is not may be in it by chance, which costs a read.
#[derive(Debug, Default)]
pub(super) struct Filter {
    hashes: Vec<u64>,
}

fn hash(tenant: &str, trace: &TraceId) -> u64 {
    FixedState::default().hash_one((tenant, trace))
}

impl Filter {
    /// Adds traces of a tenant.
    pub(super) fn add(&mut self, tenant: &str, traces: &[TraceId]) {
        self.hashes.extend(traces.iter().map(|trace| hash(tenant, trace)));
    }

    /// No more is added.
    pub(super) fn finish(mut self) -> Self {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.hashes.shrink_to_fit();
        self
    }

    /// Whether the trace may be there.
    pub(super) fn may_contain(&self, tenant: &str, trace: &TraceId) -> bool {
        self.hashes.binary_search(&hash(tenant, trace)).is_ok()
    }

    /// Memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.hashes.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_known_with_their_tenants() {
        let trace = |n: u8| TraceId([n; 16]);
        let mut filter = Filter::default();
        filter.add("a", &[trace(3), trace(1), trace(3)]);
        filter.add("b", &[trace(2)]);
        let filter = filter.finish();
        let table =
            [("a", 1, true), ("a", 3, true), ("b", 2, true), ("b", 1, false), ("a", 2, false)];
        for (tenant, n, there) in table {
            assert_eq!(filter.may_contain(tenant, &trace(n)), there, "{tenant} {n}");
        }
        assert_eq!(filter.bytes(), 3 * 8);
    }
}
