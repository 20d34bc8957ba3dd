//! `tributary journal` on buckets that were written by the journal itself: a healthy one, one that
//! is being written, and one for each way in which a bucket can be damaged.

#![expect(clippy::unwrap_used, reason = "code of a test fails it by panicking")]
#![expect(clippy::indexing_slicing, reason = "code of a test fails it by panicking")]

mod bucket;
mod damage;
mod replay;
mod retention;
mod tool;

use bucket::Bucket;
use tool::{findings, journal};

#[tokio::test]
async fn a_healthy_bucket_is_listed_and_clean() {
    let bucket = Bucket::written().await;
    let said = journal(&["--store", bucket.path(), "--verify", "--json"]);
    assert_eq!((said.code, findings(&said)), (0, vec![]), "{}{}", said.text, said.errors);
    let json = said.json();
    let [epoch] = json["epochs"].as_array().unwrap().as_slice() else { panic!("{json}") };
    assert_eq!(epoch["epoch"], bucket.epoch().to_string());
    assert_eq!(epoch["owner"], "ingester-0");
    assert_eq!(epoch["closed"], false);
    let counts = ["uncovered", "collectable", "waiting"].map(|pile| epoch[pile]["count"].clone());
    assert_eq!(counts, [1, 2, 0]);
    assert_eq!((&epoch["slots"], &epoch["blocks"]), (&2.into(), &2.into()));
    let read = &json["read"];
    assert_eq!(
        (&read["segments"], &read["blocks"], &read["spans"]),
        (&3.into(), &2.into(), &8.into())
    );

    let said = journal(&["--store", bucket.path()]);
    assert_eq!(said.code, 0, "{}", said.errors);
    let row = said.text.lines().find(|l| l.starts_with(&bucket.epoch().to_string())).unwrap();
    assert!(row.contains("ingester-0  open"), "{row}");
    assert!(said.text.ends_with("no violation (names, sizes and slots checked), 0 notices\n"));
}

#[tokio::test]
async fn what_lies_in_a_bucket_has_a_price() {
    let bucket = Bucket::written().await;
    std::fs::write(bucket.file("notes.txt"), [0; 2048]).unwrap();
    let said = journal(&["--store", bucket.path(), "--costs", "--gib-month", "0.02"]);
    assert_eq!(said.code, 0, "{}", said.errors);
    let lines: Vec<Vec<&str>> =
        said.text.lines().map(|line| line.split_whitespace().collect()).collect();
    let row = |name: &str| lines.iter().find(|line| line.join(" ").starts_with(name)).unwrap();
    assert_eq!(row("blocks, never merged")[3], "2", "{}", said.text);
    assert_eq!(row("metas of blocks")[3], "2", "{}", said.text);
    assert_eq!(row("segments")[1], "3", "{}", said.text);
    assert_eq!(row("not ours")[2..], ["1", "2.0", "KiB", "0.00"], "{}", said.text);
    assert!(
        said.text.ends_with(
            "written again 0.0 times
"
        ),
        "{}",
        said.text
    );
}

/// A bucket that changes all the time shows nothing that looks like a fault.
#[tokio::test]
async fn a_bucket_in_use_is_clean() {
    let mut bucket = Bucket::written().await;
    let mut changes = 0;
    for _ in 0..6 {
        let path = bucket.path().to_owned();
        let audit = move || journal(&["--store", &path, "--verify", "--json"]);
        let audit = tokio::task::spawn_blocking(audit);
        // As many as a short look may meet, and not so many that the next one takes for ever.
        for _ in 0..12 {
            if audit.is_finished() {
                break;
            }
            bucket.commit_two_segments(true).await;
            changes += 1;
        }
        let said = audit.await.unwrap();
        let found = findings(&said);
        assert!(!found.iter().any(|f| f.starts_with("violation")), "{found:?}");
        assert_eq!(said.code, 0, "{}{}", said.text, said.errors);
    }
    assert!(changes > 12, "the bucket changed only {changes} times");
}

#[test]
fn wrong_arguments_end_with_64_and_make_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let table: [(&[&str], &str); 11] = [
        (&[], "--store"),
        (&["--store", "ftp://traces"], "not known"),
        (&["--store", missing.to_str().unwrap()], "no such folder"),
        (&["--store", empty.to_str().unwrap()], "cluster.json"),
        (&["--store", "x", "--verfy"], "--verify"),
        (&["--store", "x", "--retention", "14d"], "needs --dry-run"),
        (&["--store", "x", "--delete-tenant", "t"], "or --yes"),
        (&["--store", "x", "--retention", "5m", "--yes"], "1h at least"),
        (&["--store", "x", "--yes"], "need --retention TIME"),
        (&["--store", "x", "--gib-month", "1"], "--costs"),
        (&["--store", "x", "--costs", "--gib-month", "cheap"], "must be dollars"),
    ];
    for (arguments, expected) in table {
        let said = journal(arguments);
        assert_eq!(said.code, 64, "{arguments:?}: {}", said.errors);
        assert!(said.errors.contains(expected), "{arguments:?}: {}", said.errors);
    }
    assert!(!missing.exists());
}

#[test]
fn a_bucket_that_cannot_be_read_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cluster.json"), "not ours").unwrap();
    let said = journal(&["--store", folder.path().to_str().unwrap()]);
    assert_eq!(said.code, 2, "{}", said.errors);
}
