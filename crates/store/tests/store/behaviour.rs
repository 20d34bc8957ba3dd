//! What every store does alike: memory, a folder with and without flushing, moto's S3 server, Azurite.

use bytes::Bytes;
use futures_util::future::join_all;
use std::future::ready;
use tributary_store::{Created, Store, StoreError, StoreOptions};
use tributary_testkit::azurite::Azurite;
use tributary_testkit::moto::Moto;
use tributary_testkit::wait::{SOON, wait_for};

async fn open(url: &str, options: &StoreOptions) -> Store {
    Store::open(url, options).await.unwrap()
}

/// With what tells a client where a server is.
fn told(env: Vec<(&'static str, String)>) -> StoreOptions {
    let settings = env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    StoreOptions { settings, ..StoreOptions::default() }
}

/// All of it, on one store.
async fn behaves(store: &Store) {
    store.probe().await.unwrap();
    assert_eq!(store.list("").await.unwrap(), [], "the probe leaves nothing behind");
    reads_what_was_written(store).await;
    creates_once(store).await;
    lists_sorted(store).await;
    deletes(store).await;
    holds_large_objects(store).await;
    takes_objects_as_they_come(store).await;
}

async fn reads_what_was_written(store: &Store) {
    assert!(store.get("a/nothing").await.unwrap_err().is_not_found());
    assert!(store.head("a/nothing").await.unwrap_err().is_not_found());
    assert!(store.get_range("a/nothing", 0..1).await.unwrap_err().is_not_found());
    store.put("a/one", Bytes::from_static(b"first")).await.unwrap();
    store.put("a/one", Bytes::from_static(b"0123456789")).await.unwrap();
    assert_eq!(store.get("a/one").await.unwrap(), "0123456789");
    assert_eq!(store.get_range("a/one", 2..5).await.unwrap(), "234");
    assert_eq!(store.get_range("a/one", 3..3).await.unwrap(), "");
    assert_eq!(store.head("a/one").await.unwrap().size, 10);
    let beyond = store.get_range("a/one", 8..20).await.unwrap_err();
    assert!(matches!(beyond, StoreError::Refused { .. }), "{beyond:?}");
}

async fn creates_once(store: &Store) {
    let create =
        |body: String| async move { store.create("b/slot", body.into(), 0..7).await.unwrap() };
    let bodies: Vec<_> = (0..8).map(|i| format!("racer {i}")).collect();
    let outcomes = join_all(bodies.iter().cloned().map(create)).await;
    let won = bodies.iter().zip(&outcomes).filter(|(_, outcome)| **outcome == Created::Won);
    let winners: Vec<_> = won.map(|(body, _)| body).collect();
    let [winner] = winners.as_slice() else { panic!("winners: {winners:?}") };
    assert_eq!(store.get("b/slot").await.unwrap(), **winner);
    assert_eq!(create((*winner).clone()).await, Created::Won, "the same bytes again");
    assert_eq!(create("another".into()).await, Created::Lost);
}

async fn lists_sorted(store: &Store) {
    let paths = ["c/t'(a)!/2", "c/t'(a)!/10", "c/x*y/1", "c/z", "cc/1"];
    for path in paths.iter().rev() {
        store.put(path, Bytes::from_static(b"abc")).await.unwrap();
    }
    let names = |found: Vec<tributary_store::ObjectInfo>| {
        assert!(found.iter().all(|object| object.size == 3));
        found.into_iter().map(|object| object.path).collect::<Vec<_>>()
    };
    let all = ["c/t'(a)!/10", "c/t'(a)!/2", "c/x*y/1", "c/z"];
    assert_eq!(names(store.list("c").await.unwrap()), all, "cc is not below c");
    assert_eq!(names(store.list("c/x*y").await.unwrap()), ["c/x*y/1"]);
    assert_eq!(store.list_folders("c").await.unwrap(), ["t'(a)!", "x*y"]);
    assert_eq!(store.list("nowhere").await.unwrap(), []);
    assert!(store.list_folders("nowhere").await.unwrap().is_empty());
    assert_eq!(store.list_folders("").await.unwrap(), ["a", "b", "c", "cc"]);
    for bad in ["a//b", "a/../b", "../a", "."] {
        assert!(matches!(store.get(bad).await, Err(StoreError::Refused { .. })), "{bad}");
    }
}

async fn deletes(store: &Store) {
    store.delete("c/z").await.unwrap();
    store.delete("c/z").await.unwrap();
    assert!(store.get("c/z").await.unwrap_err().is_not_found());
    let left = ["c/t'(a)!/2", "c/t'(a)!/10", "c/missing", "c/x*y/1"];
    store.delete_all(left.map(str::to_owned)).await.unwrap();
    store.delete_all([]).await.unwrap();
    assert_eq!(store.list("c").await.unwrap(), []);
    assert_eq!(store.list("cc").await.unwrap().len(), 1);
    assert_eq!(store.create("c/z", Bytes::from_static(b"new"), 0..3).await.unwrap(), Created::Won);
}

async fn holds_large_objects(store: &Store) {
    let mut large = vec![0u8; 40 << 20];
    for (i, byte) in large.iter_mut().enumerate() {
        *byte = (i / 977) as u8;
    }
    let large = Bytes::from(large);
    store.put("d/large", large.clone()).await.unwrap();
    assert_eq!(store.head("d/large").await.unwrap().size, 40 << 20);
    let middle = (16 << 20) - 10..(16 << 20) + 10;
    let read = store.get_range("d/large", middle.start as u64..middle.end as u64).await.unwrap();
    assert_eq!(read, large.slice(middle));
    assert!(store.get("d/large").await.unwrap() == large, "the whole differs");
}

async fn takes_objects_as_they_come(store: &Store) {
    let piece = |n: usize| Bytes::from(vec![n as u8; (n * 977_001) % (9 << 20)]);
    for pieces in [0, 1, 3, 8] {
        let path = format!("e/{pieces}");
        let mut upload = store.upload(&path).unwrap();
        let mut whole = Vec::new();
        for n in 0..pieces {
            upload.push(piece(n)).await.unwrap();
            whole.extend_from_slice(&piece(n));
        }
        assert!(store.head(&path).await.unwrap_err().is_not_found(), "{path}");
        upload.finish().await.unwrap();
        assert!(store.get(&path).await.unwrap() == whole, "{path} of {} bytes", whole.len());
    }
    let mut given_up = store.upload("e/none").unwrap();
    for n in 0..8 {
        given_up.push(piece(n)).await.unwrap();
    }
    drop(given_up);
    let found = store.list("e").await.unwrap();
    assert_eq!(found.len(), 4, "{found:?}");
}

#[tokio::test]
async fn memory() {
    behaves(&open("memory:", &StoreOptions::default()).await).await;
}

#[tokio::test]
async fn a_folder() {
    for fsync in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions { fsync, ..StoreOptions::default() };
        let inner = folder.path().join("not/yet/there");
        behaves(&open(inner.to_str().unwrap(), &options).await).await;
        // What was given up goes with the last write of it that was on its way.
        let files = || match std::fs::read_dir(inner.join("e")).unwrap().count() {
            4 => Ok(()),
            count => Err(format!("{count} files, fsync {fsync}")),
        };
        wait_for("no unfinished file", SOON, || ready(files())).await.unwrap();
        let url = format!("file://{}", inner.display());
        assert_eq!(open(&url, &options).await.list("cc").await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_folder_holds_objects_as_files_under_their_own_names() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().to_str().unwrap(), &StoreOptions::default()).await;
    store.put("blocks/it's(a)*/meta.json", Bytes::from_static(b"{}")).await.unwrap();
    let file = folder.path().join("blocks/it's(a)*/meta.json");
    assert_eq!(std::fs::read(file).unwrap(), b"{}");
    store.delete("blocks/it's(a)*/meta.json").await.unwrap();
    assert!(store.list_folders("").await.unwrap().is_empty(), "empty folders go with their files");
}

#[tokio::test]
async fn an_empty_file_left_by_a_power_loss_is_not_ours() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().to_str().unwrap(), &StoreOptions::default()).await;
    std::fs::create_dir(folder.path().join("s")).unwrap();
    std::fs::write(folder.path().join("s/0.seg"), b"").unwrap();
    let created = store.create("s/0.seg", Bytes::from_static(b"data"), 0..4).await.unwrap();
    assert_eq!(created, Created::Lost);
}

