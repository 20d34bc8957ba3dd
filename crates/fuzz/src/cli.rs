//! The command line, and the loop of the process that is attacked.
//!
//! Each target runs in a process of its own, which writes every input down before it is tried. So
//! whatever ends that process (a panic, a stack that overflows, memory that runs out) or keeps it
//! from going on, the input is at hand: it is kept in a file whose path is printed.

use crate::watch::watch;
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tributary_fuzz::engine::Engine;
use tributary_fuzz::{TARGETS, Target};

#[derive(Default)]
struct Options {
    target: Option<String>,
    seconds: u64,
    seed: Option<u64>,
    replay: Option<PathBuf>,
    /// Where a child writes its inputs down.
    child: Option<PathBuf>,
}

/// Does what the command line says.
pub(crate) fn run() -> Result<ExitCode> {
    let options = options()?;
    let of_name = |target: &&Target| options.target.as_ref().is_none_or(|name| name == target.name);
    let targets: Vec<_> = TARGETS.iter().filter(of_name).collect();
    if targets.is_empty() {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        bail!("there is no such target; there are {}", names.join(", "));
    }
    if let (Some(file), [target]) = (&options.replay, targets.as_slice()) {
        let input = std::fs::read(file).with_context(|| file.display().to_string())?;
        println!("{}: {}", target.name, target.attack(&input));
        return Ok(ExitCode::SUCCESS);
    }
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seed = options.seed.unwrap_or(since_1970.as_secs());
    if let (Some(notes), [target]) = (&options.child, targets.as_slice()) {
        attack(**target, seed, Duration::from_secs(options.seconds), notes)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut broken = 0;
    for target in targets {
        broken += u8::from(!watch(target, seed, options.seconds)?);
    }
    Ok(ExitCode::from(broken))
}

fn options() -> Result<Options> {
    use lexopt::prelude::{Long, Value};
    let mut options = Options { seconds: 30, ..Options::default() };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Value(name) if options.target.is_none() => {
                options.target = Some(name.to_string_lossy().into_owned());
            }
            Long("seconds") => options.seconds = parser.value()?.to_string_lossy().parse()?,
            Long("seed") => options.seed = Some(parser.value()?.to_string_lossy().parse()?),
            Long("replay") => options.replay = Some(parser.value()?.into()),
            Long("child") => options.child = Some(parser.value()?.into()),
            _ => bail!("usage: [TARGET] [--seconds N] [--seed N] | TARGET --replay FILE"),
        }
    }
    Ok(options)
}

/// The child: mutates until its time is up.
fn attack(target: Target, seed: u64, time: Duration, notes: &Path) -> Result<()> {
    let started = Instant::now();
    let notes = File::create(notes)?;
    let mut engine = Engine::new(target, seed);
    engine.build_upon((target.recorded)());
    let mut note = Vec::new();
    while started.elapsed() < time {
        let input = engine.next_input();
        note.clear();
        note.extend_from_slice(&engine.executions().to_le_bytes());
        note.extend_from_slice(&(input.len() as u64).to_le_bytes());
        note.extend_from_slice(&input);
        notes.write_all_at(&note, 0)?;
        engine.execute(&input);
    }
    let (executions, ways) = (engine.executions(), engine.ways());
    let rate = executions as f64 / started.elapsed().as_secs_f64();
    println!(
        "{:>18}: {executions} executions, {rate:.0} a second, ended in {ways} ways",
        target.name
    );
    Ok(())
}
