//! The program: arguments in, exit code out.

use crate::app::App;
use crate::config::{Command, Config, Mistakes, gather};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Exit code for a configuration that cannot be used (`EX_USAGE` of sysexits.h).
const BAD_CONFIG: u8 = 64;

/// Runs the ingester with the arguments behind the program's name, until SIGTERM or SIGINT; a
/// second one ends it at once.
///
/// Exit codes: 0 after an orderly end, 64 for a bad configuration, 1 for anything else.
pub fn run_from_args(args: Vec<OsString>) -> ExitCode {
    let env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("TRIBUTARY_"))
        .collect();
    let read = |path: &str| std::fs::read_to_string(path).map_err(|error| error.to_string());
    let command = match gather(&args, &env, read) {
        Ok(command) => command,
        Err(mistakes) => return refuse(&mistakes),
    };
    let settings = match command {
        Command::Print(text) => return print(&text),
        Command::Run(settings) => settings,
    };
    let config = match Config::from_settings(&settings) {
        Ok(config) => config,
        Err(mistakes) => return refuse(&mistakes),
    };
    log(&config);
    for name in settings.strangers() {
        tracing::warn!(
            "variable {name} is not a setting of the ingester and is ignored (see --help)"
        );
    }
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(config: Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let app = App::bind(config).await?;
        let shutdown = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            // From here on a second signal has its default effect no more: it is waited for below.
            tokio::spawn(async move {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                tracing::warn!(
                    "second signal: ending at once; what is not in a block stays in the journal"
                );
                std::process::exit(1);
            });
        };
        app.run(shutdown).await
    });
    runtime.shutdown_background();
    result
}

fn log(config: &Config) {
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(config.log_level)
        .with_target(false);
    let set = if config.log_json {
        builder.json().try_init()
    } else {
        builder.with_ansi(false).try_init()
    };
    // A test that runs the program in its own process may have set a logger before.
    drop(set);
}

fn refuse(mistakes: &Mistakes) -> ExitCode {
    // Nothing to be done about a standard error that is closed.
    drop(write!(std::io::stderr(), "tributary-ingester: {mistakes}"));
    ExitCode::from(BAD_CONFIG)
}

fn print(text: &str) -> ExitCode {
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
