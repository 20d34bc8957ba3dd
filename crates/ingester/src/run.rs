//! The program: arguments in, exit code out.

use crate::app::App;
use crate::config::{Config, TABLE};
use crate::error::IngesterError;
use rustix::process::{Resource, Rlimit};
use std::ffi::OsString;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tributary_settings::{Log, USAGE, settled};
use tributary_telemetry::{ErrorChain, Lines};

/// The exit code when a task is gone that the ingester cannot go on without: what `sysexits.h` has
/// for a fault in the program.
const TASK_GONE: u8 = 70;
/// The exit code when the store cannot be used, or is another's: what `sysexits.h` has for a service
/// that is not available.
const NO_STORE: u8 = 69;

/// Runs the ingester with the arguments behind the program's name, until SIGTERM or SIGINT; a
/// second one ends it at once.
///
/// Exit codes: 0 after an orderly end, 64 for a bad configuration, 69 when the store refuses what is
/// needed or is another's, 70 when a task is gone that it cannot go on without (the last line names
/// it), 1 for anything else.
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

/// As many descriptors as the process may ask for. The soft limit is low for the sake of programs that
/// cannot count beyond it; connections, segments and requests to the store want more.
fn raise_open_files() {
    let files = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: files.maximum, ..files };
    if let Err(error) = rustix::process::setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, ?files, "the limit of open files stays as it is");
    }
}

fn run(config: Config) -> anyhow::Result<()> {
    raise_open_files();
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
        Some(IngesterError::OpenStore { .. } | IngesterError::Access(_)) => ExitCode::from(USAGE),
        Some(IngesterError::UnusableStore(_) | IngesterError::Cluster(_)) => {
            ExitCode::from(NO_STORE)
        }
        _ => ExitCode::FAILURE,
    }
}

fn start_logging(log: &Log) {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| Lines(std::io::stderr()))
        .with_target(false);
    // The store's client tells of each request that it makes again, for every object anew. What comes
    // of them is told by those who asked.
    let of_client = match log.level {
        Level::INFO => Level::WARN,
        level => level,
    };
    let filter = Targets::new().with_default(log.level).with_target("object_store", of_client);
    let registry = tracing_subscriber::registry();
    let set = match log.json {
        true => registry.with(lines.json().with_filter(filter)).try_init(),
        false => registry.with(lines.with_ansi(false).with_filter(filter)).try_init(),
    };
    // A test that runs the program in its own process may have set a logger before.
    drop(set);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::BackgroundTasks;
    use tributary_journal::JournalError;
    use tributary_store::{ProbeError, StoreError};

    #[tokio::test]
    async fn exit_codes_tell_what_is_to_be_mended() {
        let mut tasks = BackgroundTasks::default();
        tasks.spawn("listing blocks", async {});
        let gone = IngesterError::from(tasks.failure().await);
        let wrong = || StoreError::Config("a secret without its key".into());
        let url = || "s3://bucket".to_owned();
        let table: [(anyhow::Error, u8); 5] = [
            (gone.into(), 70),
            (IngesterError::OpenStore { url: url(), source: wrong() }.into(), 64),
            (
                IngesterError::UnusableStore(ProbeError::Failed { url: url(), source: wrong() })
                    .into(),
                69,
            ),
            (IngesterError::Cluster(JournalError::Store(wrong())).into(), 69),
            (anyhow::anyhow!("a port"), 1),
        ];
        for (error, expected) in table {
            let code = format!("{:?}", exit_code(&error));
            assert_eq!(code, format!("{:?}", ExitCode::from(expected)), "{error}");
        }
    }
}
