//! Everything that must hold before a change goes in.
//!
//! On two cores most of the time is compiling, so the steps share what they build: the programs
//! are built together with the tests (the same features of every dependency), and only the diet
//! builds once more, in the profile that users deploy. What comes from other registries is fetched
//! while the first crates compile; what only computes is built while tests wait for the programs
//! that they have started.

use crate::{
    check, deny, diet, disk, kubernetes, manifests, page, promtool, run, senders, suite, venv,
};
use anyhow::{Result, anyhow};
use std::time::Instant;

pub(crate) fn run() -> Result<()> {
    let start = Instant::now();
    disk::look()?;
    run::step("format", &mut run::cargo(&["fmt", "--all", "--check"]))?;
    let others = std::thread::spawn(|| {
        let (python, kubernetes) = (venv::prepare()?, kubernetes::prepare()?);
        let (senders, page) = (senders::prepare()?, page::prepare()?);
        anyhow::Ok((python, kubernetes, senders, page, promtool::prepare()))
    });
    let clippy = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    run::step("clippy", &mut run::cargo(&clippy))?;
    let (python, kubernetes, senders, page, promtool) =
        others.join().unwrap_or_else(|_| Err(anyhow!("preparing the other languages panicked")))?;
    check::docs(&["--workspace"])?;
    deny::run(Vec::new())?;
    let suite = suite::build()?;
    manifests::check()?;
    let beside = std::thread::spawn(|| suite::documentation().and_then(|()| diet::run()));
    let mut variables = vec![
        ("TRIBUTARY_PYTHON", python),
        ("TRIBUTARY_KUBERNETES", kubernetes),
        ("TRIBUTARY_SENDERS_PYTHON", senders.python),
        ("TRIBUTARY_SENDERS_NODE", senders.node),
        ("TRIBUTARY_PAGE_NODE", page),
    ];
    variables.extend(promtool.map(|path| ("TRIBUTARY_PROMTOOL", path)));
    let tests = suite::run(suite, &variables);
    let beside = beside.join().unwrap_or_else(|_| Err(anyhow!("the diet panicked")));
    tests.and(beside)?;
    println!("\nall green in {:.1} minutes", start.elapsed().as_secs_f64() / 60.0);
    Ok(())
}
