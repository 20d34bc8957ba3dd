//! The tool a person runs: [`cli`] reads its arguments, [`demo`] shows the road, [`journal`] audits.

mod cli;
mod demo;
#[cfg(test)]
mod dialect;
mod journal;

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    cli::run()
}
