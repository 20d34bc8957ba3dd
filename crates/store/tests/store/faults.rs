//! Faults on the wire, for every operation, through the real S3 client: what a store answers is
//! the truth or an error that trying again may cure.

use crate::fake::{FakeS3, Trouble};
use bytes::Bytes;
use futures_util::future::join_all;
use std::time::Duration;
use tributary_store::{Created, Store, StoreError, StoreOptions};

const KEY: &str = "bucket/a/key";
const OURS: &[u8] = b"uid-1 and what else there is to say, over some pieces";
const OLD: &[u8] = b"uid-0 was here before";

async fn open(fake: &FakeS3) -> Store {
    let options = StoreOptions { attempt_timeout: Duration::from_millis(400), ..fake.options() };
    Store::open("s3://bucket", &options).await.unwrap()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Create,
    CreateLost,
    Put,
    Get,
    GetRange,
    Head,
    List,
    Delete,
}

/// Does it and checks what it says against what lies in the store.
async fn carried_out(operation: Operation, store: &Store, fake: &FakeS3) -> Result<(), StoreError> {
    let ours = Bytes::from_static(OURS);
    match operation {
        Operation::Create => {
            assert_eq!(store.create("a/key", ours, 0..5).await?, Created::Won);
            assert_eq!(fake.object(KEY).unwrap(), OURS);
        }
        Operation::CreateLost => {
            assert_eq!(store.create("a/key", ours, 0..5).await?, Created::Lost);
            assert_eq!(fake.object(KEY).unwrap(), OLD);
        }
        Operation::Put => {
            store.put("a/key", ours).await?;
            assert_eq!(fake.object(KEY).unwrap(), OURS);
        }
        Operation::Get => assert_eq!(store.get("a/key").await?, OLD),
        Operation::GetRange => {
            assert_eq!(store.get_range("a/key", 2..20).await?, "d-0 was here befor")
        }
        Operation::Head => assert_eq!(store.head("a/key").await?.size, OLD.len() as u64),
        Operation::List => {
            let found = store.list("a").await?;
            assert_eq!(found.iter().map(|o| o.path.as_str()).collect::<Vec<_>>(), ["a/key"]);
        }
        Operation::Delete => {
            store.delete_all(["a/key".to_owned(), "a/other".to_owned()]).await?;
            assert_eq!(fake.object(KEY), None);
        }
    }
    Ok(())
}

const OPERATIONS: [Operation; 8] = [
    Operation::Create,
    Operation::CreateLost,
    Operation::Put,
    Operation::Get,
    Operation::GetRange,
    Operation::Head,
    Operation::List,
    Operation::Delete,
];

/// Faults that a client gets over by itself, or names as transient.
const TROUBLES: &[&[Trouble]] = &[
    &[],
    &[Trouble::CutBeforeBody],
    &[Trouble::CutAfterBody],
    &[Trouble::CutAfterEffect],
    &[Trouble::Status(500)],
    &[Trouble::StatusAfterEffect(500)],
    &[Trouble::StatusAfterEffect(503)],
    &[Trouble::Status(503), Trouble::Status(503), Trouble::Status(503)],
    &[Trouble::Status(429)],
    &[Trouble::CutAnswer],
    &[Trouble::SlowAnswer],
    &[Trouble::StatusAfterEffect(500), Trouble::CutBeforeBody, Trouble::CutAfterEffect],
];

#[tokio::test]
async fn every_fault_on_every_operation_ends_in_the_truth() {
    let one = |operation: Operation, troubles: &'static [Trouble]| async move {
        let fake = FakeS3::start().await;
        if operation != Operation::Create {
            fake.set(KEY, OLD);
        }
        let store = open(&fake).await;
        fake.trouble(troubles.iter().copied());
        let mut errors = 0;
        while let Err(error) = carried_out(operation, &store, &fake).await {
            assert!(error.is_transient(), "{operation:?}, {troubles:?}: {}", error.chain());
            errors += 1;
            assert!(errors <= troubles.len(), "{operation:?}, {troubles:?}: {}", error.chain());
        }
        assert_eq!(fake.troubles_left(), 0, "{operation:?}, {troubles:?}");
        (operation, troubles, errors)
    };
    let table = OPERATIONS.iter().flat_map(|o| TROUBLES.iter().map(|t| one(*o, t)));
    let ended = join_all(table).await;
    let again: Vec<_> = ended.iter().filter(|(.., errors)| *errors > 0).collect();
    assert!(again.is_empty(), "what is not got over without the caller: {again:?}");
}

