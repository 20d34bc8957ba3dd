//! The program: arguments in, exit code out.

use crate::app::{Report, Shutdown};
use crate::config::{self, Config};
use std::error::Error;
use std::ffi::OsString;
use std::io;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tributary_settings::{Log, settled};
use tributary_telemetry::ErrorChain;

/// The whole program: `args` are the command line without the program's name. See `--help` for
/// what the exit codes mean.
pub fn run_from_args(args: Vec<OsString>) -> ExitCode {
    let asked = Config::gather(args, std::env::vars_os());
    let config = match settled(config::TABLE.program, asked) {
        Ok(config) => *config,
        Err(code) => return code,
    };
    start_logging(&config.log);
    for variable in &config.ignored {
        info!(%variable, "a setting of another program of Tributary, of no use here");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Names are looked up on a thread of their own, which does not stay around.
        .max_blocking_threads(1)
        .thread_keep_alive(Duration::from_millis(100))
        .build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(run(config)),
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(report) => {
            report.log();
            ExitCode::SUCCESS
        }
        Err(error) => {
            error!(error = %ErrorChain(&*error), "the sidecar cannot run");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Config) -> Result<Report, Box<dyn Error>> {
    let watch = |kind| signal(kind).map_err(|error| format!("cannot wait for signals: {error}"));
    let (terminate, interrupt) = (watch(SignalKind::terminate())?, watch(SignalKind::interrupt())?);
    let app = config.bind()?;
    for (name, address) in app.addresses() {
        info!(%name, %address, "listening");
    }
    let shutdown = Shutdown::default();
    let app = Box::pin(app.run(shutdown.clone()));
    tokio::select! {
        report = app => Ok(report),
        never = pass_on(terminate, interrupt, shutdown) => match never {},
    }
}

/// The first signal stops in good order, the second one at once.
async fn pass_on(
    mut terminate: Signal,
    mut interrupt: Signal,
    shutdown: Shutdown,
) -> std::convert::Infallible {
    loop {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if shutdown.drain.is_cancelled() {
            shutdown.now.cancel();
        }
        shutdown.drain.cancel();
    }
}

fn start_logging(log: &Log) {
    // Of third-party crates only what a person must look at: their debug lines are for their authors.
    let others = log.level.min(tracing::Level::WARN);
    let filter = Targets::new().with_default(others).with_target("tributary", log.level);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false);
    let registry = tracing_subscriber::registry().with(filter);
    // There is no other subscriber yet, unless a test brings its own, which then stays.
    let started = match log.json {
        true => registry.with(lines.json()).try_init(),
        false => registry.with(lines).try_init(),
    };
    drop(started);
}
