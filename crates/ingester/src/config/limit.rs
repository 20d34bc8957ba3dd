//! How much memory there is for spans when no setting says so.

use super::LEAST_MEMORY;

/// Where the kernel tells a container's limit: control groups of version 2, then of version 1.
const LIMITS: [&str; 2] =
    ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
/// Without a limit, or one so high that it is none.
const UNLIMITED: usize = 256 << 20;
/// What a process takes beside its budget and a quarter of it: code, connections, a block in the
/// making.
const BESIDE: usize = 64 << 20;
/// A container with more than this is a whole machine.
const HIGHEST: usize = 64 << 30;

/// The container's limit in bytes, if it has one.
pub(super) fn container_limit() -> Option<usize> {
    let read = |path| std::fs::read_to_string(path).ok();
    LIMITS.into_iter().find_map(read).and_then(|text| text.trim().parse().ok())
}

/// The budget for spans, so that the process stays within the limit: a process with a budget of M
/// takes up to 1.25 M and [`BESIDE`], and a sixteenth of the limit is left to the kernel, which counts
/// what it caches and buffers for the container as well. Never more than three fifths.
pub(super) fn budget(limit: Option<usize>) -> usize {
    match limit {
        Some(limit) if limit <= HIGHEST => {
            let process = (limit - limit / 16).saturating_sub(BESIDE) / 5 * 4;
            process.min(limit / 5 * 3).max(LEAST_MEMORY)
        }
        _ => UNLIMITED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_get_a_share_of_what_the_container_has() {
        let table = [
            (None, 256 << 20),
            (Some(1 << 30), (1usize << 30) / 5 * 3),
            (Some(512 << 20), (512usize << 20) / 5 * 3),
            (Some(256 << 20), (176usize << 20) / 5 * 4),
            (Some(32 << 20), 64 << 20),
            (Some(usize::MAX), 256 << 20),
        ];
        for (limit, expected) in table {
            assert_eq!(budget(limit), expected, "{limit:?}");
        }
    }
}
