//! The command line.

use crate::{demo, inject, journal, query, verify};
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::process::ExitCode;
use tributary_settings::USAGE;

/// Carries trace spans from applications to object storage.
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything on this machine with a story of three services, and watch.
    Demo(demo::Options),
    /// Ask an ingester for traces, numbers, names or values.
    Query(Box<query::Options>),
    /// Write known traces, read each back, and tell what is missing, late, double or different.
    Verify(Box<verify::Options>),
    /// Show what lies in a bucket's journal, and check that nothing in it is lost.
    Journal(journal::Options),
    /// Put the sidecar into manifests, print the policy that does so in a cluster, or find pods without it.
    Inject(Box<inject::Options>),
    /// The program beside an application: takes spans on localhost. See `sidecar --help`.
    #[command(disable_help_flag = true)]
    Sidecar(Rest),
    /// The program that stores spans and answers queries. See `ingester --help`.
    #[command(disable_help_flag = true)]
    Ingester(Rest),
}

/// Flags that the program itself reads.
#[derive(Debug, clap::Args)]
struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FLAGS")]
    flags: Vec<OsString>,
}

/// Runs the subcommand that the arguments name.
pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return explained(&error),
    };
    match cli.command {
        Command::Demo(options) => demo::run(options),
        Command::Query(options) => query::run(&options),
        Command::Verify(options) => verify::run(&options),
        Command::Journal(options) => journal::run(options),
        Command::Inject(options) => inject::run(&options),
        Command::Sidecar(rest) => tributary_sidecar::run_from_args(rest.flags),
        Command::Ingester(rest) => tributary_ingester::run_from_args(rest.flags),
    }
}

/// Help is no error; wrong arguments end as they do in both programs.
fn explained(error: &clap::Error) -> ExitCode {
    // An output that was closed is not read.
    error.print().ok();
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_get_their_flags_untouched() {
        let cli = Cli::parse_from(["tributary", "sidecar", "--help", "--upstream", "a:1", "-V"]);
        let Command::Sidecar(rest) = cli.command else { panic!("{cli:?}") };
        assert_eq!(rest.flags, ["--help", "--upstream", "a:1", "-V"]);
        let cli = Cli::parse_from(["tributary", "ingester"]);
        assert!(matches!(cli.command, Command::Ingester(rest) if rest.flags.is_empty()));
    }

    #[test]
    fn the_command_line_is_well_made() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
