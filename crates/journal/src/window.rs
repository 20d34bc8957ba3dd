//! Compaction windows: which blocks are compacted together, and the ids of what comes out.
//!
//! A window is one tenant's blocks of one hour: the hour of the epoch that they were made for
//! ([`EpochId::hour`]), which their ids tell. So a block belongs to one window for ever, whatever
//! the times of its spans, and no clock decides it. What a compaction makes stays in its window.

use crate::id::{EpochId, MAX_SLOTS, block_origin};
use uuid::Uuid;

/// One tenant's blocks of one hour.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CompactionWindow {
    /// Hours since 1970.
    pub hour: u32,
    /// The tenant.
    pub tenant: String,
}

impl CompactionWindow {
    /// The window of a tenant's block; `None` for one that no ingester minted.
    pub fn of(tenant: &str, block: &Uuid) -> Option<CompactionWindow> {
        let hour = match (block_origin(block), compacted_origin(block)) {
            (Some(origin), _) => origin.seconds() / HOUR,
            (None, Some(origin)) => origin.hour,
            (None, None) => return None,
        };
        Some(CompactionWindow { hour, tenant: tenant.to_owned() })
    }

    /// The hour as its folders are named, such as `2026-11-23T14`.
    pub fn hour_name(&self) -> String {
        hour_name(self.hour)
    }

    /// The window of a tenant's blocks of the hour of this name.
    pub fn named(hour: &str, tenant: &str) -> Option<CompactionWindow> {
        Some(CompactionWindow { hour: hour_of(hour)?, tenant: tenant.to_owned() })
    }

    /// Sixteen bytes that stand for it where work is shared out.
    pub fn key(&self) -> [u8; 16] {
        let [a, b, c, d] = self.hour.to_be_bytes();
        let tenant = crc32fast::hash(self.tenant.as_bytes()).to_be_bytes();
        let [e, f, g, h] = tenant;
        [b'w', b'i', b'n', b'd', b'o', b'w', 0, 0, a, b, c, d, e, f, g, h]
    }
}

fn hour_name(hour: u32) -> String {
    EpochId::new(hour.saturating_mul(HOUR), [0; 12]).hour()
}

/// The hour of this name, in hours since 1970; `None` for a text that is the name of none.
pub(crate) fn hour_of(name: &str) -> Option<u32> {
    // Names sort as hours do.
    let (mut low, mut high) = (0, LAST);
    while low < high {
        let middle = low + (high - low) / 2;
        match *hour_name(middle) < *name {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    Some(low).filter(|hour| hour_name(*hour) == name)
}

/// Seconds.
pub(crate) const HOUR: u32 = 3600;
/// The last hour that has a name.
const LAST: u32 = u32::MAX / HOUR;

/// What the id of a block tells that a compaction made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactedOrigin {
    /// The window's hour, in hours since 1970.
    pub hour: u32,
    /// The number of the record that it was made for.
    pub record: u32,
}

/// Mints the id of a block made for record `k` of a window: a UUID of version 8 (RFC 9562 §5.8), laid
/// out as [`crate::id::mint_block`] does it, but for its last 58 bits.
///
/// ```text
/// bits   0..48   random, new for each block
/// bits  48..52   8, the version
/// bits  52..64   record, upper 12 of 16 bits
/// bits  64..66   the variant (0b10)
/// bits  66..70   record, lower 4 bits
/// bits  70..72   1: minted for a record of a window
/// bits  72..104  the window's hour, in hours since 1970, big-endian
/// bits 104..128  zero
/// ```
///
/// `None` when the record's number is [`MAX_SLOTS`] or more.
pub fn mint_compacted(window: &CompactionWindow, record: u32, random: [u8; 6]) -> Option<Uuid> {
    let [high, low] = u16::try_from(record).ok()?.to_be_bytes();
    let [a, b, c, d, e, f] = random;
    let [p, q, r, s] = window.hour.to_be_bytes();
    let version = 0x80 | high >> 4;
    let middle = high << 4 | low >> 4;
    let variant = 0x80 | (low & 0x0f) << 2 | 1;
    Some(Uuid::from_bytes([a, b, c, d, e, f, version, middle, variant, p, q, r, s, 0, 0, 0]))
}

/// Reads what [`mint_compacted`] wrote; `None` for an id that came from elsewhere.
pub fn compacted_origin(block: &Uuid) -> Option<CompactedOrigin> {
    let [_, _, _, _, _, _, version, middle, variant, p, q, r, s, 0, 0, 0] = *block.as_bytes()
    else {
        return None;
    };
    if version >> 4 != 8 || variant >> 6 != 0b10 || variant & 0b11 != 1 {
        return None;
    }
    let record =
        u32::from(version & 0x0f) << 12 | u32::from(middle) << 4 | u32::from(variant >> 2 & 0x0f);
    let hour = u32::from_be_bytes([p, q, r, s]);
    (hour <= LAST).then_some(CompactedOrigin { hour, record })
}

const _: () = assert!(MAX_SLOTS == 1 << 16, "a record's number has as many bits as a slot's");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::mint_block;
    use proptest::prelude::*;

    #[test]
    fn a_block_belongs_to_the_hour_of_its_epoch() {
        let epoch = EpochId::new(1_795_442_400 + 3599, [9; 12]);
        let block = mint_block(&epoch, 3, [1; 6]).unwrap();
        let window = CompactionWindow::of("t", &block).unwrap();
        assert_eq!(window.hour_name(), epoch.hour());
        let merged = mint_compacted(&window, 7, [2; 6]).unwrap();
        assert_eq!(CompactionWindow::of("t", &merged), Some(window.clone()));
        assert_eq!(block_origin(&merged), None, "no epoch's slot is to be looked for");
        assert_eq!(compacted_origin(&block), None);
        assert_eq!(CompactionWindow::named("2026-11-23T14", "t"), Some(window));
        for bad in ["", "2026-11-23", "2026-11-23T24", "2026-02-30T00", "9999-01-01T00"] {
            assert_eq!(CompactionWindow::named(bad, "t"), None, "{bad}");
        }
        for foreign in [Uuid::nil(), Uuid::from_u128(0xb27b0e53_66a0_4505_afd6_434ae3cd4a10)] {
            assert_eq!(CompactionWindow::of("t", &foreign), None);
        }
    }

    proptest! {
        #[test]
        fn a_block_tells_its_record(hour in 0..=u32::MAX / 3600, k in 0..MAX_SLOTS, r: [u8; 6]) {
            let window = CompactionWindow { hour, tenant: "t".into() };
            let block = mint_compacted(&window, k, r).unwrap();
            prop_assert_eq!(block.get_version_num(), 8);
            prop_assert_eq!(block.get_variant(), uuid::Variant::RFC4122);
            prop_assert_eq!(CompactionWindow::named(&window.hour_name(), "t"), Some(window.clone()));
            let origin = compacted_origin(&block).unwrap();
            prop_assert_eq!((origin.hour, origin.record), (hour, k));
            prop_assert_eq!(mint_compacted(&window, MAX_SLOTS, r), None);
        }
    }
}
