//! The program: arguments in, exit code out.

use crate::app::App;
use crate::config::{Config, TABLE};
use crate::error::IngesterError;
use std::ffi::OsString;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tributary_settings::{Log, settled};
use tributary_telemetry::ErrorChain;

/// The exit code when a task is gone that the ingester cannot go on without: what `sysexits.h` has
/// for a fault in the program.
const TASK_GONE: u8 = 70;

/// Runs the ingester with the arguments behind the program's name, until SIGTERM or SIGINT; a
/// second one ends it at once.
///
/// Exit codes: 0 after an orderly end, 64 for a bad configuration, 70 when a task is gone that it
/// cannot go on without (the last line names it), 1 for anything else.
pub fn run_from_args(args: Vec<OsString>) -> ExitCode {
    let read = |path: &str| std::fs::read_to_string(path);
    let asked = Config::gather(args, std::env::vars_os(), read);
    let config = match settled(TABLE.program, asked) {
        Ok(config) => *config,
        Err(code) => return code,
    };
    start_logging(&config.log);
    for variable in &config.ignored {
        tracing::info!(%variable, "a setting of another program of Tributary, of no use here");
    }
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %ErrorChain(&*error), "the ingester cannot run");
            exit_code(&error)
        }
    }
}

fn run(config: Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let app = App::bind(config)?;
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
        Ok(app.run(shutdown).await?)
    });
    runtime.shutdown_background();
    result
}

fn exit_code(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref() {
        Some(IngesterError::Task(_)) => ExitCode::from(TASK_GONE),
        _ => ExitCode::FAILURE,
    }
}

fn start_logging(log: &Log) {
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(log.level)
        .with_target(false);
    let set =
        if log.json { builder.json().try_init() } else { builder.with_ansi(false).try_init() };
    // A test that runs the program in its own process may have set a logger before.
    drop(set);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::BackgroundTasks;

    #[tokio::test]
    async fn a_task_that_is_gone_has_an_exit_code_of_its_own() {
        let mut tasks = BackgroundTasks::default();
        tasks.spawn("listing blocks", async {});
        let gone = IngesterError::from(tasks.failure().await);
        let code = |error| format!("{:?}", exit_code(&error));
        assert_eq!(code(gone.into()), format!("{:?}", ExitCode::from(70)));
        assert_eq!(code(anyhow::anyhow!("a port")), format!("{:?}", ExitCode::FAILURE));
    }
}
