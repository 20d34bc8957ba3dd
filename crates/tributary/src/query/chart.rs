//! Series as small charts: one line each, in characters of eight heights.
//!
//! Pure: series in, lines out.

use super::metrics::{Sample, Series};
use super::moment::utc;
use super::value::{cut, number};
use crate::common::waterfall::duration;
use std::collections::BTreeSet;
use std::time::Duration;

const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Characters of a number.
const NUMBER: usize = 9;
/// Characters behind a chart: three numbers with their names.
const NUMBERS: usize = "  min   max   last ".len() + 3 * NUMBER;
const LEAST_CELLS: usize = 10;
const LONGEST_TITLE: usize = 48;
/// Lines that are not on a terminal.
const USUAL_ROOM: usize = 120;

/// The times of all samples: evenly spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Grid {
    /// First and last, ms since 1970.
    first: u64,
    last: u64,
    step: u64,
}

impl Grid {
    fn of(series: &[Series]) -> Option<Grid> {
        let samples = series.iter().flat_map(|series| &series.samples);
        let times: BTreeSet<u64> = samples.map(|sample| sample.at).collect();
        let (first, last) = (*times.first()?, *times.last()?);
        let gaps = times.iter().zip(times.iter().skip(1)).map(|(a, b)| b - a);
        Some(Grid { first, last, step: gaps.min().unwrap_or(1).max(1) })
    }

    fn slots(self) -> usize {
        let slots = (self.last - self.first) / self.step + 1;
        usize::try_from(slots).unwrap_or(usize::MAX)
    }

    /// The cell, of so many, that a time belongs to.
    fn cell(self, at: u64, cells: usize) -> usize {
        let slot = u128::from((at.saturating_sub(self.first)) / self.step);
        let cell = slot * cells as u128 / self.slots().max(1) as u128;
        usize::try_from(cell).unwrap_or(usize::MAX).min(cells.saturating_sub(1))
    }

    fn heading(self) -> String {
        let [first, last] = [self.first, self.last].map(|ms| utc(Duration::from_millis(ms)));
        match self.slots() {
            1 => format!("{first} UTC"),
            _ => {
                let step = duration(Duration::from_millis(self.step));
                format!("{first} to {last} UTC, a number for every {step}")
            }
        }
    }
}

/// A heading, then a line for each series: its title, its chart, its least, largest and last number.
/// Each chart has a scale of its own, from zero to the largest number. Where several numbers share a
/// cell the largest is drawn, and a cell without any is blank.
pub(crate) fn charts(series: &[Series], room: Option<usize>) -> Vec<String> {
    let Some(grid) = Grid::of(series) else { return Vec::new() };
    let room = room.unwrap_or(USUAL_ROOM);
    let titles: Vec<String> = series.iter().map(Series::title).collect();
    let longest = titles.iter().map(|title| title.chars().count()).max().unwrap_or(0);
    let spare = room.saturating_sub("  ".len() + NUMBERS + LEAST_CELLS);
    let title_width = longest.min(LONGEST_TITLE).min(spare.max(LEAST_CELLS));
    let wide = room.saturating_sub(title_width + "  ".len() + NUMBERS).max(LEAST_CELLS);
    let cells = grid.slots().min(wide);
    let mut lines = vec![grid.heading()];
    for (series, title) in series.iter().zip(&titles) {
        let title = cut(title, title_width);
        let drawn = chart(&series.samples, grid, cells);
        let [min, max, last] = numbers(&series.samples).map(number);
        lines.push(format!(
            "{title:<title_width$}  {drawn}  min {min:<NUMBER$} max {max:<NUMBER$} last {last}"
        ));
    }
    lines
}

/// The line of an instant query for each series: its number.
pub(crate) fn values(series: &[Series]) -> Vec<String> {
    let titles: Vec<String> = series.iter().map(Series::title).collect();
    let width = titles.iter().map(|title| title.chars().count()).max().unwrap_or(0);
    let lines = series.iter().zip(&titles);
    lines.map(|(series, title)| format!("{title:<width$}  {}", number(series.value))).collect()
}

