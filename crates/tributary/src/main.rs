//! The tool a person runs: [`cli`] reads arguments; the other modules are its commands.

mod cli;
mod common;
mod demo;
#[cfg(test)]
mod dialect;
mod inject;
mod journal;
mod query;
mod verify;

fn main() -> std::process::ExitCode {
    cli::run()
}
