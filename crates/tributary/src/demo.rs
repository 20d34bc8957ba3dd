//! `tributary demo`: the whole road on one machine.
//!
//! An ingester and a sidecar run as processes of their own, on a local folder. A story of three
//! services goes through OTLP into the sidecar; the counters of both programs are shown while it
//! runs; one trace is fetched back and drawn. At the end every trace is read back by its id.

mod children;
mod export;
mod options;
mod ports;
mod progress;
mod readback;
mod show;
mod story;
mod teller;

pub(crate) use options::Options;

use crate::common::stop::Stop;
use crate::common::terminal::Terminal;
use anyhow::{Context, bail};
use children::Program;
use std::process::ExitCode;
use std::time::Duration;

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
