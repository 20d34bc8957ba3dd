//! Repository chores.
//!
//! | | |
//! |---|---|
//! | `cargo xtask test` | everything that must hold before a change goes in |
//! | `cargo xtask bench` | the cost table of this machine |
//! | `cargo xtask diet` | what the sidecar may weigh, and what it may link |
//! | `cargo xtask torture --minutes N` | ingesters killed, frozen, replaced under load, and the books |
//! | `cargo xtask senders` | libraries that tests send with, under `target/senders` |
//! | `cargo xtask fuzz [target] --seconds N` | hostile bytes for every decoder, 30 s each |
//! | `cargo xtask venv` | Python packages for tests, under `target/venv` |
#![expect(clippy::print_stdout, reason = "a tool that speaks to a person")]

mod bench;
mod diet;
mod fuzz;
mod run;
mod senders;
mod test;
mod torture;
mod venv;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let chore = std::env::args().nth(1).unwrap_or_default();
    match chore.as_str() {
        "test" => test::run(),
        "bench" => bench::run(),
        "diet" => diet::run(),
        "torture" => torture::run(std::env::args().skip(2)),
        "fuzz" => fuzz::run(std::env::args_os().skip(2)),
        "senders" => senders::prepare().map(drop),
        "venv" => venv::prepare().map(drop),
        _ => bail!("usage: cargo xtask test | bench | diet | torture | fuzz | senders | venv"),
    }
}
