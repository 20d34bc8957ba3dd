//! Deleting: what is gone is gone, however a server says it, and one name does not hold up others.

use crate::fake::{Bulk, FakeS3, Ways};
use futures_util::future::join_all;
use tributary_store::{Store, StoreError};

const THERE: [&str; 3] = ["a/1", "a/2", "a/4"];
const ASKED: [&str; 5] = ["a/1", "a/2", "a/3", "a/4", "a/5"];

async fn deleted(fake: &FakeS3) -> Result<(), StoreError> {
    THERE.iter().for_each(|path| fake.set(&format!("bucket/{path}"), b"text"));
    let store = Store::open("s3://bucket", &fake.options()).await.unwrap();
    store.delete_all(ASKED.map(str::to_owned)).await
}

#[tokio::test]
async fn what_is_gone_is_gone_however_it_is_said() {
    let table = [
        (Bulk::Done, 0),
        (Bulk::NoSuchKey, 0),
        (Bulk::NoSuchKey, 404),
        (Bulk::AnotherName, 404),
        (Bulk::Status(404), 404),
        (Bulk::Status(405), 0),
        (Bulk::Status(400), 404),
        (Bulk::Status(503), 404),
        (Bulk::Status(501), 404),
        (Bulk::Status(501), 501),
    ];
    let one = |(bulk, missing): (Bulk, u16)| async move {
        let fake = FakeS3::start().await;
        fake.delete_by(Ways { bulk, missing, ..Ways::default() });
        if let Err(error) = deleted(&fake).await {
            panic!("{bulk:?}, {missing}: {}", error.chain());
        }
        for path in THERE {
            assert_eq!(fake.object(&format!("bucket/{path}")), None, "{bulk:?}, {missing}");
        }
        // And when there is only one.
        let store = Store::open("s3://bucket", &fake.options()).await.unwrap();
        store.delete("a/1").await.unwrap();
    };
    join_all(table.map(one)).await;
}

#[tokio::test]
async fn every_name_is_tried_and_the_first_that_stays_is_told() {
    for bulk in [Bulk::Done, Bulk::Status(503)] {
        let fake = FakeS3::start().await;
        let kept = ["bucket/a/2", "bucket/a/4"].map(str::to_owned).into();
        fake.delete_by(Ways { bulk, kept, ..Ways::default() });
        let error = deleted(&fake).await.unwrap_err();
        assert!(matches!(error, StoreError::Denied { .. }), "{error:?}");
        for part in ["delete a/2", "2 of 5 could not be deleted"] {
            assert!(error.chain().contains(part), "{part} is not in: {}", error.chain());
        }
        assert_eq!(fake.object("bucket/a/1"), None, "{bulk:?}");
        assert!(fake.object("bucket/a/4").is_some(), "{bulk:?}");
        let store = Store::open("s3://bucket", &fake.options()).await.unwrap();
        let error = store.delete("a/4").await.unwrap_err();
        assert!(!error.chain().contains("could not be deleted"), "{}", error.chain());
    }
}

#[tokio::test]
async fn a_folder_tries_every_name() {
    let folder = tempfile::tempdir().unwrap();
    let options = tributary_store::StoreOptions::default();
    let store = Store::open(folder.path().to_str().unwrap(), &options).await.unwrap();
    let path = |n: usize| format!("a/{n:02}");
    for n in 0..30 {
        store.put(&path(n), bytes::Bytes::from_static(b"text")).await.unwrap();
    }
    // A name too long is one that no file system takes.
    let long = "x".repeat(300);
    let asked = [long.clone()].into_iter().chain((0..40).map(path));
    let error = store.delete_all(asked).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("1 of 41 could not be deleted"), "{cause}");
    // A line of log would leave out the middle of such a name.
    assert!(error.to_string().contains(&long), "{error}");
    assert_eq!(store.list("").await.unwrap(), []);
}
