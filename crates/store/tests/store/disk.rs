//! A folder on a disk that fails to flush: what was not flushed is not acknowledged, then or later.

use bytes::Bytes;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tributary_store::{Created, Store, StoreError, StoreOptions};
use tributary_testkit::wait::SOON;
use tributary_testkit::wait_for;

const OURS: &[u8] = b"uid-1 and the rest";

/// A folder for a store, and beside it what the disk below is told and tells.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Disk {
        let disk = Disk(tempfile::tempdir().unwrap());
        fs::create_dir(disk.root()).unwrap();
        fs::write(disk.told("synced"), "").unwrap();
        disk
    }

    fn root(&self) -> PathBuf {
        // Of a length that no other test has: the log of what was synced is found by the name.
        self.0.path().canonicalize().unwrap().join("store")
    }

    fn told(&self, what: &str) -> PathBuf {
        self.0.path().join(what)
    }

    async fn open(&self) -> Store {
        let options = StoreOptions { sync, ..StoreOptions::default() };
        self.open_with(options).await
    }

    async fn open_with(&self, options: StoreOptions) -> Store {
        Store::open(self.root().to_str().unwrap(), &options).await.unwrap()
    }

    /// Files and folders of this name cannot be flushed from now on.
    fn fail(&self, name: &str) {
        fs::write(self.told("fails"), name).unwrap();
    }

    fn mend(&self) {
        fs::remove_file(self.told("fails")).unwrap();
    }

    /// What was flushed since the last time, by its path from the store's folder.
    fn synced(&self) -> Vec<String> {
        let all = fs::read_to_string(self.told("synced")).unwrap();
        fs::write(self.told("synced"), "").unwrap();
        let root = self.root();
        let name = |line: &str| match Path::new(line).strip_prefix(&root) {
            Ok(below) => format!("./{}", below.display()).trim_end_matches('/').to_owned(),
            Err(_) => "..".to_owned(),
        };
        all.lines().map(name).collect()
    }
}

/// What [`Disk`] says, for all of them: the function that a store is given can hold nothing.
fn sync(_: &File, path: &Path) -> io::Result<()> {
    let beside = |name: &str| path.ancestors().map(|above| above.join(name)).find(|at| at.exists());
    let held = Instant::now();
    while beside("holds").is_some() && held.elapsed() < SOON {
        std::thread::yield_now();
    }
    if let Some(log) = beside("synced") {
        writeln!(OpenOptions::new().append(true).open(log)?, "{}", path.display())?;
    }
    match beside("fails") {
        Some(fails) if path.ends_with(fs::read_to_string(&fails)?) => {
            Err(io::Error::other("Input/output error"))
        }
        _ => Ok(()),
    }
}

async fn create(store: &Store, path: &str) -> Result<Created, StoreError> {
    store.create(path, Bytes::from_static(OURS), 0..5).await
}

/// The first error of an upload that goes on all the same: it comes to nothing.
async fn in_pieces(store: &Store, path: &str) -> Result<(), StoreError> {
    let mut upload = store.upload(path)?;
    let mut first = Ok(());
    for _ in 0..8 {
        first = first.and(upload.push(vec![1; 9 << 20].into()).await);
    }
    let finished = upload.finish().await;
    assert!(finished.is_err());
    first.and(finished)
}

#[tokio::test]
async fn what_cannot_be_synced_is_not_acknowledged() {
    // The file, the folder with its name, and the folders with the names of new folders.
    for name in ["0.seg", "log/hour/epoch", "log/hour", "log", "store"] {
        for how in ["create", "put", "put in parts", "in pieces"] {
            let disk = Disk::new();
            let store = disk.open().await;
            disk.fail(name);
            let path = "log/hour/epoch/0.seg";
            let error = match how {
                "create" => create(&store, path).await.map(drop),
                "put" => store.put(path, Bytes::from_static(OURS)).await,
                "in pieces" => in_pieces(&store, path).await,
                _ => store.put(path, vec![1; 40 << 20].into()).await,
            };
            let error = error.expect_err(&format!("{how}, {name}"));
            assert!(error.is_untrusted() && !error.is_transient(), "{how}, {name}: {error:?}");
            for part in ["check the disk", "restart", name, "Input/output error"] {
                assert!(error.chain().contains(part), "{how}, {name}: {}", error.chain());
            }
        }
    }
}

#[tokio::test]
async fn after_one_sync_that_failed_nothing_is_written_or_deleted() {
    let disk = Disk::new();
    let store = disk.open().await;
    store.put("a/before", Bytes::from_static(b"text")).await.unwrap();
    disk.fail("x");
    create(&store, "x").await.unwrap_err();
    disk.mend();
    let store = store.clone();
    assert!(create(&store, "x").await.unwrap_err().is_untrusted(), "the same again");
    assert!(create(&store, "b/y").await.unwrap_err().is_untrusted());
    assert!(store.put("b/y", Bytes::new()).await.unwrap_err().is_untrusted());
    assert!(store.delete("a/before").await.unwrap_err().is_untrusted());
    assert_eq!(store.get("a/before").await.unwrap(), "text", "reading goes on");
    assert!(!store.probe().await.unwrap_err().is_transient());
    // A new process begins anew.
    assert_eq!(create(&disk.open().await, "b/y").await.unwrap(), Created::Won);
}

