//! What was found, for people and for programs.

use super::verify::Read;
use anyhow::Result;
use serde::Serialize;
use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tributary_journal::audit::{EpochSummary, Finding, Pile, Severity, WindowSummary};

/// Everything that was found. As JSON it has the names of its fields; new ones may join.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The bucket's identity.
    cluster: String,
    /// Whether every object was read.
    verified: bool,
    /// All epochs, oldest first.
    epochs: Vec<EpochSummary>,
    /// Windows in which something was merged.
    windows: Vec<WindowSummary>,
    /// What is wrong or worth knowing.
    findings: Vec<Finding>,
    /// What was read.
    pub(super) read: Read,
}

impl Report {
    pub(crate) fn new(cluster: String, verified: bool) -> Self {
        let (epochs, windows, findings) = (Vec::new(), Vec::new(), Vec::new());
        Report { cluster, verified, epochs, windows, findings, read: Read::default() }
    }

    pub(crate) fn add_window(&mut self, window: WindowSummary, findings: Vec<Finding>) {
        self.windows.push(window);
        self.findings.extend(findings);
    }

    pub(crate) fn add(&mut self, epoch: EpochSummary, findings: Vec<Finding>) {
        self.epochs.push(epoch);
        self.findings.extend(findings);
    }

    pub(crate) fn add_strays(&mut self, findings: Vec<Finding>) {
        self.findings.extend(findings);
    }

    pub(crate) fn violations(&self) -> usize {
        self.count(Severity::Violation)
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|found| found.severity == severity).count()
    }

    pub(crate) fn json(&self) -> Result<String> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }

    /// A table of the epochs, what is in no order in them, what is wrong, and the sum of it.
    pub(crate) fn table(&self, all: bool) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut text = String::new();
        let shown: Vec<_> = self.epochs.iter().filter(|e| all || !e.is_history()).collect();
        text.push_str(&epochs(&shown, now));
        let hidden = self.epochs.len() - shown.len();
        if hidden > 0 {
            line(
                &mut text,
                format_args!(
                    "{hidden} more epochs have ended and left nothing to do (--all shows them)"
                ),
            );
        }
        for epoch in &self.epochs {
            let unfinished = "named by a slot, not visible yet: the next recovery writes its meta";
            folders(&mut text, "unfinished", &epoch.unfinished, unfinished);
            let pending = "its slot does not exist yet: being built, or left by a crash";
            folders(&mut text, "pending", &epoch.pending, pending);
            let garbage = "its slot names other blocks: never visible, may be deleted";
            folders(&mut text, "garbage", &epoch.garbage, garbage);
            if !epoch.quarantined.is_empty() {
                let numbers: Vec<_> = epoch.quarantined.iter().map(u64::to_string).collect();
                let (numbers, epoch) = (numbers.join(", "), epoch.epoch);
                line(
                    &mut text,
                    format_args!(
                        "quarantined  segments {numbers} of epoch {epoch}: no ingester could read them"
                    ),
                );
            }
        }
        for window in &self.windows {
            let unfinished = "named by a record, not visible yet: the next pass writes its meta";
            folders(&mut text, "unfinished", &window.unfinished, unfinished);
            let pending = "its record does not exist yet: being made, or left by a crash";
            folders(&mut text, "pending", &window.pending, pending);
            let garbage = "its record names other blocks: never visible, may be deleted";
            folders(&mut text, "garbage", &window.garbage, garbage);
        }
        for found in &self.findings {
            let severity = match found.severity {
                Severity::Violation => "VIOLATION",
                Severity::Notice => "notice",
            };
            let Finding { rule, object, what, advice, .. } = found;
            line(&mut text, format_args!("{severity} {rule:?}  {object}: {what}\n    {advice}"));
        }
        self.sum(&mut text);
        text
    }

    fn sum(&self, text: &mut String) {
        let sum = |pile: fn(&EpochSummary) -> Pile| {
            self.epochs.iter().map(pile).fold(Pile::default(), Pile::and)
        };
        let (uncovered, collectable) = (sum(|e| e.uncovered), sum(|e| e.collectable));
        let slots: u64 = self.epochs.iter().map(|epoch| u64::from(epoch.slots)).sum();
        let blocks: u64 = self.epochs.iter().map(|epoch| epoch.blocks).sum();
        line(
            text,
            format_args!(
                "{} epochs, {slots} slots, {blocks} blocks; {} of segments uncovered, {} to be collected",
                self.epochs.len(),
                bytes(uncovered.bytes),
                bytes(collectable.bytes),
            ),
        );
        if !self.windows.is_empty() {
            let sum = |of: fn(&WindowSummary) -> u64| self.windows.iter().map(of).sum::<u64>();
            let (blocks, superseded) = (sum(|w| w.blocks), sum(|w| w.superseded));
            let expired = sum(|w| w.expired);
            if expired > 0 {
                let left = sum(|w| w.expired_left);
                line(
                    text,
                    format_args!(
                        "{expired} blocks have expired; {left} of them are still to be deleted"
                    ),
                );
            }
            line(
                text,
                format_args!(
                    "{} windows merged into {blocks} blocks; {superseded} merged ones are still to be deleted",
                    self.windows.len()
                ),
            );
        }
        if self.verified {
            let Read { segments, blocks, spans, bytes: read } = self.read;
            let read = bytes(read);
            line(
                text,
                format_args!(
                    "read {segments} segments and {blocks} blocks with {spans} spans, {read}"
                ),
            );
        }
        let notices = self.count(Severity::Notice);
        let depth = if self.verified { "everything" } else { "names, sizes and slots" };
        match self.violations() {
            0 => line(text, format_args!("no violation ({depth} checked), {notices} notices")),
            n => line(text, format_args!("{n} VIOLATIONS ({depth} checked), {notices} notices")),
        }
    }
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    writeln!(text, "{arguments}").expect("writing to a string cannot fail");
}

