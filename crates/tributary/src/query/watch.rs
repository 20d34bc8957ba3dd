//! Asking again and again.

use super::follow::{Hit, LOOK_BACK, Seen};
use super::options::Options;
use super::question::Question;
use super::server::{AskError, JSON, Server};
use super::table::Layout;
use super::{note, now, print};
use crate::common::terminal::Terminal;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Between two questions.
const BEAT: Duration = Duration::from_secs(1);
/// Traces that come at once, at most, unless --limit says otherwise.
const LIMIT: u32 = 200;

/// Shows traces as they come until Ctrl-C, or until the reader has read enough.
///
/// # Errors
/// When the question is refused for good.
pub(super) async fn watch(
    server: &Server,
    question: Question,
    options: &Options,
    terminal: &Terminal,
) -> Result<(), AskError> {
    tokio::select! {
        ended = polls(server, question, options, terminal) => ended,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

async fn polls(
    server: &Server,
    mut question: Question,
    options: &Options,
    terminal: &Terminal,
) -> Result<(), AskError> {
    let limit = options.limit.unwrap_or(LIMIT);
    question.set("limit", limit);
    let layout = Layout::usual(terminal.room());
    if !options.json && !print(&format!("{}\n", layout.heading())) {
        return Ok(());
    }
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = Seen::default();
    // When the last answer was asked for, in Unix seconds.
    let mut answered: Option<u64> = None;
    let mut away = false;
    loop {
        beat.tick().await;
        let now = now().as_secs();
        if let Some(last) = answered {
            question.set("start", last.saturating_sub(LOOK_BACK));
            question.set("end", now + 1);
        }
        let body = match server.ask(&question.path, &question.parameters, JSON).await {
            Ok(body) => body,
            Err(error) if error.passes => {
                if !std::mem::replace(&mut away, true) {
                    note(&format!("{error}\n  asking on"));
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        if std::mem::take(&mut away) {
            note("there are answers again");
        }
        let found = Hit::read(&body).map_err(|why| server.unreadable(&question.path, &why))?;
        let full = found.len() >= limit as usize;
        let fresh = seen.fresh(found, now);
        // Those before the first question are as many as were asked for.
        if full && fresh.len() >= limit as usize && answered.is_some() {
            note(&format!("{limit} traces came at once, as many as --limit lets through"));
        }
        for Hit { trace, json } in &fresh {
            let line = if options.json { json.to_string() } else { layout.row(trace) };
            if !print(&format!("{line}\n")) {
                return Ok(());
            }
        }
        answered = Some(now);
    }
}
