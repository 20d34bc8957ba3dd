//! What the two programs say of themselves, as one line.

use crate::common::http::Http;
use std::time::Duration;

/// Counters, by the name under which the programs publish them, since their start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Spans that the sidecar took.
    pub(crate) accepted: u64,
    /// Spans that are in object storage, by the sidecar's count of acknowledgements.
    pub(crate) acked: u64,
    /// Bytes that the sidecar sent to the ingester.
    pub(crate) wire_bytes: u64,
    /// Spans in blocks.
    pub(crate) stored: u64,
    /// Bytes of blocks.
    pub(crate) block_bytes: u64,
}

impl Figures {
    /// Reads both pages anew; a program that does not answer leaves its figures as they are.
    pub(crate) async fn refresh(&mut self, http: &Http, sidecar: &str, ingester: &str) {
        let (sidecar, ingester) = tokio::join!(http.get(sidecar, "*/*"), http.get(ingester, "*/*"));
        if let Ok((_, page)) = sidecar {
            let page = String::from_utf8_lossy(&page);
            self.accepted = total(&page, "tributary_sidecar_spans_accepted_total");
            self.acked = total(&page, "tributary_sidecar_spans_acked_total");
            self.wire_bytes = total(&page, "tributary_sidecar_wire_bytes_total");
        }
        if let Ok((_, page)) = ingester {
            let page = String::from_utf8_lossy(&page);
            self.stored = total(&page, "tributary_ingester_spans_stored_total");
            self.block_bytes = total(&page, "tributary_ingester_block_bytes_total");
        }
    }

    /// What was counted since `before`.
    pub(crate) fn since(&self, before: &Figures) -> Figures {
        Figures {
            accepted: self.accepted.saturating_sub(before.accepted),
            acked: self.acked.saturating_sub(before.acked),
            wire_bytes: self.wire_bytes.saturating_sub(before.wire_bytes),
            stored: self.stored.saturating_sub(before.stored),
            block_bytes: self.block_bytes.saturating_sub(before.block_bytes),
        }
    }

    /// The line. Each later place may lag behind the one before.
    pub(crate) fn line(&self, elapsed: Duration, sent: u64) -> String {
        let each = |bytes: u64, spans: u64| match spans {
            0 => String::new(),
            _ => format!(" ({:.1}/span)", bytes as f64 / spans as f64),
        };
        format!(
            "{:>4.0} s  sent {}  acked {}  stored {} spans   wire {}{}  blocks {}{}",
            elapsed.as_secs_f64(),
            count(sent),
            count(self.acked),
            count(self.stored),
            bytes(self.wire_bytes),
            each(self.wire_bytes, self.acked),
            bytes(self.block_bytes),
            each(self.block_bytes, self.stored),
        )
    }
}

/// Sum of the samples of a metric on a page of Prometheus' text format; 0 when there is none.
fn total(page: &str, metric: &str) -> u64 {
    let value = |line: &str| -> Option<f64> {
        let rest = line.strip_prefix(metric)?;
        let rest = match rest.strip_prefix('{') {
            // The values of our own labels have no braces.
            Some(labelled) => labelled.split_once('}')?.1,
            None => rest,
        };
        rest.strip_prefix(' ')?.split(' ').next()?.parse().ok()
    };
    // Counters are whole and far below the 2^53 that a float holds exactly.
    page.lines().filter_map(value).sum::<f64>() as u64
}

/// `1234567` as `1,234,567`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of bytes in three digits.
pub(crate) fn bytes(n: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (n as f64, 0);
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let name = units.get(unit).copied().unwrap_or_default();
    let digits = usize::from(unit > 0 && value < 99.95);
    format!("{value:.digits$} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_a_metric_are_summed() {
        let page = "# TYPE a counter\n\
                    a_total{kind=\"x\"} 3\n\
                    a_total{kind=\"y\",z=\"1 2\"} 4 1700000000\n\
                    a_total_other 100\n\
                    b_total 7\n\
                    c_total 1.5e3\n";
        for (metric, expected) in
            [("a_total", 7), ("b_total", 7), ("c_total", 1500), ("d_total", 0)]
        {
            assert_eq!(total(page, metric), expected, "{metric}");
        }
    }

    #[test]
    fn numbers_are_easy_to_read() {
        for (n, expected) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(n), expected);
        }
        let table = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 KiB"),
            (10_240, "10.0 KiB"),
            (500 << 10, "500 KiB"),
            (1023 << 10, "1.0 MiB"),
            (5 << 40, "5.0 TiB"),
        ];
        for (n, expected) in table {
            assert_eq!(bytes(n), expected);
        }
    }

    #[test]
    fn the_line_names_every_place() {
        let figures = Figures {
            accepted: 1_300,
            acked: 1_200,
            wire_bytes: 36_000,
            stored: 0,
            block_bytes: 0,
        };
        assert_eq!(
            figures.line(Duration::from_millis(12_300), 1_300),
            "  12 s  sent 1,300  acked 1,200  stored 0 spans   wire 35.2 KiB (30.0/span)  blocks 0 B"
        );
    }
}
