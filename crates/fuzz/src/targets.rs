//! The decoders under attack.

mod journal;
mod wire;

use crate::Target;

/// All of them. A new one is one more line.
pub const TARGETS: &[Target] = &[
    Target::new("segment", journal::segments, journal::segment)
        .with_checksums(journal::repair_segment),
    Target::new("slot", journal::slots, journal::slot).with_checksums(journal::repair_slot),
    Target::new("record", journal::records, journal::record).with_checksums(journal::repair_slot),
    Target::new("heartbeat", journal::heartbeats, journal::heartbeat),
    Target::new("cluster", journal::clusters, journal::cluster),
    // Decompression is bounded by a limit and not by the input.
    Target::new("frame", wire::frames, wire::frame).holding(8 * wire::LIMIT, 64),
];
