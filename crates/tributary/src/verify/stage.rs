//! When a trace is looked at, and how.

use std::time::Duration;

/// How a trace is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Look {
    /// By its id: every field of every span.
    Id,
    /// By a search for an attribute: it is found, with as many spans as match.
    Search,
    /// By a metrics query: as many spans are counted.
    Metrics,
}

/// One look at each trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stage {
    /// As it is told and counted.
    pub(crate) name: &'static str,
    pub(crate) look: Look,
    /// When, counted from the acknowledgement of the trace's last spans.
    pub(crate) after: Duration,
    /// For how long after that what is found is in time.
    pub(crate) in_time: Duration,
    /// For how long after that it is looked for, and found late.
    pub(crate) patience: Duration,
}

/// What a trace by its id may take, from the acknowledgement by a sidecar: it sends on within a second.
const ID_IN_TIME: Duration = Duration::from_secs(5);
/// What searches and metrics may take.
const FOUND_IN_TIME: Duration = Duration::from_secs(10);

/// All looks at a trace, in the order of time: at once, and again when it is so old that it lies in a
/// block (`block`) and in one that was merged (`merged`). What is not there in time is looked for
/// as long as the verifier has `patience`.
pub(crate) fn stages(block: Duration, merged: Duration, patience: Duration) -> Vec<Stage> {
    let now = Duration::ZERO;
    let stage = |name, look, after: Duration, in_time: Duration| Stage {
        name,
        look,
        after,
        in_time,
        patience,
    };
    let mut all = vec![
        stage("id", Look::Id, now, ID_IN_TIME),
        stage("search", Look::Search, now, FOUND_IN_TIME),
        stage("metrics", Look::Metrics, now, FOUND_IN_TIME),
    ];
    for (name, search, after) in
        [("block", "block_search", block), ("merged", "merged_search", merged)]
    {
        if after > Duration::ZERO {
            all.push(stage(name, Look::Id, after, ID_IN_TIME));
            all.push(stage(search, Look::Search, after, FOUND_IN_TIME));
        }
    }
    all.sort_by_key(|stage| stage.after);
    all
}

/// How old a trace is when it is looked at for the last time.
pub(crate) fn oldest(stages: &[Stage]) -> Duration {
    stages.iter().map(|stage| stage.after).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_come_in_the_order_of_time() {
        let second = Duration::from_secs;
        let names = |stages: &[Stage]| stages.iter().map(|s| s.name).collect::<Vec<_>>().join(" ");
        let table = [
            (0, 0, "id search metrics", 0),
            (60, 0, "id search metrics block block_search", 60),
            (60, 3600, "id search metrics block block_search merged merged_search", 3600),
            (90, 30, "id search metrics merged merged_search block block_search", 90),
        ];
        for (block, merged, expected, last) in table {
            let all = stages(second(block), second(merged), second(60));
            assert_eq!(names(&all), expected);
            assert_eq!(oldest(&all), second(last));
        }
    }
}
