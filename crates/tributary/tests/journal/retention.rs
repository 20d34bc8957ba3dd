//! What would go, what goes, and what is said of it.

use crate::bucket::{Bucket, TENANT};
use crate::tool::{Said, findings, journal};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tributary_journal::layout;

/// The end of the hour of the bucket's blocks, seconds since 1970.
const END: u64 = 1_795_442_400 + 3600;
const DAY: u64 = 86_400;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Sets the store's clock: that of all objects.
fn written(folder: &Path, time: SystemTime) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => written(&path, time),
            false => File::options().write(true).open(path).unwrap().set_modified(time).unwrap(),
        }
    }
}

fn ask(bucket: &Bucket, arguments: &[&str]) -> Said {
    journal(&[&["--store", bucket.path()], arguments].concat())
}

async fn objects(bucket: &Bucket) -> BTreeSet<String> {
    let listed = bucket.journal().store().list("").await.unwrap();
    listed.into_iter().map(|object| object.path).collect()
}

#[tokio::test]
async fn what_would_go_is_shown_and_nothing_is_changed() {
    let bucket = Bucket::written().await;
    let before = objects(&bucket).await;
    let table = [(14 * DAY - 1, false), (14 * DAY, true), (15 * DAY, true)];
    for (age, goes) in table {
        written(Path::new(bucket.path()), at(END + age));
        let said = ask(&bucket, &["--retention", "14d", "--dry-run"]);
        assert_eq!(said.code, 0, "{}", said.errors);
        let shown: Vec<Vec<&str>> =
            said.text.lines().map(|line| line.split_whitespace().collect()).collect();
        if !goes {
            assert_eq!(said.text, "nothing would go\n");
            continue;
        }
        let row = &shown[1];
        assert_eq!((row[0], &row[1..4]), (TENANT, &["2", "of", "2"][..]), "{}", said.text);
        assert_eq!(row[6..], ["8", "2026-11-23T14", "2026-11-23T14"], "{}", said.text);
        // Due for a day, and all that there is.
        assert_eq!(said.text.contains("more than a tenth"), age > 14 * DAY, "{}", said.text);
    }
    let said = ask(&bucket, &["--retention", "14d", "--tenant", "other", "--dry-run"]);
    assert_eq!((said.code, said.errors.contains(TENANT)), (1, true), "{}", said.errors);
    assert_eq!(objects(&bucket).await, before);
}

#[tokio::test]
async fn a_tenant_is_deleted_by_the_records_that_retention_uses() {
    let bucket = Bucket::written().await;
    let before = objects(&bucket).await;
    let said = ask(&bucket, &["--delete-tenant", TENANT, "--dry-run"]);
    assert!(said.code == 0 && said.text.contains("2 of 2"), "{}{}", said.text, said.errors);
    assert_eq!(objects(&bucket).await, before);

    let said = ask(&bucket, &["--delete-tenant", TENANT, "--yes"]);
    assert_eq!(said.code, 0, "{}", said.errors);
    assert!(said.text.starts_with("2 blocks of single-tenant are no more"), "{}", said.text);
    let after = objects(&bucket).await;
    assert!(!after.iter().any(|path| path.ends_with("/meta.json")), "{after:?}");
    assert!(before.iter().filter(|p| p.starts_with("journal/")).all(|path| after.contains(path)));
    let clean = || {
        let said = ask(&bucket, &["--verify", "--json"]);
        assert_eq!((said.code, findings(&said)), (0, vec![]), "{}{}", said.text, said.errors);
        let window = said.json()["windows"][0].clone();
        [window["expired"].clone(), window["expired_left"].clone(), window["superseded"].clone()]
    };
    assert_eq!(clean(), [2, 2, 0]);
    let said = ask(&bucket, &["--delete-tenant", TENANT, "--yes"]);
    assert!(said.text.starts_with("0 blocks"), "{}{}", said.text, said.errors);

    // As an ingester does when its time has come.
    let blocks = [0, 1].map(|k| bucket.block_id(k, u8::try_from(k).unwrap()));
    bucket.journal().delete_blocks(TENANT, &blocks).await.unwrap();
    let left = objects(&bucket).await;
    assert!(!left.iter().any(|path| path.starts_with(layout::BLOCKS)), "{left:?}");
    assert_eq!(clean(), [2, 0, 0]);
    let said = ask(&bucket, &[]);
    assert!(said.text.contains("2 blocks have expired; 0 of them"), "{}", said.text);
}

#[tokio::test]
async fn what_is_meant_is_recorded_for_those_who_go_by_it() {
    let bucket = Bucket::written().await;
    let meant = || ask(&bucket, &["--retention", "14d", "--yes"]);
    let said = meant();
    assert_eq!(said.code, 1, "{}", said.text);
    assert!(said.errors.contains("set it there first"), "{}", said.errors);
    let mut recorded = bucket.journal().recorded_retention().await.unwrap();
    let (retention, now) = (Duration::from_secs(14 * DAY), at(END + 20 * DAY));
    recorded.record(TENANT, retention, now - Duration::from_secs(DAY));
    bucket.journal().record_retention(&recorded).await.unwrap();
    written(Path::new(bucket.path()), now);
    assert!(!recorded.is_new(TENANT, now));
    let said = meant();
    assert!(said.code == 0 && said.text.contains(TENANT), "{}{}", said.text, said.errors);
    let recorded = bucket.journal().recorded_retention().await.unwrap();
    assert!(recorded.has(TENANT, retention) && recorded.is_new(TENANT, now));
}
