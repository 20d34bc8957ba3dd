//! Ids of the journal: epochs, writers, and blocks whose origin can be told from their name.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// One incarnation of one ingester's write log.
///
/// 16 bytes: seconds since 1970 (u32, big-endian), then 12 random bytes. Written as 32 hex digits,
/// which sort by time. The time only files the epoch under an hour; no rule compares it (I9).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochId([u8; 16]);

/// 16 random bytes that tell one writer, or one attempt at a write, from every other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(pub [u8; 16]);

/// A text that is not 32 lowercase hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 32 lowercase hex digits")]
pub struct NotAnId;

impl EpochId {
    /// The id of an epoch that begins at `seconds` since 1970. `random` must come from the
    /// operating system: an epoch id that occurs twice would mix two writers' logs.
    pub fn new(seconds: u32, random: [u8; 12]) -> Self {
        let [a, b, c, d] = seconds.to_be_bytes();
        let [e, f, g, h, i, j, k, l, m, n, o, p] = random;
        EpochId([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
    }

    /// The 16 bytes.
    pub fn bytes(&self) -> [u8; 16] {
        self.0
    }

    /// The id in these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        EpochId(bytes)
    }

    /// Seconds since 1970 at which it began, by its writer's clock.
    pub fn seconds(&self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }

    /// Whole hours since 1970 at which it began: [`EpochId::hour`] as a number.
    pub fn hours(&self) -> u32 {
        self.seconds() / 3600
    }

    /// The hour that the epoch is filed under, such as `2026-11-23T14` (UTC).
    pub fn hour(&self) -> String {
        let hours = self.hours();
        // Days to a date of the Gregorian calendar, counted from 0000-03-01 so that the leap day
        // is the last of its year.
        let day = hours / 24 + 719_468;
        let (era, day) = (day / 146_097, day % 146_097);
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        format!("{:04}-{month:02}-{day:02}T{:02}", era * 400 + year + carry, hours % 24)
    }

    fn prefix(&self) -> [u8; 7] {
        let [a, b, c, d, e, f, g, ..] = self.0;
        [a, b, c, d, e, f, g]
    }
}

/// Slots that an epoch can have: their number is a part of block ids.
pub const MAX_SLOTS: u32 = 1 << 16;

/// What a block id tells about the slot that the block was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockOrigin {
    /// The first 7 of the epoch's 16 bytes: enough to find it, and its hour, in a listing.
    pub epoch_prefix: [u8; 7],
    /// The number of the slot.
    pub slot: u32,
}

/// Mints the id of a block made for slot `slot` of `epoch`: a UUID of version 8 (RFC 9562 §5.8).
///
/// ```text
/// bits   0..48   random, new for each block
/// bits  48..52   8, the version
/// bits  52..64   slot, upper 12 of 16 bits
/// bits  64..66   the variant (0b10)
/// bits  66..70   slot, lower 4 bits
/// bits  70..72   0: minted for a slot of an epoch
/// bits  72..128  the first 7 bytes of the epoch's id
/// ```
///
/// The randomness comes first since readers share out blocks among themselves by their first
/// bits. It is new for each block because two builders may be at work on the same slot, and one
/// must never overwrite what the other's slot is going to name (I4).
///
/// `None` when the slot's number is [`MAX_SLOTS`] or more.
pub fn mint_block(epoch: &EpochId, slot: u32, random: [u8; 6]) -> Option<Uuid> {
    let [high, low] = u16::try_from(slot).ok()?.to_be_bytes();
    let [a, b, c, d, e, f] = random;
    let [p, q, r, s, t, u, v] = epoch.prefix();
    let version = 0x80 | high >> 4;
    let middle = high << 4 | low >> 4;
    let variant = 0x80 | (low & 0x0f) << 2;
    Some(Uuid::from_bytes([a, b, c, d, e, f, version, middle, variant, p, q, r, s, t, u, v]))
}

/// Reads what [`mint_block`] wrote; `None` for an id that came from elsewhere. Other programs may
/// mint version 8 ids too, so this is where to look and no proof.
pub fn block_origin(block: &Uuid) -> Option<BlockOrigin> {
    let [_, _, _, _, _, _, version, middle, variant, p, q, r, s, t, u, v] = *block.as_bytes();
    if version >> 4 != 8 || variant >> 6 != 0b10 || variant & 0b11 != 0 {
        return None;
    }
    let slot =
        u32::from(version & 0x0f) << 12 | u32::from(middle) << 4 | u32::from(variant >> 2 & 0x0f);
    Some(BlockOrigin { epoch_prefix: [p, q, r, s, t, u, v], slot })
}

