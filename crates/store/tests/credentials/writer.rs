//! The process that writes.

use bytes::Bytes;
use std::time::Duration;
use tributary_store::{Store, StoreOptions};
use tributary_testkit::process::Process;

/// Says where to write. Without it the test below is none.
const URL: &str = "TEST_STORE_URL";

/// Started by the tests of this program, with the environment of a pod: writes by both clients until it
/// is ended, and tells each failure and what was counted.
#[tokio::test(flavor = "current_thread")]
#[ignore = "a process of the other tests"]
async fn writes() {
    let Ok(url) = std::env::var(URL) else { return };
    let options = StoreOptions {
        hedge_after: None,
        // A slow machine is no failure.
        attempt_timeout: Duration::from_secs(30),
        // A create that is the first to find no credential tries for so long before it tells: less than
        // the tests wait for.
        create_deadline: Duration::from_secs(10),
        ..StoreOptions::default()
    };
    let mut retried = 0;
    let store = match Store::open(&url, &options).await {
        Ok(store) => store,
        Err(error) => return println!("failed to open: {}", error.chain()),
    };
    for n in 0_u64.. {
        let bytes = Bytes::from(n.to_be_bytes().to_vec());
        let path = format!("journal/{n}");
        if let Err(error) = store.put(&path, bytes.clone()).await {
            println!("failed to put: {}", error.chain());
        }
        if let Err(error) = store.create(&path, bytes, 0..8).await {
            println!("failed to create: {}", error.chain());
        }
        let counted = store.counters().snapshot();
        if counted.create_retries > retried {
            retried = counted.create_retries;
            println!("failed to create at once: {retried} retries so far");
        }
        println!("renewed {} failed {}", counted.credential_renewals, counted.credential_failures);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Starts it. What decides for a cloud in this process's own environment does not in the other's.
pub(crate) fn start(url: &str, variables: &[(&str, &str)]) -> Process {
    let program = std::env::current_exe().unwrap();
    let args = ["--exact", "writer::writes", "--ignored", "--nocapture"];
    let mut all = vec![(URL, url), ("HOME", "/nonexistent"), ("NO_PROXY", "*")];
    all.extend(variables);
    Process::spawn(program, args, &all).unwrap()
}

/// What it told of failures.
pub(crate) fn failures(process: &Process) -> Vec<String> {
    process.output().into_iter().filter(|line| line.starts_with("failed to")).collect()
}