#[tokio::test]
async fn a_prefix_hides_the_rest() {
    let whole = std::sync::Arc::new(object_store::memory::InMemory::new());
    let inner = Store::from_parts(whole.clone(), "eu/prod").unwrap();
    behaves(&inner).await;
    let outer = Store::from_parts(whole, "").unwrap();
    assert_eq!(outer.list_folders("").await.unwrap(), ["eu"]);
    assert_eq!(outer.get("eu/prod/a/one").await.unwrap(), "0123456789");
}

#[tokio::test]
async fn motos_s3() {
    let moto = Moto::start().await.unwrap();
    moto.create_bucket("traces").await.unwrap();
    let options = told(moto.env());
    behaves(&open("s3://traces/some/prefix", &options).await).await;
    let rest = open("s3://traces", &options).await;
    assert_eq!(rest.list_folders("").await.unwrap(), ["some"]);
    assert_eq!(rest.get("some/prefix/a/one").await.unwrap(), "0123456789");
    let missing = open("s3://no-such-bucket", &options).await.probe().await.unwrap_err();
    assert!(missing.to_string().contains("There is no such bucket"), "{missing}");
}

/// The client's part of Google's interface; the server's is a stand-in. It shows that creates are
/// create-only in Google's words, not how Google's own servers answer.
#[tokio::test]
async fn googles_interface() {
    let moto = Moto::start().await.unwrap();
    moto.create_bucket("traces").await.unwrap();
    let options = told(moto.google_env());
    behaves(&open("gs://traces/some/prefix", &options).await).await;
    let missing = open("gs://no-such-bucket", &options).await.probe().await.unwrap_err();
    assert!(missing.to_string().contains("There is no such bucket"), "{missing}");
}