/// The name is there, but whether its entry is on the disk is not known: the attempt that made it is
/// still at it, or was a killed process's.
#[tokio::test]
async fn what_is_read_back_is_synced_before_it_counts() {
    let theirs: &[u8] = b"uid-2 and the rest";
    for (there, outcome) in [(OURS, Created::Won), (theirs, Created::Lost)] {
        for name in ["0.seg", "epoch", "store"] {
            let disk = Disk::new();
            let store = disk.open().await;
            fs::create_dir(disk.root().join("epoch")).unwrap();
            fs::write(disk.root().join("epoch/0.seg"), there).unwrap();
            disk.synced();
            assert_eq!(create(&store, "epoch/0.seg").await.unwrap(), outcome);
            // First what was to be written, in vain.
            let synced = ["./epoch/0.seg", "./epoch/0.seg", "./epoch", ".", ".."];
            assert_eq!(disk.synced(), synced, "{outcome:?}");
            let store = disk.open().await;
            disk.fail(name);
            let error = create(&store, "epoch/0.seg").await.unwrap_err();
            assert!(error.is_untrusted(), "{name}, {outcome:?}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_sync_that_fails_when_its_caller_has_gone_counts_all_the_same() {
    let disk = Disk::new();
    let options = StoreOptions {
        sync,
        attempt_timeout: Duration::from_millis(50),
        create_deadline: Duration::from_millis(400),
        ..StoreOptions::default()
    };
    let store = disk.open_with(options).await;
    fs::write(disk.told("holds"), "").unwrap();
    let error = create(&store, "epoch/0.seg").await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    disk.fail("epoch");
    fs::remove_file(disk.told("holds")).unwrap();
    wait_for("distrust", SOON, async || match create(&store, "b").await {
        Err(error) if error.is_untrusted() => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn folders_are_synced_whichever_process_made_them() {
    let disk = Disk::new();
    let store = disk.open().await;
    create(&store, "a/b/0.seg").await.unwrap();
    assert_eq!(disk.synced(), ["./a/b/0.seg", "./a/b", "./a", ".", ".."]);
    if disk.root().metadata().unwrap().created().is_err() {
        return; // A file system that does not know when a folder was made: all of them each time.
    }
    create(&store, "a/b/1.seg").await.unwrap();
    assert_eq!(disk.synced(), ["./a/b/1.seg", "./a/b"], "the others are known");
    let made = disk.root().join("a/b").metadata().unwrap().created().unwrap();

    // Another process makes folders; whether it has flushed them is not known.
    fs::create_dir_all(disk.root().join("a/c/d")).unwrap();
    store.put("a/c/d/meta", Bytes::new()).await.unwrap();
    assert_eq!(disk.synced(), ["./a/c/d/meta", "./a/c/d", "./a/c", "./a"]);

    // Another process removes a folder that was known, and makes it again.
    wait_for("a folder of another time", SOON, async || {
        fs::remove_dir_all(disk.root().join("a/b")).map_err(|e| e.to_string())?;
        fs::create_dir(disk.root().join("a/b")).map_err(|e| e.to_string())?;
        let now = disk.root().join("a/b").metadata().unwrap().created().unwrap();
        if now == made { Err("the same time".to_owned()) } else { Ok(()) }
    })
    .await
    .unwrap();
    create(&store, "a/b/2.seg").await.unwrap();
    assert_eq!(disk.synced(), ["./a/b/2.seg", "./a/b", "./a"]);
}

#[tokio::test]
async fn a_folder_that_is_made_for_the_store_is_synced() {
    let disk = Disk::new();
    let options = StoreOptions { sync, ..StoreOptions::default() };
    let inner = disk.root().join("not/yet/there");
    Store::open(inner.to_str().unwrap(), &options).await.unwrap();
    assert_eq!(disk.synced(), ["./not/yet", "./not", "."]);
    disk.fail("store");
    let other = disk.root().join("other");
    let error = Store::open(other.to_str().unwrap(), &options).await.err().unwrap();
    assert!(error.to_string().contains("Input/output error"), "{error}");
}

#[tokio::test]
async fn unfinished_files_do_not_stay() {
    let disk = Disk::new();
    let store = disk.open().await;
    create(&store, "a/0.seg").await.unwrap();
    create(&store, "a/0.seg").await.unwrap();
    store.put("a/0.seg", Bytes::from_static(b"new")).await.unwrap();
    disk.fail("1.seg");
    create(&store, "a/1.seg").await.unwrap_err();
    let names = fs::read_dir(disk.root().join("a")).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["0.seg"]);
}