impl BlockOrigin {
    /// The hour of that epoch, as [`EpochId::hour`].
    pub fn hour(&self) -> String {
        EpochId::new(self.seconds(), [0; 12]).hour()
    }

    /// Seconds since 1970 at which that epoch began, by its writer's clock.
    pub fn seconds(&self) -> u32 {
        let [a, b, c, d, ..] = self.epoch_prefix;
        u32::from_be_bytes([a, b, c, d])
    }

    /// Whether the block may have been made for this epoch.
    pub fn is_of(&self, epoch: &EpochId) -> bool {
        self.epoch_prefix == epoch.prefix()
    }
}

fn parse_hex(text: &str) -> Result<[u8; 16], NotAnId> {
    let lowercase = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 32 || !text.bytes().all(lowercase) {
        return Err(NotAnId);
    }
    u128::from_str_radix(text, 16).map(u128::to_be_bytes).map_err(|_| NotAnId)
}

/// Both ids are 32 hex digits where people read and 16 bytes where only programs do.
macro_rules! sixteen_bytes {
    ($id:ident) => {
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", u128::from_be_bytes(self.0))
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $id {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                parse_hex(text).map($id)
            }
        }

        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_bytes(&self.0)
                }
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = String::deserialize(deserializer)?;
                    text.parse().map_err(D::Error::custom)
                } else {
                    serde_bytes::deserialize(deserializer).map($id)
                }
            }
        }
    };
}

sixteen_bytes!(EpochId);
sixteen_bytes!(Uid);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hours_are_those_of_the_calendar() {
        let table = [
            (0, "1970-01-01T00"),
            (951_782_399, "2000-02-28T23"),
            (951_782_400, "2000-02-29T00"),
            (1_709_164_800, "2024-02-29T00"),
            (1_709_251_199, "2024-02-29T23"),
            (1_735_689_599, "2024-12-31T23"),
            (1_795_442_400, "2026-11-23T14"),
            (4_107_542_400, "2100-03-01T00"),
            (u32::MAX, "2106-02-07T06"),
        ];
        for (seconds, hour) in table {
            assert_eq!(EpochId::new(seconds, [0; 12]).hour(), hour);
        }
    }

    #[test]
    fn ids_sort_by_time_and_are_read_back() {
        let early = EpochId::new(1_000, [0xff; 12]);
        let late = EpochId::new(1_001, [0; 12]);
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(early.to_string().parse(), Ok(early));
        for bad in
            ["", "00", "000003E8FFFFFFFFFFFFFFFFFFFFFFFF", "+00003e8ffffffffffffffffffffffff"]
        {
            assert_eq!(bad.parse::<EpochId>(), Err(NotAnId), "{bad}");
        }
    }

    #[test]
    fn foreign_block_ids_have_no_origin() {
        let v4 = Uuid::parse_str("b27b0e53-66a0-4505-afd6-434ae3cd4a10").unwrap();
        assert_eq!(block_origin(&v4), None);
        assert_eq!(block_origin(&Uuid::nil()), None);
        assert_eq!(mint_block(&EpochId::new(0, [0; 12]), MAX_SLOTS, [0; 6]), None);
    }

    proptest! {
        #[test]
        fn a_block_tells_its_slot(seconds: u32, random: [u8; 12], slot in 0..MAX_SLOTS, r: [u8; 6]) {
            let epoch = EpochId::new(seconds, random);
            let block = mint_block(&epoch, slot, r).unwrap();
            prop_assert_eq!(block.get_version_num(), 8);
            prop_assert_eq!(block.get_variant(), uuid::Variant::RFC4122);
            let origin = block_origin(&block).unwrap();
            prop_assert_eq!(origin.slot, slot);
            prop_assert!(origin.is_of(&epoch));
            prop_assert_eq!(origin.hour(), epoch.hour());
            prop_assert!(!origin.is_of(&EpochId::new(seconds.wrapping_add(1), random)));
        }
    }
}
