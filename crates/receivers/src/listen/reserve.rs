//! Descriptors that connections leave to the rest of the process: the store, files, upstreams.
//!
//! The kernel gives the lowest number that is free. A connection whose number lies in the last ones
//! of the limit says therefore that all the others are taken, and its listener rests: clients wait
//! in the kernel's backlog, until a lower number is free again. Each listener goes one connection
//! too far at most.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Duration;

/// Descriptors that are kept.
const KEPT: RawFd = 64;
/// How long a listener rests before it looks again.
pub(super) const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// What a listener leaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reserve {
    /// The process may have so many. None: the operating system does not say.
    limit: Option<RawFd>,
    /// How many are left.
    kept: RawFd,
}

impl Reserve {
    /// As the limit of this process is now.
    pub(super) fn of_process() -> Reserve {
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        Reserve::of(limit(&limits))
    }

    /// Of a limit: the last 64, and of a small one a quarter.
    fn of(limit: Option<RawFd>) -> Reserve {
        Reserve { limit, kept: limit.map_or(0, |limit| (limit / 4).min(KEPT)) }
    }

    /// Half as much is left: for a port that is asked whether the process is well.
    pub(super) fn halved(self) -> Reserve {
        Reserve { kept: self.kept / 2, ..self }
    }

    /// Descriptors that the process may have, when that is known.
    pub(super) fn limit(self) -> Option<RawFd> {
        self.limit
    }

    /// Whether a descriptor that was just given lies among those that are kept.
    pub(super) fn is_kept(self, given: RawFd) -> bool {
        self.limit.is_some_and(|limit| given >= limit - self.kept)
    }

    /// Whether the next descriptor would: a copy of `any` tells.
    pub(super) fn is_reached(self, any: &impl AsFd) -> bool {
        match any.as_fd().try_clone_to_owned() {
            Ok(next) => self.is_kept(next.as_raw_fd()),
            Err(_) => true,
        }
    }
}

/// The soft limit in `/proc/self/limits` (proc_pid_limits(5)): `Max open files  1024  524288  files`.
/// None when there is none or it is no number.
fn limit(limits: &str) -> Option<RawFd> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_read() {
        let table = [
            ("", None),
            (
                "Max open files            1024                 524288               files\n",
                Some(1024),
            ),
            (
                "Limit  Soft  Hard\nMax open files 20 30 files\nMax locked memory 1 2 bytes",
                Some(20),
            ),
            ("Max open files unlimited unlimited files", None),
            ("Max open files", None),
        ];
        for (limits, expected) in table {
            assert_eq!(limit(limits), expected, "{limits}");
        }
    }

    #[test]
    fn the_last_ones_are_kept() {
        // The limit, a descriptor, whether it is kept: in general, and for the port of health.
        let table = [
            (None, 100_000, false, false),
            (Some(1024), 959, false, false),
            (Some(1024), 960, true, false),
            (Some(1024), 991, true, false),
            (Some(1024), 992, true, true),
            (Some(100), 74, false, false),
            (Some(100), 75, true, false),
            (Some(100), 88, true, true),
        ];
        for (limit, given, kept, of_health) in table {
            let reserve = Reserve::of(limit);
            assert_eq!(reserve.is_kept(given), kept, "{limit:?}, {given}");
            assert_eq!(reserve.halved().is_kept(given), of_health, "{limit:?}, {given}");
        }
    }
}
