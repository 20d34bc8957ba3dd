//! Real processes under everything that can happen to them. A short run here; a long one by
//! `cargo xtask torture --minutes N`.

use anyhow::Result;
use std::time::Duration;
use tributary_tests::Place;
use tributary_tests::place::alone;
use tributary_tests::torture::{Torture, endure};

/// As long as `TRIBUTARY_TORTURE_SECONDS` says, or a little.
fn torture(seed: u64) -> Torture {
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    Torture {
        time: Duration::from_secs(number("TRIBUTARY_TORTURE_SECONDS", 25)),
        seed: number("TRIBUTARY_TORTURE_SEED", seed),
        // 0: as many as the sidecars take.
        spans_per_second: Some(number("TRIBUTARY_TORTURE_RATE", 3000)).filter(|rate| *rate > 0),
    }
}

/// Bytes of the disk while it is not to be full: enough for some minutes of full speed.
const DISK: u64 = 4 << 30;

#[test]
fn nothing_acknowledged_is_lost_on_a_folder() -> Result<()> {
    alone("nothing_acknowledged_is_lost_on_a_folder", async {
        report("folder", endure(Place::disk(DISK)?, torture(1)).await?);
        Ok(())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_on_s3() -> Result<()> {
    report("S3", endure(Place::bucket().await?, torture(2)).await?);
    Ok(())
}

#[expect(clippy::print_stderr, reason = "what was endured is the result")]
fn report(place: &str, report: tributary_tests::torture::Report) {
    eprintln!("{place}: {report}");
}
