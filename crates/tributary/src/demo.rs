//! `tributary demo`: the whole road on one machine.
//!
//! An ingester and a sidecar run as processes of their own, on a local folder. A story of three
//! services goes through OTLP into the sidecar; the counters of both programs are shown while it
//! runs; one trace is fetched back and drawn. At the end every trace is read back by its id.

mod children;
mod export;
mod http;
mod ports;
mod progress;
mod readback;
mod show;
mod story;
mod teller;
mod terminal;
mod waterfall;

use anyhow::{Context, bail};
use children::Program;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use terminal::Terminal;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What the demo can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// End after this many seconds; exit code 0 only if every acknowledged span was read back.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// Add this to every port, when the usual ones are in use.
    #[arg(long, default_value_t = 0)]
    port_offset: u16,
    /// Folder for the data.
    #[arg(long, default_value = "tributary-data")]
    data: PathBuf,
    /// Customers' requests a second; each is a trace of 8 to 15 spans.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..=5000))]
    rate: u64,
    /// Seed of the story: the same seed gives the same trace ids. Random if not given.
    #[arg(long)]
    seed: Option<u64>,
}

/// Runs the demo to its end.
pub(crate) fn run(options: Options) -> ExitCode {
    let mut terminal = Terminal::of_stdout();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(demo(options, &mut terminal)),
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            terminal.complain(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Whether everything that was acknowledged was read back.
async fn demo(options: Options, terminal: &mut Terminal) -> anyhow::Result<bool> {
    let stop = Stop::on_signals()?;
    let ports = ports::Ports::with_offset(options.port_offset)?;
    ports.check_free()?;
    std::fs::create_dir_all(&options.data)
        .with_context(|| format!("cannot make the folder {}", options.data.display()))?;
    let data = options.data.canonicalize().context("cannot find the folder for the data")?;
    let logs = std::env::temp_dir().join(format!("tributary-demo-{}", std::process::id()));
    std::fs::create_dir_all(&logs).context("cannot make a folder for the programs' logs")?;

    let mut show = show::Show::new(&options, ports, &data, &logs, terminal);
    let mut programs = Vec::new();
    let shown = tokio::select! {
        shown = show.run(&mut programs, &stop) => shown,
        () = stop.now.cancelled() => Err(anyhow::anyhow!("ended by a second signal")),
    };
    let ended = tokio::select! {
        ended = end_all(&mut programs, terminal) => ended,
        () = stop.now.cancelled() => Err(anyhow::anyhow!("ended by a second signal")),
    };
    let complete = shown?;
    ended?;
    let blocks = data.join("blocks");
    let size = progress::bytes(children::folder_size(&blocks));
    terminal.say(&format!("{size} of blocks lie in {}", blocks.display()));
    std::fs::remove_dir_all(&logs).ok();
    Ok(complete)
}

/// How long each program may take to end: the ingester writes what it holds into blocks.
const GRACE: Duration = Duration::from_secs(70);

/// Ends the programs, the last started first: the sidecar hands over what it has to an ingester
/// that is still there.
async fn end_all(programs: &mut Vec<Program>, terminal: &mut Terminal) -> anyhow::Result<()> {
    let mut failed = Vec::new();
    while let Some(program) = programs.pop() {
        terminal.status(&format!("ending the {} …", program.name()));
        if let Err(error) = program.end(GRACE).await {
            failed.push(format!("{error:#}"));
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!(failed.join("; ")) }
}

/// Ctrl-C or SIGTERM: the first asks for an orderly end, the second for the end.
struct Stop {
    soon: CancellationToken,
    now: CancellationToken,
}

impl Stop {
    fn on_signals() -> anyhow::Result<Self> {
        let stop = Stop { soon: CancellationToken::new(), now: CancellationToken::new() };
        let (soon, now) = (stop.soon.clone(), stop.now.clone());
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        // Lives as long as the runtime, which ends with the demo.
        tokio::spawn(async move {
            for token in [soon, now] {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                token.cancel();
            }
        });
        Ok(stop)
    }
}
