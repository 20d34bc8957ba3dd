//! Create-only writes under faults: the answer is what is true in the store.

use crate::fake::{FakeS3, Fault};
use bytes::Bytes;
use std::time::Duration;
use tributary_store::{Created, Operations, Store, StoreError, StoreOptions};

const PATH: &str = "journal/log/a";
const KEY: &str = "bucket/journal/log/a";
const OURS: &[u8] = b"uid-1 and the rest";
const IDENTITY: std::ops::Range<usize> = 0..5;

async fn create(options: StoreOptions) -> (Result<Created, StoreError>, Operations) {
    let store = Store::open("s3://bucket", &options).await.unwrap();
    let created = store.create(PATH, Bytes::from_static(OURS), IDENTITY).await;
    (created, store.counters().snapshot())
}

fn impatient(fake: &FakeS3) -> StoreOptions {
    let attempt_timeout = Duration::from_millis(300);
    StoreOptions { attempt_timeout, ..fake.options() }
}

#[tokio::test]
async fn every_answer_is_settled_by_reading_back() {
    // Faults of the attempts in turn; attempts that were made; outcomes that were read back.
    let table: &[(&[Fault], u64, u64)] = &[
        (&[], 1, 0),
        (&[Fault::Refuse(409)], 2, 1),
        (&[Fault::Refuse(409), Fault::Refuse(409), Fault::Refuse(412)], 4, 3),
        (&[Fault::Refuse(500)], 2, 1),
        (&[Fault::Refuse(503), Fault::StoreThenAnswer(503)], 2, 2),
        (&[Fault::StoreThenAnswer(500)], 1, 1),
        (&[Fault::StoreThenAnswer(409)], 1, 1),
        (&[Fault::StoreThenBreak], 1, 1),
        (&[Fault::Hang], 2, 1),
        (&[Fault::StoreAfterNextRead], 2, 2),
    ];
    for (faults, attempts, read_backs) in table {
        let fake = FakeS3::start().await;
        fake.next(faults.to_vec());
        let (created, counted) = create(impatient(&fake)).await;
        assert_eq!(created.unwrap(), Created::Won, "{faults:?}");
        assert_eq!(fake.object(KEY).unwrap(), OURS, "{faults:?}");
        assert_eq!(counted.puts, *attempts, "{faults:?}");
        assert_eq!(counted.create_read_backs, *read_backs, "{faults:?}");
        assert_eq!(counted.create_retries, attempts - 1, "{faults:?}");
    }
}

#[tokio::test]
async fn what_others_wrote_is_lost_to_us() {
    let table = [
        ("shorter", "uid-2"),
        ("as long", "uid-2 and the rest"),
        ("longer", "uid-1 and the rest of it all"),
        ("empty", ""),
    ];
    for (name, theirs) in table {
        let fake = FakeS3::start().await;
        fake.next([Fault::Refuse(500), Fault::Rival(theirs)]);
        let (created, counted) = create(impatient(&fake)).await;
        assert_eq!(created.unwrap(), Created::Lost, "{name}");
        assert_eq!(fake.object(KEY).unwrap(), theirs, "{name}");
        assert_eq!(counted.create_lost, 1, "{name}");
    }
}

#[tokio::test]
async fn the_same_bytes_may_be_created_again() {
    let fake = FakeS3::start().await;
    fake.set(KEY, OURS);
    let (created, _) = create(fake.options()).await;
    assert_eq!(created.unwrap(), Created::Won);
}

#[tokio::test]
async fn a_slow_write_gets_a_second_copy() {
    let fake = FakeS3::start().await;
    fake.next([Fault::Hang]);
    let hedge_after = Some(Duration::from_millis(50));
    let (created, counted) = create(StoreOptions { hedge_after, ..fake.options() }).await;
    assert_eq!(created.unwrap(), Created::Won);
    assert_eq!((counted.puts, counted.hedges, counted.create_read_backs), (2, 1, 0));
}

#[tokio::test]
async fn a_second_copy_that_fails_does_not_hide_the_first() {
    let fake = FakeS3::start().await;
    fake.next([Fault::Hang, Fault::Refuse(500)]);
    let hedge_after = Some(Duration::from_millis(50));
    let (created, counted) = create(StoreOptions { hedge_after, ..impatient(&fake) }).await;
    assert_eq!(created.unwrap(), Created::Won);
    assert_eq!((counted.puts, counted.create_read_backs), (3, 1), "timed out, then tried again");
}

#[tokio::test]
async fn giving_up_is_no_answer() {
    let fake = FakeS3::start().await;
    fake.refuse_writes(503);
    let create_deadline = Duration::from_millis(400);
    let (created, counted) = create(StoreOptions { create_deadline, ..fake.options() }).await;
    let error = created.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(error.chain().contains("503"), "{}", error.chain());
    assert!(counted.puts > 1, "{counted:?}");
}

#[tokio::test]
async fn what_waiting_does_not_mend_is_said_at_once() {
    let table = [(403, "credentials"), (401, "credentials"), (404, "not in the store")];
    for (status, expected) in table {
        let fake = FakeS3::start().await;
        fake.refuse_writes(status);
        let (created, counted) = create(fake.options()).await;
        let error = created.unwrap_err();
        assert!(!error.is_transient() && error.chain().contains(expected), "{}", error.chain());
        assert_eq!(counted.puts, 1, "{status}");
    }
}

#[tokio::test]
async fn an_object_without_identity_is_refused() {
    let store = Store::open("memory:", &StoreOptions::default()).await.unwrap();
    for identity in [0..0, 3..5, 9..12] {
        let created = store.create("a", Bytes::from_static(b"1234"), identity).await;
        assert!(matches!(created, Err(StoreError::Config(_))), "{created:?}");
    }
    assert!(store.get("a").await.unwrap_err().is_not_found());
}
