//! A trace as a picture: one line a span, indented under its parent, a bar for its time.
//!
//! Pure: columns in, lines out.

use std::collections::BTreeMap;
use std::time::Duration;
use tributary_span::columns::ValueType;
use tributary_span::{Columns, SpanId};

/// How the picture may look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// Characters a line may have.
    pub(crate) width: usize,
    /// Whether colours are wanted.
    pub(crate) colour: bool,
}

const RESET: &str = "\x1b[0m";
const DIM: &str = "\x1b[2m";
const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[31m";
/// One for each service, in order of appearance: cyan, magenta, yellow, blue, green.
const SERVICES: [&str; 5] = ["\x1b[36m", "\x1b[35m", "\x1b[33m", "\x1b[34m", "\x1b[32m"];

const STATUS_ERROR: i32 = 2;
const DURATION_WIDTH: usize = 8;
const LEAST_BAR: usize = 10;

/// The picture of the trace in `columns`: a heading, then the spans. Children stand under their
/// parents by their start; spans whose parent is not there stand like roots.
pub(crate) fn waterfall(columns: &Columns, style: Style) -> Vec<String> {
    let rows = outline(columns);
    let services = services(columns);
    let service = |row: usize| services.get(row).copied().unwrap_or((0, ""));
    let start = columns.spans.start.iter().copied().min().unwrap_or(0);
    let end = columns.spans.end.iter().copied().max().unwrap_or(0).max(start);

    let names: Vec<String> = rows.iter().map(|&(row, depth)| name(columns, row, depth)).collect();
    let longest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
    let service_width = longest(&mut services.iter().map(|(_, name)| name.chars().count())).min(16);
    let fixed = "    ".len()
        + service_width
        + " ".len()
        + " ".len()
        + DURATION_WIDTH
        + " ✗".chars().count();
    let rest = style.width.saturating_sub(fixed);
    let wanted = longest(&mut names.iter().map(|name| name.chars().count()));
    let name_width = wanted.min(rest.saturating_sub(LEAST_BAR).min(rest * 3 / 5));
    let bar_width = rest.saturating_sub(name_width).max(1);

    let paint = |colour: &str, text: &str| {
        let plain = !style.colour || text.is_empty();
        if plain { text.to_owned() } else { format!("{colour}{text}{RESET}") }
    };
    let mut lines = vec![heading(columns, &services, end - start, &paint)];
    for (&(row, _), name) in rows.iter().zip(&names) {
        let (number, service) = service(row);
        let failed = columns.spans.status_code.get(row) == Some(&STATUS_ERROR);
        let from = pick(&columns.spans.start, row);
        let to = pick(&columns.spans.end, row).max(from);
        let (before, length) = bar(from - start, to - start, end - start, bar_width);
        let colour = SERVICES.get(number % SERVICES.len()).copied().unwrap_or_default();
        let mark = if failed { paint(RED, "✗") } else { " ".to_owned() };
        let filled = "█".repeat(length);
        lines.push(format!(
            "  {}  {} {}{}{} {}{mark}",
            paint(colour, &fit(service, service_width)),
            fit(name, name_width),
            paint(DIM, &"·".repeat(before)),
            paint(if failed { RED } else { colour }, &filled),
            paint(DIM, &"·".repeat(bar_width.saturating_sub(before + length))),
            format_args!("{:>DURATION_WIDTH$} ", duration(Duration::from_nanos(to - from))),
        ));
    }
    lines
}

fn heading(
    columns: &Columns,
    services: &[(usize, &str)],
    duration_ns: u64,
    paint: &impl Fn(&str, &str) -> String,
) -> String {
    let errors = columns.spans.status_code.iter().filter(|&&code| code == STATUS_ERROR).count();
    let kinds = services.iter().map(|(number, _)| number + 1).max().unwrap_or(0);
    let mut text = format!(
        "trace {}: {}, {}, {}",
        paint(BOLD, &columns.trace_of(0).to_string()),
        plural(columns.len(), "span"),
        plural(kinds, "service"),
        duration(Duration::from_nanos(duration_ns)),
    );
    if errors > 0 {
        text += ", ";
        text += &paint(RED, &format!("{} with an error", plural(errors, "span")));
    }
    text
}

fn plural(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Rows in the order of the picture, each with its depth.
fn outline(columns: &Columns) -> Vec<(usize, usize)> {
    let spans = &columns.spans;
    let ids: BTreeMap<SpanId, usize> = spans.id.iter().copied().zip(0..).collect();
    let mut children: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for (row, parent) in spans.parent.iter().enumerate() {
        // A span that names itself as its parent is a root as well.
        let parent = ids.get(parent).copied().filter(|&parent| parent != row);
        children.entry(parent).or_default().push(row);
    }
    let start = |&row: &usize| (pick(&spans.start, row), row);
    children.values_mut().for_each(|rows| rows.sort_by_key(start));

    let mut seen = vec![false; columns.len()];
    let mut outline = Vec::with_capacity(columns.len());
    // Spans that are each other's ancestors hang from no root: each unseen row is tried last.
    let roots = children.remove(&None).unwrap_or_default();
    for root in roots.into_iter().chain(0..columns.len()) {
        let mut stack = vec![(root, 0)];
        while let Some((row, depth)) = stack.pop() {
            let Some(seen) = seen.get_mut(row).filter(|seen| !**seen) else { continue };
            *seen = true;
            outline.push((row, depth));
            let below = children.get(&Some(row)).into_iter().flatten();
            stack.extend(below.rev().map(|&child| (child, depth + 1)));
        }
    }
    outline
}

/// For each row the number and the name of its service.
fn services(columns: &Columns) -> Vec<(usize, &str)> {
    let mut known: Vec<&str> = Vec::new();
    let of = |&resource: &u32| {
        let name = columns
            .attrs_of_resource(resource as usize)
            .find(|attr| {
                attr.value_type == ValueType::Str && columns.texts.str(attr.key) == "service.name"
            })
            .map_or("?", |attr| columns.texts.str(attr.text()));
        let number = known.iter().position(|&k| k == name).unwrap_or_else(|| {
            known.push(name);
            known.len() - 1
        });
        (number, name)
    };
    columns.spans.resource.iter().map(of).collect()
}

fn name(columns: &Columns, row: usize, depth: usize) -> String {
    let name = columns.texts.str(pick(&columns.spans.name, row));
    // Names come from outside: nothing in them may move the cursor.
    let clean: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let indent = "  ".repeat(depth.saturating_sub(1).min(20));
    if depth == 0 { clean } else { format!("{indent}└ {clean}") }
}

/// `text` in exactly `width` characters.
fn fit(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return format!("{text}{}", " ".repeat(width - length));
    }
    let cut: String = text.chars().take(width.saturating_sub(1)).collect();
    if width == 0 { cut } else { cut + "…" }
}

/// Cells before a bar and of the bar, which has at least one and ends within `width`.
fn bar(from: u64, to: u64, total: u64, width: usize) -> (usize, usize) {
    let cell = |time: u64, round_up: u128| {
        let total = u128::from(total.max(1));
        let scaled = (u128::from(time) * width as u128 + round_up * (total - 1)) / total;
        usize::try_from(scaled).unwrap_or(width).min(width)
    };
    let first = cell(from, 0).min(width.saturating_sub(1));
    let last = cell(to, 1).max(first + 1);
    (first, last - first)
}

/// A duration in three or four digits.
pub(crate) fn duration(time: Duration) -> String {
    let us = time.as_secs_f64() * 1e6;
    match us {
        ..0.9995 => format!("{} ns", time.as_nanos()),
        ..999.5 => format!("{us:.0} µs"),
        ..99_950.0 => format!("{:.1} ms", us / 1e3),
        ..999_500.0 => format!("{:.0} ms", us / 1e3),
        ..99_950_000.0 => format!("{:.2} s", us / 1e6),
        _ => format!("{:.0} s", us / 1e6),
    }
}

fn pick<T: Copy + Default>(column: &[T], row: usize) -> T {
    column.get(row).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
