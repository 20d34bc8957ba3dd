use super::*;
use crate::EpochId;
use crate::id::mint_block;
use crate::window::mint_compacted;
use bytes::Bytes;
use proptest::prelude::*;

fn window() -> CompactionWindow {
    CompactionWindow { hour: 498_734, tenant: "single-tenant".into() }
}

fn input(n: u8, rows: u64) -> Input {
    let epoch = EpochId::new(window().hour * 3600 + 17, [n; 12]);
    Input { id: mint_block(&epoch, n.into(), [n; 6]).unwrap(), rows }
}

fn output(k: u32, n: u8, rows: u64) -> BlockEntry {
    BlockEntry {
        tenant: window().tenant,
        id: mint_compacted(&window(), k, [n; 6]).unwrap(),
        meta: Bytes::from_static(br#"{"format":"vParquet4"}"#),
        rows,
        size: 4096,
        crc: 5,
    }
}

fn record() -> Record {
    Record {
        outputs: vec![output(3, 1, 90), output(3, 2, 50)],
        inputs: vec![input(1, 60), input(2, 89)],
        duplicates: 9,
        conflicts: 2,
        ..Record::empty(Uid([2; 16]), &window(), 3)
    }
}

fn expired(n: u8) -> Record {
    let expiry = Expiry { retention: Some(3600), bytes: 4096 };
    let blocks = (1..=n).map(|n| input(n, 0).id);
    Record::expiring(Uid([2; 16]), &window(), 3, blocks, expiry)
}

#[test]
fn a_record_is_read_back() {
    for record in [record(), expired(2), Record::empty(Uid([7; 16]), &window(), 0)] {
        let encoded = record.encode().unwrap();
        assert_eq!(Record::decode(&encoded.bytes), Ok(record.clone()));
        assert!(encoded.bytes[encoded.identity].ends_with(&record.uid.0), "the uid is in it");
    }
}

#[test]
fn a_record_that_contradicts_itself_is_not_written() {
    let elsewhere = Input { id: Uuid::from_u128(7), rows: 60 };
    let other_hour = EpochId::new((window().hour + 1) * 3600, [1; 12]);
    let late = Input { id: mint_block(&other_hour, 0, [1; 6]).unwrap(), rows: 60 };
    let table = [
        ("rows in", Record { duplicates: 8, ..record() }),
        ("rows in", Record { duplicates: u64::MAX, ..record() }),
        ("another window", Record { inputs: vec![elsewhere, input(2, 89)], ..record() }),
        ("another window", Record { inputs: vec![late, input(2, 89)], ..record() }),
        ("named twice", Record { inputs: vec![input(2, 60), input(2, 89)], ..record() }),
        ("not minted", Record { k: 4, ..record() }),
        ("not minted", Record { outputs: vec![output(3, 1, 90), output(2, 2, 50)], ..record() }),
        ("another window", Record { tenant: "other".into(), hour: 3, ..record() }),
        ("not minted", Record { tenant: "other".into(), ..record() }),
        ("too large", Record { k: MAX_SLOTS, ..record() }),
        ("must not be . or ..", Record { tenant: "..".into(), ..record() }),
        ("goes into nothing", expired(0)),
        ("goes into nothing", Record { expiry: expired(1).expiry, ..record() }),
        ("goes into nothing", Record { inputs: vec![input(1, 9)], duplicates: 9, ..expired(1) }),
        ("another window", Record { tenant: "t".into(), hour: 3, ..expired(1) }),
    ];
    for (expected, wrong) in table {
        let message = wrong.encode().unwrap_err().to_string();
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[test]
fn a_missing_byte_or_a_changed_bit_is_an_error() {
    let whole = record().encode().unwrap().bytes;
    for at in 0..whole.len() {
        assert!(Record::decode(&whole[..at]).is_err(), "cut to {at}");
        for bit in 0..8 {
            let mut changed = whole.to_vec();
            changed[at] ^= 1 << bit;
            assert!(Record::decode(&changed).is_err(), "bit {bit} of byte {at}");
        }
    }
    assert!(Record::decode(&[&whole[..], b"\0"].concat()).is_err());
    let mut newer = whole.to_vec();
    newer[8] = 2;
    assert_eq!(Record::decode(&newer), Err(RecordError::UnknownVersion(2)));
}

/// The map as a release from before [`Expiry`] reads it.
#[derive(Deserialize)]
struct Before {
    outputs: Vec<BlockEntry>,
    inputs: Vec<Input>,
    duplicates: u64,
}

#[test]
fn an_older_release_reads_that_expired_blocks_are_superseded_by_nothing() {
    let record = expired(2);
    let (_, before) = framed::decode::<Before>(FORMAT, &record.encode().unwrap().bytes).unwrap();
    let Before { outputs, inputs, duplicates } = before;
    let rows: u64 = inputs.iter().map(|input| input.rows).sum();
    // The sum by which it judges a record.
    assert_eq!((rows, duplicates, outputs.len()), (0, 0, 0));
    assert_eq!(inputs, record.inputs);
}

proptest! {
    #[test]
    fn no_map_panics(map in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut forged = record().encode().unwrap().bytes[..32].to_vec();
        forged.extend_from_slice(&map);
        let crc = crc32fast::hash(&forged[16..]);
        forged[12..16].copy_from_slice(&crc.to_le_bytes());
        prop_assert!(Record::decode(&forged).is_err());
        prop_assert!(Record::decode(&map).is_err());
    }
}
