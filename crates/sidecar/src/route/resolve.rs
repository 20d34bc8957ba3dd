//! Finds the addresses behind the upstream's names, again and again: every 10 to 30 seconds while
//! spans come in, at once when a stream is lost, and not at all while nothing happens.

use super::members::Members;
use crate::backoff::Backoff;
use crate::config::Upstream;
use crate::metrics::Metrics;
use crate::random::Rng;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, warn};

/// Never more often than this, however often a forwarder asks.
const LEAST_PAUSE: Duration = Duration::from_secs(1);

/// Keeps `members` informed. `activity` is raised when spans come in. Runs for ever.
pub(crate) async fn resolve(
    upstream: Vec<Upstream>,
    members: Arc<Members>,
    metrics: Arc<Metrics>,
    activity: Arc<Notify>,
    mut rng: Rng,
) {
    let mut backoff = Backoff::new(Rng::new(rng.next_u64()));
    let mut found: Vec<Vec<String>> = vec![Vec::new(); upstream.len()];
    let names = upstream.iter().any(|u| u.literal().is_none());
    let mut failures = 0_u64;
    loop {
        let mut failed = false;
        for (upstream, found) in upstream.iter().zip(&mut found) {
            match look_up(upstream).await {
                Ok(addresses) => *found = addresses,
                Err(error) => {
                    failed = true;
                    metrics.resolve_failures.inc();
                    match failures {
                        0 => warn!(%upstream, error, "cannot find the ingesters"),
                        _ => debug!(%upstream, error, "cannot find the ingesters"),
                    }
                }
            }
        }
        let all: Vec<String> = found.iter().flatten().cloned().collect();
        members.learn(|directory| directory.resolved(all));
        if failed {
            failures += 1;
            sleep(backoff.wait()).await;
            continue;
        }
        failures = 0;
        backoff.reset();
        let looked = Instant::now();
        let pause = Duration::from_millis(rng.between(10_000, 30_000));
        rest(&members, names.then_some(looked + pause)).await;
        if Instant::now() >= looked + pause {
            tokio::select! {
                biased;
                () = members.lookup_requested() => {}
                () = activity.notified() => {}
            }
        }
        sleep_until(looked + LEAST_PAUSE).await;
    }
}

/// Waits until `until` or until a forwarder asks, and has the plan made anew where marks end.
async fn rest(members: &Members, until: Option<Instant>) {
    let mut plan = members.plan();
    loop {
        let mark = members.next_change();
        tokio::select! {
            biased;
            () = members.lookup_requested() => return,
            () = at(until) => return,
            () = at(mark) => members.learn(|_| {}),
            Ok(()) = plan.changed() => {}
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

async fn look_up(upstream: &Upstream) -> Result<Vec<String>, String> {
    if let Some(address) = upstream.literal() {
        return Ok(vec![address.to_string()]);
    }
    let addresses = lookup_host((upstream.host.as_str(), upstream.port)).await;
    let addresses = one_family(addresses.map_err(|error| error.to_string())?.collect());
    if addresses.is_empty() {
        return Err("the name has no address".to_owned());
    }
    Ok(addresses.iter().map(ToString::to_string).collect())
}

/// In a dual-stack cluster every ingester has two addresses and would count twice: IPv4's are used
/// where there are any.
fn one_family(mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let v4 = addresses.iter().any(SocketAddr::is_ipv4);
    addresses.retain(|address| address.is_ipv4() == v4);
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_family() {
        let parse = |list: &[&str]| -> Vec<SocketAddr> {
            list.iter().map(|a| a.parse().unwrap()).collect()
        };
        let table: [(&[&str], &[&str]); 4] = [
            (&[], &[]),
            (&["[::1]:1", "127.0.0.1:1"], &["127.0.0.1:1"]),
            (&["[::2]:1", "[::1]:1", "[::2]:1"], &["[::1]:1", "[::2]:1"]),
            (&["10.0.0.2:1", "10.0.0.1:1"], &["10.0.0.1:1", "10.0.0.2:1"]),
        ];
        for (given, expected) in table {
            assert_eq!(one_family(parse(given)), parse(expected));
        }
    }
}
