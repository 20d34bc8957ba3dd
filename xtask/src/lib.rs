//! Repository chores. `chores` is the table of them; every other module is one, but for `run`, which
//! runs commands, `suite`, which runs the binaries of tests, and the five that fetch what they need: `venv`,
//! `senders`, `promtool`, `kubernetes` and `page`.
#![expect(clippy::print_stdout, reason = "a tool that speaks to a person")]

mod bench;
mod check;
mod chores;
mod deny;
mod diet;
mod disk;
mod fuzz;
mod kubernetes;
mod manifests;
mod page;
mod promtool;
mod run;
mod senders;
mod suite;
mod test;
mod torture;
mod venv;

pub use chores::chore;