fn folders(text: &mut String, state: &str, folders: &[String], why: &str) {
    for folder in folders {
        line(text, format_args!("{state:<11}  {folder}: {why}"));
    }
}

const HEADINGS: [&str; 8] =
    ["epoch", "age", "owner", "state", "slots", "uncovered", "oldest", "covered"];

fn epochs(epochs: &[&EpochSummary], now: u64) -> String {
    if epochs.is_empty() {
        return String::new();
    }
    let headings = HEADINGS.map(str::to_owned);
    let rows: Vec<_> =
        std::iter::once(headings).chain(epochs.iter().map(|e| row(e, now))).collect();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<_> = (0..HEADINGS.len()).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        let cells: Vec<_> = cells.collect();
        line(&mut text, format_args!("{}", cells.join("  ").trim_end()));
    }
    text
}

fn row(epoch: &EpochSummary, now: u64) -> [String; 8] {
    let state = match (epoch.closed, epoch.adopted, &epoch.owner) {
        (true, _, _) => "closed",
        (false, _, Some(_)) => "open",
        (false, 0, None) => "no owner",
        (false, _, None) => "adopted",
    };
    let covered = epoch.collectable.and(epoch.waiting);
    [
        epoch.epoch.to_string(),
        age(now.saturating_sub(epoch.began)),
        epoch.owner.clone().unwrap_or_else(|| "-".to_owned()),
        state.to_owned(),
        epoch.slots.to_string(),
        pile(&epoch.uncovered),
        epoch.uncovered.oldest.map_or_else(|| "-".to_owned(), |o| age(now.saturating_sub(o))),
        pile(&covered),
    ]
}

fn pile(pile: &Pile) -> String {
    match pile.count {
        0 => "-".to_owned(),
        count => format!("{count} ({})", bytes(pile.bytes)),
    }
}

/// A time span with its one or two largest units.
fn age(seconds: u64) -> String {
    let age = Duration::from_secs(seconds).as_secs();
    match (age / 86_400, age / 3600 % 24, age / 60 % 60, age % 60) {
        (0, 0, 0, s) => format!("{s}s"),
        (0, 0, m, s) => format!("{m}m{s:02}s"),
        (0, h, m, _) => format!("{h}h{m:02}m"),
        (d, h, _, _) => format!("{d}d{h:02}h"),
    }
}

pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut unit = "B";
    let (mut whole, mut tenths) = (bytes, 0);
    for next in UNITS {
        if whole < 1024 {
            break;
        }
        (whole, tenths, unit) = (whole / 1024, whole % 1024 * 10 / 1024, next);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{whole}.{tenths} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        let ages = [(0, "0s"), (59, "59s"), (61, "1m01s"), (3_661, "1h01m"), (90_000, "1d01h")];
        for (seconds, expected) in ages {
            assert_eq!(age(seconds), expected);
        }
        let sizes = [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 20, "5.0 MiB")];
        for (size, expected) in sizes {
            assert_eq!(bytes(size), expected);
        }
    }
}
