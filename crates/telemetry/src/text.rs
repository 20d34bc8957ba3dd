//! Prometheus' text format, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use crate::metric::Histogram;
use std::fmt::{self, Write};

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// It only rises.
    Counter,
    /// It rises and falls.
    Gauge,
    /// It counts values by buckets.
    Histogram,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Type::Counter => "counter",
            Type::Gauge => "gauge",
            Type::Histogram => "histogram",
        }
    }
}

/// The answer to a scrape while it is written: a family's head, its samples, the next family.
#[derive(Debug)]
pub struct Text {
    prefix: &'static str,
    text: String,
}

impl Text {
    /// Nothing yet. `prefix` goes before each name.
    pub fn new(prefix: &'static str) -> Self {
        Text { prefix, text: String::new() }
    }

    /// The head of a family: its samples must follow. `help` is one line without a backslash.
    pub fn family(&mut self, name: &str, r#type: Type, help: &str) {
        let name = format!("{}{name}", self.prefix);
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {}\n", r#type.name()));
    }

    /// One sample of the family at hand. A counter's name ends with `_total`.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl fmt::Display) {
        let prefix = self.prefix;
        self.write(format_args!("{prefix}{name}"));
        for (i, (label, value)) in labels.iter().enumerate() {
            let open = if i == 0 { '{' } else { ',' };
            self.write(format_args!("{open}{label}=\"{}\"", Escaped(value)));
        }
        let close = if labels.is_empty() { "" } else { "}" };
        self.write(format_args!("{close} {value}\n"));
    }

    /// The samples of a histogram.
    pub fn histogram(&mut self, name: &str, histogram: &Histogram) {
        let (sum, buckets) = histogram.read();
        let count = buckets.last().map_or(0, |(_, count)| *count);
        self.sample(&format!("{name}_sum"), &[], Float(sum));
        self.sample(&format!("{name}_count"), &[], count);
        let bucket = format!("{name}_bucket");
        for (bound, count) in buckets {
            self.sample(&bucket, &[("le", &Float(bound).to_string())], count);
        }
    }

    /// Everything that was written.
    pub fn into_string(self) -> String {
        self.text
    }

    fn write(&mut self, text: fmt::Arguments<'_>) {
        self.text.write_fmt(text).unwrap_or_else(|_| unreachable!("writing to a string"));
    }
}

/// A float as the format has it: always told from a whole number, and `+Inf` where it is infinite.
struct Float(f64);

impl fmt::Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == f64::INFINITY { f.write_str("+Inf") } else { write!(f, "{:?}", self.0) }
    }
}

/// A label's value: backslash, quote and end of line are escaped.
struct Escaped<'v>(&'v str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            other => f.write_char(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut text = Text::new("a_");
        text.sample("b", &[], 1);
        text.sample("b", &[("x", "1"), ("y", "p\"q\\r\ns")], -2);
        assert_eq!(text.into_string(), "a_b 1\na_b{x=\"1\",y=\"p\\\"q\\\\r\\ns\"} -2\n");
    }

    #[test]
    fn histograms_end_with_infinity() {
        let histogram = Histogram::new(&[0.001, 1.0]);
        histogram.observe(0.5);
        histogram.observe(7.0);
        let mut text = Text::new("");
        text.family("h", Type::Histogram, "Seconds.");
        text.histogram("h", &histogram);
        let expected = [
            "# HELP h Seconds.",
            "# TYPE h histogram",
            "h_sum 7.5",
            "h_count 2",
            "h_bucket{le=\"0.001\"} 0",
            "h_bucket{le=\"1.0\"} 1",
            "h_bucket{le=\"+Inf\"} 2",
        ];
        assert_eq!(text.into_string().lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn floats_are_never_whole_numbers() {
        let table = [(0.0, "0.0"), (7.0, "7.0"), (0.25, "0.25"), (f64::INFINITY, "+Inf")];
        for (value, expected) in table {
            assert_eq!(Float(value).to_string(), expected);
        }
    }
}
