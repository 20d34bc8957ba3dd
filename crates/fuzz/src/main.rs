//! `tributary-fuzz [TARGET] [--seconds N] [--seed N]`, or `tributary-fuzz TARGET --replay FILE`.
//!
//! Each target runs in a process of its own, which writes every input down before it is tried. So
//! whatever ends that process (a panic, a stack that overflows, memory that runs out) or keeps it
//! from going on, the input is at hand: it is kept in a file whose path is printed.
#![expect(clippy::print_stdout, reason = "a tool that speaks to a person")]

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tributary_fuzz::engine::Engine;
use tributary_fuzz::{TARGETS, Target, memory};

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

/// No input of 64 KiB may take longer.
const STUCK: Duration = Duration::from_secs(20);
/// How often the process is looked at.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Default)]
struct Options {
    target: Option<String>,
    seconds: u64,
    seed: Option<u64>,
    replay: Option<PathBuf>,
    /// Where a child writes its inputs down.
    child: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
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
        run(**target, seed, Duration::from_secs(options.seconds), notes)?;
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
fn run(target: Target, seed: u64, time: Duration, notes: &Path) -> Result<()> {
    let started = Instant::now();
    let notes = File::create(notes)?;
    let mut engine = Engine::new(target, seed);
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
        "{:>12}: {executions} executions, {rate:.0} a second, ended in {ways} ways",
        target.name
    );
    Ok(())
}

/// The parent: whether the target held out.
fn watch(target: &Target, seed: u64, seconds: u64) -> Result<bool> {
    let folder = PathBuf::from(std::env::var_os("CARGO_TARGET_DIR").unwrap_or("target".into()));
    let folder = folder.join("fuzz");
    std::fs::create_dir_all(&folder)?;
    let notes = folder.join(format!("{}-{}.running", target.name, std::process::id()));
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(target.name).arg("--child").arg(&notes);
    command.arg("--seed").arg(seed.to_string()).arg("--seconds").arg(seconds.to_string());
    let mut child = command.spawn()?;
    let fault = wait(&mut child, &notes)?;
    let held_out = fault.is_none();
    if let Some(fault) = fault {
        let (executions, input) = read(&notes).unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        input.hash(&mut hasher);
        let kept = folder.join(format!("{}-{:016x}.bin", target.name, hasher.finish()));
        std::fs::write(&kept, input)?;
        println!("{}: {fault} after {executions} executions with seed {seed}", target.name);
        println!("the input is in {}; try it again with", kept.display());
        println!("    cargo xtask fuzz {} --replay {}", target.name, kept.display());
    }
    std::fs::remove_file(&notes).ok();
    Ok(held_out)
}

/// Waits for the child's end; what was wrong with it.
fn wait(child: &mut Child, notes: &Path) -> Result<Option<String>> {
    let mut last = (0, Instant::now());
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((!status.success()).then(|| format!("ended with {status}")));
        }
        let executions = read(notes).map_or(0, |(executions, _)| executions);
        if executions != last.0 {
            last = (executions, Instant::now());
        } else if last.1.elapsed() > STUCK {
            child.kill()?;
            child.wait()?;
            return Ok(Some("was stuck".to_owned()));
        }
        std::thread::park_timeout(LOOK);
    }
}

/// What the child has written down: how many inputs before, and the input.
fn read(notes: &Path) -> Option<(u64, Vec<u8>)> {
    let bytes = std::fs::read(notes).ok()?;
    let (executions, rest) = bytes.split_first_chunk::<8>()?;
    let (len, rest) = rest.split_first_chunk::<8>()?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
    Some((u64::from_le_bytes(*executions), rest.get(..len)?.to_vec()))
}
