//! Names that are no object's of ours: listings leave them out and show the rest.

use crate::fake::FakeS3;
use bytes::Bytes;
use hyper::Method;
use std::path::Path;
use tributary_store::{Store, StoreOptions};
use tributary_testkit::moto::Moto;

async fn names(store: &Store, folder: &str) -> Vec<String> {
    let found = store.list(folder).await.unwrap_or_else(|e| panic!("{folder}: {}", e.chain()));
    found.into_iter().map(|object| object.path).collect()
}

fn left_out(store: &Store) -> u64 {
    store.counters().snapshot().names_left_out
}

/// Names as they stand in a page of a server's answer.
const FOREIGN: [&str; 10] = [
    "blocks/",
    "blocks//b",
    "blocks/a//b",
    "blocks/./b",
    "blocks/../b",
    "blocks/a\tb",
    "blocks/&#x1;",
    "blocks/&#9;",
    " blocks/a",
    "/blocks/a",
];

#[tokio::test]
async fn one_foreign_name_in_a_bucket_hides_no_other() {
    for (n, name) in FOREIGN.into_iter().enumerate() {
        let fake = FakeS3::start().await;
        fake.set(&format!("bucket/{name}"), b"");
        fake.set("bucket/blocks/a/meta", b"text");
        fake.set("bucket/z&amp;z", b"text");
        let store = Store::open("s3://bucket", &fake.options()).await.unwrap();
        assert_eq!(names(&store, "").await, ["blocks/a/meta", "z&z"], "{name:?}");
        assert_eq!(left_out(&store), 1, "{name:?}");
        assert_eq!(names(&store, "blocks").await, ["blocks/a/meta"], "{name:?}");
        // Not all of them are below the folder.
        assert_eq!(left_out(&store), if n < 8 { 2 } else { 1 }, "{name:?}");
    }
}

#[tokio::test]
async fn motos_foreign_names_hide_no_others() {
    let moto = Moto::start().await.unwrap();
    moto.create_bucket("traces").await.unwrap();
    let settings = moto.env().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let options = StoreOptions { settings, ..StoreOptions::default() };
    let store = Store::open("s3://traces/eu", &options).await.unwrap();
    for path in ["blocks/t/a/meta", "blocks/u/meta"] {
        store.put(path, Bytes::from_static(b"text")).await.unwrap();
    }
    let foreign = ["eu/", "eu/blocks/", "eu/blocks/t/", "eu/blocks/a%09b/c", "eu/blocks/t//b"];
    for name in foreign {
        let put = moto.send(Method::PUT, &format!("/traces/{name}"), &[], "").await.unwrap();
        assert!(put.status.is_success(), "{name}: {}", put.text());
    }
    assert_eq!(names(&store, "").await, ["blocks/t/a/meta", "blocks/u/meta"]);
    assert_eq!(left_out(&store), 5);
    assert_eq!(store.list_folders("").await.unwrap(), ["blocks"]);
    assert_eq!(store.list_folders("blocks").await.unwrap(), ["t", "u"]);
    assert_eq!(store.list_folders("blocks/t").await.unwrap(), ["a"]);
}

#[cfg(unix)]
#[tokio::test]
async fn foreign_names_in_a_folder_hide_no_others() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let no_unicode = OsStr::from_bytes(b"\xff.seg");
    let link = |to: &str| {
        let to = to.to_owned();
        move |at: &Path| std::os::unix::fs::symlink(&to, at).unwrap()
    };
    let file = |at: &Path| std::fs::write(at, "text").unwrap();
    let folder_in = |at: &Path| {
        std::fs::create_dir(at).unwrap();
        std::fs::write(at.join("inside"), "text").unwrap();
    };
    // What it is called, how it comes about, and whether it is told.
    type Make<'a> = &'a dyn Fn(&Path);
    let table: [(&OsStr, Make<'_>, u64); 8] = [
        (no_unicode, &file, 1),
        (no_unicode, &folder_in, 1),
        (OsStr::new("a\tb"), &file, 1),
        (OsStr::new("a\nb"), &folder_in, 1),
        (OsStr::new("above"), &link(".."), 1),
        (OsStr::new("itself"), &link("itself"), 1),
        (OsStr::new("nowhere"), &link("/nowhere/at/all"), 0),
        (OsStr::new("0.seg#1"), &file, 0),
    ];
    for (name, make, told) in table {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().to_str().unwrap();
        let store = Store::open(url, &StoreOptions::default()).await.unwrap();
        for path in ["blocks/t/a/meta", "blocks/u/meta", "blocks/z"] {
            store.put(path, Bytes::from_static(b"text")).await.unwrap();
        }
        make(&folder.path().join("blocks").join(name));
        let all = ["blocks/t/a/meta", "blocks/u/meta", "blocks/z"];
        assert_eq!(names(&store, "").await, all, "{name:?}");
        assert_eq!(left_out(&store), told, "{name:?}");
        assert_eq!(store.list_folders("blocks").await.unwrap(), ["t", "u"], "{name:?}");
        assert_eq!(names(&store, "blocks/z").await, [""; 0], "a file is no folder");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn links_are_followed() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir(other.path().join("t")).unwrap();
    std::fs::write(other.path().join("t/meta"), "text").unwrap();
    std::os::unix::fs::symlink(other.path(), folder.path().join("blocks")).unwrap();
    let url = folder.path().to_str().unwrap();
    let store = Store::open(url, &StoreOptions::default()).await.unwrap();
    assert_eq!(names(&store, "").await, ["blocks/t/meta"]);
    assert_eq!(store.list_folders("").await.unwrap(), ["blocks"]);
    assert_eq!(store.list_folders("blocks").await.unwrap(), ["t"]);
}
