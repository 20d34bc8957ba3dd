//! The tool a person runs: [`cli`] reads arguments, [`demo`] shows, [`query`] asks, [`journal`] audits.

#[cfg(feature = "jemalloc")]
mod allocator;
mod cli;
mod common;
mod demo;
#[cfg(test)]
mod dialect;
mod journal;
mod query;

fn main() -> std::process::ExitCode {
    cli::run()
}
