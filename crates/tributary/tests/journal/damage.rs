//! A bucket damaged in every way, and what is said of it.

use crate::bucket::{Bucket, TENANT, entry, slot};
use crate::{findings, journal};
use std::fs;
use std::path::PathBuf;
use tributary_journal::{NewFrame, Uid, layout};

fn flip(file: PathBuf) {
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 0x10;
    fs::write(file, bytes).unwrap();
}

/// Does the damage and gives back what must be found: severity, rule, object.
type Damage = fn(&Bucket) -> String;

/// Found by names, sizes and slots alone.
const SEEN: &[(&str, Damage)] = &[
    ("a bit of a slot", |bucket| {
        let path = layout::slot(&bucket.epoch(), 1);
        flip(bucket.file(&path));
        format!("violation Bytes {path}")
    }),
    ("a slot under another's name", |bucket| {
        let [from, path] = [0, 1].map(|k| layout::slot(&bucket.epoch(), k));
        fs::copy(bucket.file(&from), bucket.file(&path)).unwrap();
        format!("violation Bytes {path}")
    }),
    ("an empty slot, as after a power loss", |bucket| {
        let path = layout::slot(&bucket.epoch(), 1);
        fs::write(bucket.file(&path), b"").unwrap();
        format!("violation Bytes {path}")
    }),
    ("the first slot removed", |bucket| {
        let path = layout::slot(&bucket.epoch(), 0);
        fs::remove_file(bucket.file(&path)).unwrap();
        format!("violation I3 {path}")
    }),
    ("the last slot removed", |bucket| {
        let path = layout::slot(&bucket.epoch(), 1);
        fs::remove_file(bucket.file(&path)).unwrap();
        format!("violation I3 {path}")
    }),
    ("the data of a block whose segments are gone", |bucket| {
        let path = format!("{}/data.parquet", bucket.block(0));
        fs::remove_file(bucket.file(&path)).unwrap();
        format!("violation I4 {path}")
    }),
    ("the data of a block, cut short", |bucket| {
        let path = format!("{}/data.parquet", bucket.block(1));
        let data = fs::read(bucket.file(&path)).unwrap();
        fs::write(bucket.file(&path), &data[..data.len() - 1]).unwrap();
        format!("violation I4 {path}")
    }),
    ("a whole block whose segments are gone", |bucket| {
        fs::remove_dir_all(bucket.file(&bucket.block(0))).unwrap();
        format!("violation I2 {}", bucket.block(0))
    }),
    ("a whole block whose segments are there", |bucket| {
        fs::remove_dir_all(bucket.file(&bucket.block(1))).unwrap();
        format!("violation I4 {}", bucket.block(1))
    }),
    ("the meta of a block whose segments are gone", |bucket| {
        let path = format!("{}/meta.json", bucket.block(0));
        fs::remove_file(bucket.file(&path)).unwrap();
        format!("violation I2 {path}")
    }),
    ("a covered segment, cut short", |bucket| {
        let path = layout::segment(&bucket.epoch(), 3);
        let data = fs::read(bucket.file(&path)).unwrap();
        fs::write(bucket.file(&path), &data[..data.len() - 1]).unwrap();
        format!("violation I2 {path}")
    }),
    ("the journal removed, its blocks left", |bucket| {
        fs::remove_dir_all(bucket.file("journal/log")).unwrap();
        format!("violation I3 {}", bucket.block(0))
    }),
];

/// Found only by reading.
const READ: &[(&str, Damage)] = &[
    ("a bit of an uncovered segment", |bucket| {
        let path = layout::segment(&bucket.epoch(), 4);
        flip(bucket.file(&path));
        format!("violation Bytes {path}")
    }),
    ("a bit of a covered segment", |bucket| {
        let path = layout::segment(&bucket.epoch(), 2);
        flip(bucket.file(&path));
        format!("violation Bytes {path}")
    }),
    ("a segment under another's name", |bucket| {
        let [from, path] = [2, 4].map(|n| layout::segment(&bucket.epoch(), n));
        fs::copy(bucket.file(&from), bucket.file(&path)).unwrap();
        format!("violation Bytes {path}")
    }),
    ("a bit of a block's data", |bucket| {
        let path = format!("{}/data.parquet", bucket.block(0));
        flip(bucket.file(&path));
        format!("violation Bytes {path}")
    }),
    ("another meta", |bucket| {
        let path = format!("{}/meta.json", bucket.block(0));
        fs::write(bucket.file(&path), b"{}").unwrap();
        format!("violation Bytes {path}")
    }),
    ("a filter removed", |bucket| {
        let path = format!("{}/bloom-0", bucket.block(0));
        fs::remove_file(bucket.file(&path)).unwrap();
        format!("violation I4 {path}")
    }),
    ("a filter that denies what is there", |bucket| {
        let path = format!("{}/bloom-0", bucket.block(0));
        let mut bloom = fs::read(bucket.file(&path)).unwrap();
        bloom[24..].fill(0);
        fs::write(bucket.file(&path), bloom).unwrap();
        format!("violation Bytes {}/data.parquet", bucket.block(0))
    }),
];