fn chart(samples: &[Sample], grid: Grid, cells: usize) -> String {
    let mut largest = vec![None; cells];
    for Sample { at, value } in samples.iter().filter(|sample| sample.value.is_finite()) {
        if let Some(cell) = largest.get_mut(grid.cell(*at, cells)) {
            *cell = Some(cell.map_or(*value, |other: f64| other.max(*value)));
        }
    }
    let known = || largest.iter().flatten().copied();
    let (bottom, top) = (known().fold(0.0, f64::min), known().fold(0.0, f64::max));
    let height = |value: f64| {
        // Halves, since the largest numbers are further apart than any number is large.
        let part = if top > bottom {
            (value / 2.0 - bottom / 2.0) / (top / 2.0 - bottom / 2.0)
        } else {
            0.0
        };
        // What is above zero stands above it.
        let height = (part * (HEIGHTS.len() - 1) as f64).ceil() as usize;
        HEIGHTS.get(height).copied().unwrap_or('█')
    };
    largest.iter().map(|cell| cell.map_or(' ', height)).collect()
}

/// The least, the largest and the last number; none of them where there is none.
fn numbers(samples: &[Sample]) -> [f64; 3] {
    let known = || samples.iter().map(|sample| sample.value).filter(|value| !value.is_nan());
    let fold = |better: fn(f64, f64) -> f64| known().reduce(better).unwrap_or(f64::NAN);
    [fold(f64::min), fold(f64::max), fold(|_, last| last)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(label: &str, samples: &[(u64, f64)]) -> Series {
        let labels = format!(r#"{{"labels":[{{"key":"s","value":{{"stringValue":"{label}"}}}}]}}"#);
        let mut series: Series = serde_json::from_str(&labels).unwrap();
        series.samples = samples.iter().map(|&(at, value)| Sample { at, value }).collect();
        series
    }

    #[test]
    fn series_are_lines() {
        let start = 1_796_040_000_000;
        let at = |n: u64| start + n * 60_000;
        let rising: Vec<_> = (0..8).map(|n| (at(n), n as f64)).collect();
        let all = [
            series("a", &rising),
            series("longer", &[(at(1), 0.5), (at(3), 0.25), (at(4), f64::NAN)]),
            series("none", &[(at(0), 0.0)]),
        ];
        let expected = [
            "2026-11-30 12:00:00 to 2026-11-30 12:07:00 UTC, a number for every 60.00 s",
            "s=a       ▁▂▃▄▅▆▇█  min 0         max 7         last 7",
            "s=longer   █ ▅      min 0.25      max 0.5       last 0.25",
            "s=none    ▁         min 0         max 0         last 0",
        ];
        assert_eq!(charts(&all, None), expected);
        assert!(charts(&[], None).is_empty());
        assert!(charts(&[series("a", &[])], None).is_empty());
    }

    #[test]
    fn many_samples_share_cells_and_peaks_stay() {
        let mut samples: Vec<_> = (0..1000).map(|n| (n * 1000, 1.0)).collect();
        samples[500].1 = 100.0;
        for room in [0, 60, 80, 160] {
            let lines = charts(&[series("a", &samples)], Some(room));
            assert!(lines[1].chars().count() <= room.max(70), "{lines:?}");
            assert_eq!(lines[1].matches('█').count(), 1, "{lines:?}");
            assert!(lines[1].contains("min 1 ") && lines[1].contains("max 100 "), "{lines:?}");
        }
    }

    #[test]
    fn odd_numbers_are_drawn_too() {
        let table: [(&[f64], &str); 6] = [
            (&[-1.0, 0.0, 1.0], "▁▅█"),
            (&[-2.0, -1.0], "▁▅"),
            (&[5.0], "█"),
            (&[0.0, 0.001, 100.0], "▁▂█"),
            (&[f64::INFINITY, 1.0], " █"),
            (&[f64::MAX, f64::MIN], "█▁"),
        ];
        for (values, expected) in table {
            let samples: Vec<_> =
                (0..).zip(values).map(|(at, &value)| Sample { at, value }).collect();
            let last = samples.len() as u64 - 1;
            let grid = Grid { first: 0, last, step: 1 };
            assert_eq!(chart(&samples, grid, samples.len()), expected, "{values:?}");
        }
    }

    #[test]
    fn instant_queries_have_one_number() {
        let mut all = [series("a", &[]), series("bcd", &[])];
        all[0].value = 12.5;
        assert_eq!(values(&all), ["s=a    12.5", "s=bcd  0"]);
    }
}