/// Eight writers race for one name while answers are lost, late or wrong. Whatever each of them is
/// told is true, and what no answer could tell is an error.
#[tokio::test]
async fn in_a_storm_of_faults_no_writer_is_told_a_lie() {
    let race = |seed: u64| async move {
        let fake = FakeS3::start().await;
        let options = StoreOptions {
            attempt_timeout: Duration::from_millis(300),
            create_deadline: Duration::from_secs(4),
            hedge_after: Some(Duration::from_millis(60)),
            ..fake.options()
        };
        let store = Store::open("s3://bucket", &options).await.unwrap();
        let patient = Store::open("s3://bucket", &fake.options()).await.unwrap();
        fake.storm(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let bodies: Vec<Bytes> = (0..8).map(|i| format!("{i} of seed {seed}").into()).collect();
        let create = |body: Bytes| store.create("a/key", body, 0..1);
        let told = join_all(bodies.iter().cloned().map(create)).await;
        fake.calm();
        let stored = fake.object(KEY);
        for (body, told) in bodies.iter().zip(told) {
            let is_ours = stored.as_ref() == Some(body);
            match told {
                Ok(Created::Won) => assert!(is_ours, "seed {seed}: {body:?} lost, told it won"),
                Ok(Created::Lost) => {
                    assert!(stored.is_some() && !is_ours, "seed {seed}: {body:?} told it lost");
                }
                Err(error) => assert!(error.is_transient(), "seed {seed}: {}", error.chain()),
            }
            // Asking again when it is calm settles what was left open, and changes nothing. It has
            // the time that it takes: on a busy machine an answer may need more than in the storm.
            let after = patient.create("a/key", body.clone(), 0..1).await.unwrap();
            let stored = fake.object(KEY).unwrap();
            assert_eq!(after == Created::Won, stored == *body, "seed {seed}: {body:?}");
        }
        store.counters().snapshot()
    };
    let mut counted = Vec::new();
    for seeds in (1..=48).collect::<Vec<u64>>().chunks(12) {
        counted.extend(join_all(seeds.iter().map(|seed| race(*seed))).await);
    }
    assert!(counted.iter().map(|c| c.create_read_backs).sum::<u64>() > 48, "{counted:?}");
    assert!(counted.iter().map(|c| c.hedges).sum::<u64>() > 0, "{counted:?}");
}

/// When the store stands still for all writers, second copies do not double what it has to do.
#[tokio::test]
async fn second_copies_are_few_when_everything_is_slow() {
    let fake = FakeS3::start().await;
    fake.next(std::iter::repeat_n(crate::fake::Fault::Hang, 40));
    let options = StoreOptions {
        attempt_timeout: Duration::from_millis(200),
        hedge_after: Some(Duration::from_millis(20)),
        ..fake.options()
    };
    let store = Store::open("s3://bucket", &options).await.unwrap();
    let writes = (0..20).map(|i| {
        let store = store.clone();
        async move { store.create(&format!("a/{i}"), Bytes::from_static(OURS), 0..5).await }
    });
    let begun = std::time::Instant::now();
    assert!(join_all(writes).await.into_iter().all(|created| created.unwrap() == Created::Won));
    let most = 2 + 2 * (begun.elapsed().as_secs() + 1);
    let counted = store.counters().snapshot();
    assert!((1..=most).contains(&counted.hedges), "{most} allowed: {counted:?}");
}
