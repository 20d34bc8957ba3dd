//! `tributary-fuzz [TARGET] [--seconds N] [--seed N]`, or `tributary-fuzz TARGET --replay FILE`.
#![expect(clippy::print_stdout, reason = "a tool that speaks to a person")]

mod cli;
mod watch;

use tributary_fuzz::memory::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> anyhow::Result<std::process::ExitCode> {
    cli::run()
}
