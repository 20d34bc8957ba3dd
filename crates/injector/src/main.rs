//! The injector's program. Everything is in the library, which `tributary inject serve` runs as well.

use std::process::ExitCode;

fn main() -> ExitCode {
    tributary_injector::run_from_args(std::env::args_os().skip(1).collect())
}
