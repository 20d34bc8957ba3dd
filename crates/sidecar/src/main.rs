//! The sidecar's program. Everything is in the library, which `tributary sidecar` runs as well.

use std::process::ExitCode;

fn main() -> ExitCode {
    tributary_sidecar::run_from_args(std::env::args_os().skip(1).collect())
}
