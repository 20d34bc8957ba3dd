//! `tributary journal` on buckets that were written by the journal itself: a healthy one, one that
//! is being written, and one for each way in which a bucket can be damaged.

#![expect(clippy::unwrap_used, reason = "code of a test fails it by panicking")]
#![expect(clippy::indexing_slicing, reason = "code of a test fails it by panicking")]

mod bucket;
mod damage;

use bucket::Bucket;
use serde_json::Value;
use std::process::{Command, Output};

/// What the tool says of a bucket.
struct Said {
    code: i32,
    text: String,
    errors: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|e| panic!("{e}: {}{}", self.text, self.errors))
    }
}

fn journal(arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
    let command = command.arg("journal").args(arguments).env_remove("TRIBUTARY_STORE");
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: status.code().unwrap(), text: text(stdout), errors: text(stderr) }
}

/// Rule and object of everything found, with the severity in front.
fn findings(said: &Said) -> Vec<String> {
    let json = said.json();
    let found = json["findings"].as_array().unwrap().iter();
    let text = |f: &Value, key: &str| f[key].as_str().unwrap().to_owned();
    found
        .map(|f| format!("{} {} {}", text(f, "severity"), text(f, "rule"), text(f, "object")))
        .collect()
}

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

/// A bucket that changes all the time shows nothing that looks like a fault.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_bucket_in_use_is_clean() {
    let mut bucket = Bucket::written().await;
    let path = bucket.path().to_owned();
    let audits = std::thread::spawn(move || {
        (0..8).map(|_| journal(&["--store", &path, "--verify", "--json"])).collect::<Vec<_>>()
    });
    let mut rounds = 0;
    while !audits.is_finished() {
        bucket.commit_two_segments(true).await;
        rounds += 1;
    }
    for said in audits.join().unwrap() {
        let found = findings(&said);
        assert!(!found.iter().any(|f| f.starts_with("violation")), "{found:?}");
        assert_eq!(said.code, 0, "{}{}", said.text, said.errors);
    }
    assert!(rounds > 8, "the bucket changed only {rounds} times");
}

#[test]
fn wrong_arguments_end_with_64_and_make_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let table: [(&[&str], &str); 5] = [
        (&[], "--store"),
        (&["--store", "ftp://traces"], "not known"),
        (&["--store", missing.to_str().unwrap()], "no such folder"),
        (&["--store", empty.to_str().unwrap()], "cluster.json"),
        (&["--store", "x", "--verfy"], "--verify"),
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