#[tokio::test]
async fn azurites_blobs() {
    let azurite = Azurite::start().await.unwrap();
    let options = told(azurite.env());
    behaves(&open(&format!("{}/some/prefix", azurite.url()), &options).await).await;
    let rest = open(azurite.url(), &options).await;
    assert_eq!(rest.list_folders("").await.unwrap(), ["some"]);
    assert_eq!(rest.get("some/prefix/a/one").await.unwrap(), "0123456789");
    let missing = open("az://no-such-container", &options).await.probe().await.unwrap_err();
    assert!(missing.to_string().contains("There is no such container"), "{missing}");
}

#[tokio::test]
async fn operations_are_counted() {
    let store = open("memory:", &StoreOptions::default()).await;
    store.put("a", Bytes::from_static(b"12345")).await.unwrap();
    store.create("b", Bytes::from_static(b"123"), 0..3).await.unwrap();
    store.clone().get("a").await.unwrap();
    store.get_range("a", 0..2).await.unwrap();
    store.get("missing").await.unwrap_err();
    store.list("").await.unwrap();
    store.delete("a").await.unwrap();
    let counted = store.counters().snapshot();
    assert_eq!((counted.puts, counted.bytes_written), (2, 8));
    assert_eq!((counted.gets, counted.bytes_read), (3, 7));
    assert_eq!((counted.lists, counted.deletes, counted.errors), (1, 1, 0));
}
