//! `tributary query`: asks an ingester, or a Tempo, by its HTTP API, and shows the answer.
//!
//! Flags ([`options`]) become a [`question`], which is checked here before the [`server`] is asked; what
//! it answers is drawn by pure functions: [`table`], [`chart`], [`names`], and the waterfall that the
//! demo draws, too.

mod answer;
mod caret;
mod chart;
mod follow;
mod metrics;
mod moment;
mod names;
mod options;
mod question;
mod range;
mod search;
mod server;
mod table;
mod value;
mod watch;

pub(crate) use options::Options;

use crate::common::terminal::Terminal;
use answer::{Told, answer};
use question::Question;
use server::{AskError, Server};
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tributary_settings::USAGE;

/// There is no answer, or no such trace.
const NONE: u8 = 1;
/// Parts of the answer are missing.
const PARTIAL: u8 = 2;

/// Why it ended without an answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Asks, and shows the answer.
pub(crate) fn run(options: &Options) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(done(options)),
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            note(&format!("error: {error}"));
            ExitCode::from(if matches!(error, Failure::Usage(_)) { USAGE } else { NONE })
        }
    }
}

async fn done(options: &Options) -> Result<u8, Failure> {
    let question = Question::new(options, now()).map_err(Failure::Usage)?;
    let tls = options.caller.tls(options.url.is_secure()).map_err(Failure::Usage)?;
    let token = options.caller.token_file(&options.url).map_err(Failure::Usage)?;
    let server = Server::new(options.url.clone(), options.caller.headers(), token, tls)
        .map_err(Failure::Usage)?;
    let terminal = Terminal::of_stdout();
    if options.follow {
        watch::watch(&server, question, options, &terminal).await?;
        return Ok(0);
    }
    let Told { text, notes, code } = answer(&server, &question, options, &terminal).await?;
    print(&text);
    notes.iter().for_each(|line| note(line));
    Ok(code)
}

/// Time since 1970.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// To standard output; false once it is closed: its reader has read enough.
fn print(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}

/// What is no part of an answer, to standard error.
fn note(line: &str) {
    // A standard error that is closed is no mistake of the tool's.
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).ok();
}

#[cfg(test)]
mod tests;
