//! How long receivers stay open after SIGTERM: for an application that is told to stop at the same
//! time, and flushes then.
//!
//! In Kubernetes the sidecar is told after the application has ended, and ends at once. Where all
//! containers are told together (ECS, compose) the application's last batch comes later.

use crate::buffer::Buffer;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tributary_receivers::Counters;

/// How often it is looked whether something came.
const LOOK: Duration = Duration::from_millis(50);
/// Without a connection: an application that has ended has none, and one that has not and does
/// flush connects soon.
const ALONE: Duration = Duration::from_millis(250);

/// Waits until nothing has come for `quiet`, but no longer than until `deadline`.
pub(super) async fn linger(
    counters: &[(&'static str, Arc<Counters>)],
    buffer: &Buffer,
    quiet: Duration,
    deadline: Instant,
) {
    let all = || counters.iter().map(|(_, counters)| counters);
    let came = || all().map(|c| c.requests.get()).sum::<u64>() + buffer.metrics().accepted.get();
    let mut last = (Instant::now(), came());
    loop {
        let (now, count) = (Instant::now(), came());
        if count != last.1 {
            last = (now, count);
        }
        let open = all().any(|c| c.connections_open.get() > 0);
        if is_over(now, last.0, open, quiet, deadline) {
            return;
        }
        sleep(LOOK).await;
    }
}

fn is_over(now: Instant, last: Instant, open: bool, quiet: Duration, deadline: Instant) -> bool {
    let quiet = if open { quiet } else { quiet.min(ALONE) };
    now >= deadline || now.duration_since(last) >= quiet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_when_nothing_comes_any_more_and_sooner_without_a_connection() {
        let last = Instant::now();
        let at = |millis| last + Duration::from_millis(millis);
        let quiet = Duration::from_secs(2);
        let table = [
            (0, true, quiet, 5000, false),
            (1999, true, quiet, 5000, false),
            (2000, true, quiet, 5000, true),
            (249, false, quiet, 5000, false),
            (250, false, quiet, 5000, true),
            (100, true, quiet, 100, true),
            (0, true, Duration::ZERO, 5000, true),
            (0, false, Duration::ZERO, 5000, true),
            (120, false, Duration::from_millis(120), 5000, true),
        ];
        for (now, open, quiet, deadline, over) in table {
            let got = is_over(at(now), last, open, quiet, at(deadline));
            assert_eq!(got, over, "{now} ms, open: {open}, quiet {quiet:?}, until {deadline}");
        }
    }
}
