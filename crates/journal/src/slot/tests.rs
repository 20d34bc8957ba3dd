use super::*;
use crate::id::mint_block;
use proptest::prelude::*;

/// Bytes before the map.
const HEAD: usize = 32;

fn epoch() -> EpochId {
    EpochId::new(1_795_442_400, [1; 12])
}

fn block(k: u32, rows: u64) -> BlockEntry {
    BlockEntry {
        tenant: "single-tenant".into(),
        id: mint_block(&epoch(), k, [3; 6]).unwrap(),
        meta: Bytes::from_static(br#"{"format":"vParquet4"}"#),
        rows,
        size: 4096,
        crc: 5,
    }
}

fn cover(n: u64) -> SegmentInfo {
    SegmentInfo { n, len: 100 + n, crc: 7, spans: 50 }
}

fn slot() -> Slot {
    Slot {
        uid: Uid([2; 16]),
        epoch: epoch(),
        k: 3,
        blocks: vec![block(3, 90)],
        covers: vec![cover(4), cover(6)],
        quarantined: vec![5],
        rows_in: 100,
        duplicates: 9,
        rejected: 1,
        relogged: 0,
        conflicts: 2,
        closed: true,
        adopted: false,
    }
}

#[test]
fn a_slot_is_read_back() {
    let encoded = slot().encode().unwrap();
    assert_eq!(Slot::decode(&encoded.bytes), Ok(slot()));
    assert!(encoded.bytes[encoded.identity].ends_with(&[2; 16]), "the uid is in it");
}

#[test]
fn two_attempts_differ_in_their_identity() {
    let one = slot().encode().unwrap();
    let other = Slot { uid: Uid([9; 16]), ..slot() }.encode().unwrap();
    assert_ne!(one.bytes[one.identity], other.bytes[other.identity]);
}

#[test]
fn a_slot_that_contradicts_itself_is_not_written() {
    let foreign = BlockEntry { id: Uuid::from_bytes([0x42; 16]), ..block(3, 90) };
    let table = [
        ("rows", Slot { rows_in: 101, ..slot() }),
        ("rows", Slot { duplicates: u64::MAX, ..slot() }),
        ("its segments have Some(50) spans", Slot { covers: vec![cover(4)], ..slot() }),
        ("its segments have Some(0) spans", Slot { covers: Vec::new(), ..slot() }),
        (
            "its segments have None spans",
            Slot { covers: vec![cover(4), SegmentInfo { spans: u64::MAX, ..cover(6) }], ..slot() },
        ),
        ("named twice", Slot { covers: vec![cover(4), cover(4)], ..slot() }),
        ("named twice", Slot { quarantined: vec![6], ..slot() }),
        ("not minted", Slot { blocks: vec![block(2, 90)], ..slot() }),
        ("not minted", Slot { blocks: vec![foreign], ..slot() }),
        ("not minted", Slot { epoch: EpochId::new(0, [1; 12]), ..slot() }),
        ("too large", Slot { k: MAX_SLOTS, ..slot() }),
        (
            "must not be . or ..",
            Slot { blocks: vec![BlockEntry { tenant: "..".into(), ..block(3, 90) }], ..slot() },
        ),
    ];
    for (expected, wrong) in table {
        let message = wrong.encode().unwrap_err().to_string();
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[test]
fn a_missing_byte_is_an_error() {
    let whole = slot().encode().unwrap().bytes;
    for len in 0..whole.len() {
        assert!(Slot::decode(&whole[..len]).is_err(), "cut to {len}");
    }
    assert!(Slot::decode(&[&whole[..], b"\0"].concat()).is_err());
}

#[test]
fn a_changed_bit_is_an_error() {
    let whole = slot().encode().unwrap().bytes;
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.to_vec();
            changed[at] ^= 1 << bit;
            assert!(Slot::decode(&changed).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn an_unknown_version_is_said_to_be_one() {
    let mut newer = slot().encode().unwrap().bytes.to_vec();
    newer[8] = 2;
    assert_eq!(Slot::decode(&newer), Err(SlotError::UnknownVersion(2)));
}

fn forged(map: &[u8]) -> Vec<u8> {
    let mut out = slot().encode().unwrap().bytes[..HEAD].to_vec();
    out.extend_from_slice(map);
    let crc = crc32fast::hash(&out[16..]);
    out[12..16].copy_from_slice(&crc.to_le_bytes());
    out
}

#[test]
fn fields_of_later_releases_are_passed_over() {
    let mut map = slot().encode().unwrap().bytes[HEAD..].to_vec();
    assert_eq!(map[0] & 0xf0, 0x80, "a small map");
    map[0] += 1;
    map.extend_from_slice(b"\xa5later\x07");
    assert_eq!(Slot::decode(&forged(&map)), Ok(slot()));
}

proptest! {
    #[test]
    fn no_map_panics(map in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Slot::decode(&forged(&map)).is_err());
        prop_assert!(Slot::decode(&map).is_err());
    }

    #[test]
    fn whatever_goes_in_comes_out(
        k in 0..MAX_SLOTS,
        rows in proptest::collection::vec(0u64..1 << 40, 0..10),
        covers in proptest::collection::btree_set(any::<u64>(), 0..50),
        duplicates in 0u64..1 << 40,
    ) {
        let rows_in = rows.iter().sum::<u64>() + duplicates;
        // All of them came in the first one.
        let spans = std::iter::once(rows_in).chain(std::iter::repeat(0));
        let covers = covers.iter().zip(spans);
        let slot = Slot {
            k,
            blocks: rows.iter().map(|rows| block(k, *rows)).collect(),
            covers: covers.map(|(n, spans)| SegmentInfo { spans, ..cover(n & 0xffff) }).collect(),
            quarantined: Vec::new(),
            rows_in,
            duplicates,
            rejected: 0,
            relogged: 0,
            ..slot()
        };
        let unique: BTreeSet<_> = slot.covers.iter().map(|segment| segment.n).collect();
        match slot.encode() {
            Ok(encoded) => prop_assert_eq!(Slot::decode(&encoded.bytes).unwrap(), slot),
            Err(_) if slot.covers.is_empty() => prop_assert!(rows_in > 0),
            Err(_) => prop_assert!(unique.len() < slot.covers.len()),
        }
    }
}
