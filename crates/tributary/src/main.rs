//! `tributary`, the tool a person runs: [`cli`] reads its arguments, [`demo`] shows the whole road on
//! one machine, [`journal`] audits a bucket; the two programs are subcommands of it too.

mod cli;
mod demo;
#[cfg(test)]
mod dialect;
mod journal;

/// The ingester's allocator, where it is to behave as the ingester does.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    cli::run()
}
