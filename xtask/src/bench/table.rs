//! What was promised, and how a measured row is laid beside it.

use super::Row;
use std::fmt::Write;

/// A promise: the row's name, at most this much, in this unit.
struct Target {
    name: &'static str,
    most: f64,
    unit: &'static str,
}

const fn at_most(name: &'static str, most: f64, unit: &'static str) -> Target {
    Target { name, most, unit }
}

/// The cost table, in the order in which it is read.
const TARGETS: &[Target] = &[
    at_most("sidecar RSS, idle", 5.0, "MiB"),
    at_most("sidecar RSS at 1k spans/s", 6.0, "MiB"),
    at_most("sidecar RSS at 10k spans/s", 8.0, "MiB"),
    at_most("sidecar RSS at saturation", 16.0, "MiB"),
    at_most("sidecar CPU per span at 1k spans/s", 2.5, "µs"),
    at_most("sidecar CPU per span at 10k spans/s", 1.5, "µs"),
    at_most("sidecar CPU per span at saturation", 0.8, "µs"),
    at_most("sidecar binary, stripped", 4.0, "MB"),
    at_most("sidecar start to first accepted span", 20.0, "ms"),
    at_most("wire bytes per span, requests as recorded", 30.0, "B"),
    at_most("wire bytes per span, 100 spans a request", 33.0, "B"),
    at_most("wire bytes per span, 10 spans a request", 45.0, "B"),
    at_most("encoding CPU per span", 0.7, "µs"),
    at_most("ingester CPU per span, wire to block", 3.0, "µs"),
    at_most("ingester peak RSS, wire to block, and merging", 300.0, "MiB"),
    at_most("stored bytes per span", 38.0, "B"),
    at_most("ack, 99th percentile, local store", 500.0, "ms"),
    at_most("trace by id, median", 5.0, "ms"),
];

/// The table as text, and below it the rows that no promise names.
pub(super) fn render(rows: &[Row]) -> String {
    let mut lines = vec![["what".to_owned(), "target".to_owned(), "this machine".to_owned()]];
    for target in TARGETS {
        let row = rows.iter().rfind(|row| row.name == target.name);
        let measured = match row {
            None => "not measured".to_owned(),
            Some(row) if row.unit != target.unit => format!("{} {} (unit?)", row.value, row.unit),
            Some(row) if row.value <= target.most => format!("{} {}", number(row.value), row.unit),
            Some(row) => format!("{} {} (missed)", number(row.value), row.unit),
        };
        lines.push([
            target.name.to_owned(),
            format!("≤ {} {}", target.most, target.unit),
            measured,
        ]);
    }
    let known = |row: &&Row| !TARGETS.iter().any(|target| target.name == row.name);
    for row in rows.iter().filter(known) {
        lines.push([
            row.name.clone(),
            String::new(),
            format!("{} {}", number(row.value), row.unit),
        ]);
    }
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let (first, second) = (width(0), width(1));
    let mut text = String::new();
    for [what, target, measured] in &lines {
        // Writing to a string cannot fail.
        writeln!(text, "{what:first$} | {target:second$} | {measured}").unwrap_or_default();
    }
    text
}

/// Three digits that count.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, value: f64, unit: &str) -> Row {
        Row { name: name.into(), value, unit: unit.into() }
    }

    #[test]
    fn rows_stand_beside_their_targets() {
        let rows = [
            row("trace by id, median", 9.0, "ms"),
            row("stored bytes per span", 31.25, "B"),
            row("encoding CPU per span", 1.0, "s"),
            row("something else", 1234.5, "things"),
            row("trace by id, median", 4.0, "ms"),
        ];
        let text = render(&rows);
        let line = |start: &str| text.lines().find(|l| l.starts_with(start)).unwrap().to_owned();
        let cells = |start: &str| {
            line(start).split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(cells("trace by id")[1..], ["≤ 5 ms", "4.00 ms"]);
        assert_eq!(cells("stored")[1..], ["≤ 38 B", "31.2 B"]);
        assert_eq!(cells("encoding")[2], "1 s (unit?)");
        assert_eq!(cells("sidecar RSS, idle")[2], "not measured");
        assert_eq!(cells("something else")[2], "1234 things");
        let missed = render(&[row("trace by id, median", 6.0, "ms")]);
        assert!(missed.contains("6.00 ms (missed)"));
    }
}
