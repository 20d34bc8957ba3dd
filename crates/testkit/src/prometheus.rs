//! Prometheus' text format, read as far as tests need it.

use std::collections::BTreeMap;

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Name, with `_total`, `_bucket` and the like.
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Value.
    pub value: f64,
}

/// What a page says of one family before its samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// Its name: of a counter that of its samples, `_total` included.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub r#type: String,
    /// What it means.
    pub help: String,
}

/// The families of a page, in order.
///
/// # Errors
/// The first `# HELP` that no `# TYPE` of the same name follows.
pub fn families(text: &str) -> Result<Vec<Family>, String> {
    let mut families = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(head) = line.strip_prefix("# HELP ") {
            let family = family(head, lines.next().unwrap_or_default());
            families.push(family.ok_or_else(|| line.to_owned())?);
        }
    }
    Ok(families)
}

fn family(head: &str, next: &str) -> Option<Family> {
    let (name, help) = head.split_once(' ')?;
    let r#type = next.strip_prefix("# TYPE ")?.strip_prefix(name)?.strip_prefix(' ')?;
    Some(Family { name: name.to_owned(), r#type: r#type.to_owned(), help: help.to_owned() })
}

/// The samples of one scrape, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics(pub Vec<Sample>);

impl Metrics {
    /// Reads a page.
    ///
    /// # Errors
    /// The first line that is neither a comment nor a sample.
    pub fn parse(text: &str) -> Result<Metrics, String> {
        let lines = text.lines().filter(|l| !l.is_empty() && !l.starts_with('#'));
        let samples = lines.map(|line| sample(line).ok_or_else(|| line.to_owned()));
        samples.collect::<Result<_, _>>().map(Metrics)
    }

    /// Sum of the samples of this name that carry all these labels; `None` when there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let fits = |s: &&Sample| {
            let has = |(k, v): &(&str, &str)| s.labels.get(*k).is_some_and(|x| x == v);
            s.name == name && labels.iter().all(has)
        };
        let mut found = self.0.iter().filter(fits).peekable();
        found.peek()?;
        Some(found.map(|s| s.value).sum())
    }

    /// A quantile of a histogram (its name without `_bucket`), 0 to 1, as Prometheus computes it:
    /// what was observed is taken to be spread evenly over its bucket. `None` when nothing was
    /// observed. What lies above the last bound counts as that bound.
    pub fn quantile(&self, name: &str, q: f64) -> Option<f64> {
        let name = format!("{name}_bucket");
        let buckets = self.0.iter().filter(|s| s.name == name);
        let bound = |s: &Sample| s.labels.get("le")?.parse::<f64>().ok();
        let mut buckets: Vec<(f64, f64)> =
            buckets.filter_map(|s| Some((bound(s)?, s.value))).collect();
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let rank = buckets.last().map(|(_, count)| count * q).filter(|_| q > 0.0)?;
        let (mut from, mut below) = (0.0, 0.0);
        for (to, count) in buckets {
            if count >= rank && count > below {
                let part = (rank - below) / (count - below);
                return Some(if to.is_finite() { from + (to - from) * part } else { from });
            }
            (from, below) = (to, count);
        }
        None
    }
}

fn sample(line: &str) -> Option<Sample> {
    let name_end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(name_end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample { name: name.to_owned(), labels, value })
}

/// Reads `k="v",…}` and gives what stands behind the brace.
fn labels(mut rest: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (key, behind) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut chars = behind.char_indices();
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        labels.insert(key.to_owned(), value);
        rest = behind.get(end + 1..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_and_summed() {
        let text = "# HELP a b\n# TYPE a counter\na_total{x=\"1\",y=\"p\\\"q\\n\"} 2\n\
                    a_total{x=\"2\"} 3.5 1700000000\nb 1e3\nle{le=\"+Inf\"} +Inf\n# EOF\n";
        let metrics = Metrics::parse(text).unwrap();
        assert_eq!(metrics.0.len(), 4);
        assert_eq!(metrics.sum("a_total", &[]), Some(5.5));
        assert_eq!(metrics.sum("a_total", &[("y", "p\"q\n")]), Some(2.0));
        assert_eq!(metrics.sum("b", &[]), Some(1000.0));
        assert_eq!(metrics.sum("a", &[]), None);
        assert_eq!(metrics.sum("le", &[]), Some(f64::INFINITY));
        assert_eq!(Metrics::parse("no sample").unwrap_err(), "no sample");
    }

    #[test]
    fn families_are_read_in_order() {
        let text = "# HELP a_total What a is.\n# TYPE a_total counter\na_total 1\n\
                    # HELP b B.\n# TYPE b gauge\nb 2\n# EOF\n";
        let family = |name: &str, r#type: &str, help: &str| Family {
            name: name.to_owned(),
            r#type: r#type.to_owned(),
            help: help.to_owned(),
        };
        let expected = [family("a_total", "counter", "What a is."), family("b", "gauge", "B.")];
        assert_eq!(families(text).unwrap(), expected);
        for wrong in ["# HELP a", "# HELP a x", "# HELP a x\n# TYPE b gauge"] {
            assert!(families(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn quantiles_lie_inside_their_bucket() {
        let text = "h_bucket{le=\"1\"} 0\nh_bucket{le=\"2\"} 10\nh_bucket{le=\"4\"} 90\n\
                    h_bucket{le=\"+Inf\"} 100\nh_count 100\nh_sum 1\n\
                    none_bucket{le=\"1\"} 0\nnone_bucket{le=\"+Inf\"} 0\n";
        let metrics = Metrics::parse(text).unwrap();
        let table = [(0.05, 1.5), (0.1, 2.0), (0.5, 3.0), (0.9, 4.0), (0.99, 4.0)];
        for (q, expected) in table {
            assert_eq!(metrics.quantile("h", q), Some(expected), "{q}");
        }
        assert_eq!(metrics.quantile("none", 0.5), None);
        assert_eq!(metrics.quantile("other", 0.5), None);
    }
}