#[tokio::test]
async fn every_damage_is_named() {
    for (deep, table) in [(false, SEEN), (true, READ)] {
        for (name, damage) in table {
            let bucket = Bucket::written().await;
            let expected = damage(&bucket);
            let light = journal(&["--store", bucket.path(), "--json"]);
            let whole = journal(&["--store", bucket.path(), "--json", "--verify"]);
            assert!(findings(&whole).contains(&expected), "{name}: {}", whole.text);
            assert_eq!(whole.code, 1, "{name}");
            assert_eq!(findings(&light).contains(&expected), !deep, "{name}: {}", light.text);
            assert_eq!(light.code, i32::from(!deep), "{name}");
            let table = journal(&["--store", bucket.path(), "--verify"]);
            let object = expected.rsplit(' ').next().unwrap();
            let lines = table.text.lines();
            let named = lines.filter(|l| l.starts_with("VIOLATION") && l.contains(object)).count();
            assert!(named > 0, "{name}: {}", table.text);
        }
    }
}

#[tokio::test]
async fn a_segment_that_was_covered_twice_is_named() {
    let mut bucket = Bucket::written().await;
    let (again, columns) = bucket.segment().await;
    let block = bucket.store_block(bucket.block_id(2, 2), &[&columns]).await;
    let covered = bucket.journal().get_slot(&bucket.epoch(), 1).await.unwrap().covers[0];
    let mut slot = slot(bucket.epoch(), 2, vec![entry(&block)], vec![again, covered]);
    slot.duplicates = covered.spans;
    bucket.journal().put_slot(&slot).await.unwrap();
    bucket.journal().write_metas(&slot.blocks).await.unwrap();
    let said = journal(&["--store", bucket.path(), "--json"]);
    let expected = format!("violation I6 {}", layout::segment(&bucket.epoch(), covered.n));
    assert_eq!((said.code, findings(&said)), (1, vec![expected]));
}

#[tokio::test]
async fn numbers_that_are_false_are_named() {
    let mut bucket = Bucket::written().await;
    let (info, columns) = bucket.segment().await;
    let block = bucket.store_block(bucket.block_id(2, 2), &[&columns]).await;
    let mut lying = entry(&block);
    lying.rows -= 1;
    let mut slot = slot(bucket.epoch(), 2, vec![lying], vec![info]);
    slot.duplicates = 1;
    bucket.journal().put_slot(&slot).await.unwrap();
    bucket.journal().write_metas(&slot.blocks).await.unwrap();
    let said = journal(&["--store", bucket.path(), "--json", "--verify"]);
    let data = layout::block_object(TENANT, &block.meta.block_id, "data.parquet");
    assert_eq!((said.code, findings(&said)), (1, vec![format!("violation I10 {data}")]));
}

#[tokio::test]
async fn a_frame_that_nobody_can_decode_is_named() {
    let mut bucket = Bucket::written().await;
    let sealed = bucket.seal(&NewFrame {
        stream: 1,
        tenant: TENANT,
        incarnation: Uid([3; 16]),
        seq: 1,
        dict: 0,
        spans: 1,
        defines: &[],
        definitions: b"",
        payload: b"no frame",
    });
    bucket.journal().put_segment(&bucket.epoch(), &sealed).await.unwrap();
    let said = journal(&["--store", bucket.path(), "--json", "--verify"]);
    let path = layout::segment(&bucket.epoch(), sealed.info.n);
    assert_eq!((said.code, findings(&said)), (1, vec![format!("violation Bytes {path}")]));
}

/// Blocks that no slot names are told apart by whether their slot exists.
#[tokio::test]
async fn orphans_are_listed_and_no_fault_unless_readers_see_them() {
    let mut bucket = Bucket::written().await;
    let (_, columns) = bucket.segment().await;
    let garbage = bucket.store_block(bucket.block_id(1, 99), &[&columns]).await;
    let pending = bucket.store_block(bucket.block_id(2, 2), &[&columns]).await;
    let said = journal(&["--store", bucket.path(), "--json", "--verify"]);
    assert_eq!((said.code, findings(&said)), (0, vec![]));
    let folder = |id| layout::block(TENANT, &id);
    let epoch = &said.json()["epochs"][0];
    assert_eq!(epoch["garbage"], serde_json::json!([folder(garbage.meta.block_id)]));
    assert_eq!(epoch["pending"], serde_json::json!([folder(pending.meta.block_id)]));

    let visible = [entry(&garbage), entry(&pending)];
    bucket.journal().write_metas(&visible).await.unwrap();
    let said = journal(&["--store", bucket.path(), "--json"]);
    let meta = layout::block_object(TENANT, &garbage.meta.block_id, layout::META);
    let missing = layout::slot(&bucket.epoch(), 2);
    let expected = vec![format!("violation I3 {missing}"), format!("violation I5 {meta}")];
    assert_eq!((said.code, findings(&said)), (1, expected));
}

#[tokio::test]
async fn a_number_without_a_segment_is_only_a_notice() {
    let bucket = Bucket::written().await;
    let mut bucket = bucket;
    bucket.segment().await;
    fs::remove_file(bucket.file(&layout::segment(&bucket.epoch(), 4))).unwrap();
    let said = journal(&["--store", bucket.path(), "--json", "--verify"]);
    let expected = format!("notice I2 {}", layout::segments(&bucket.epoch()));
    assert_eq!((said.code, findings(&said)), (0, vec![expected]));
}
