//! The ingester's program. Everything is in the library; this chooses the allocator.

use std::process::ExitCode;

/// Spans of mixed sizes live for a minute: jemalloc gives their memory back.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    tributary_ingester::run_from_args(std::env::args_os().skip(1).collect())
}
