//! The text of the file, into limits: every mistake at once, each with its line.
//!
//! ```yaml
//! defaults:                  # for each tenant that says nothing else
//!   spans_per_second: 20000
//!   bytes_per_second: 20MiB
//!   burst: 2s
//!   memory: 25%
//!   trace_spans: 100000
//!   retention: 14d
//!   queries: 8
//!   query_range: 7d
//!   query_bytes: 20GiB
//! tenants:
//!   pay: {spans_per_second: 500, bytes_per_second: none}
//! ```

use super::{Limits, Retention, TenantLimits};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use tributary_settings::hint;
use tributary_settings::value::{duration, size};
use tributary_settings::yaml::{self, Entry, Value};
use tributary_span::tenant;

/// What is wrong with the file, each with its line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes(pub Vec<String>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

/// What lifts a limit.
const NONE: &str = "none";
/// The names of all limits.
const NAMES: [&str; 9] = [
    "spans_per_second",
    "bytes_per_second",
    "burst",
    "memory",
    "trace_spans",
    "retention",
    "queries",
    "query_range",
    "query_bytes",
];
/// A bucket holds at least what comes in this time, and at most what comes in that.
const BURST: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(3600);

impl Limits {
    /// Reads a file's text; JSON is YAML, too. One without content limits nothing.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn read(text: &str) -> Result<Limits, Mistakes> {
        let root = yaml::read(text).map_err(|why| Mistakes(vec![why]))?;
        let mut mistakes = Vec::new();
        let mut limits = Limits::default();
        let mut named: Vec<(String, Vec<Entry>)> = Vec::new();
        for Entry { line, key, value } in map(root.line, "the file", root.value, &mut mistakes) {
            match key.as_str() {
                "defaults" => {
                    let entries = map(line, "`defaults`", value, &mut mistakes);
                    set_all(&mut limits.defaults, entries, &mut mistakes);
                }
                "tenants" => {
                    for tenant in map(line, "`tenants`", value, &mut mistakes) {
                        if let Err(why) = tenant::check(&tenant.key) {
                            mistakes.push(format!("line {}: `{}`: {why}", tenant.line, tenant.key));
                        }
                        let what = format!("`{}`", tenant.key);
                        let entries = map(tenant.line, &what, tenant.value, &mut mistakes);
                        named.push((tenant.key, entries));
                    }
                }
                other => {
                    let near = hint(other, ["defaults", "tenants"].map(str::to_owned));
                    mistakes.push(format!(
                        "line {line}: `{other}`: unknown; the file has `defaults` and `tenants`{near}"
                    ));
                }
            }
        }
        let tenants = named.into_iter().map(|(name, entries)| {
            let mut own = limits.defaults.clone();
            set_all(&mut own, entries, &mut mistakes);
            (name, own)
        });
        limits.tenants = tenants.collect::<BTreeMap<_, _>>();
        if mistakes.is_empty() { Ok(limits) } else { Err(Mistakes(mistakes)) }
    }
}

/// The entries of a map; nothing is an empty one.
fn map(line: usize, what: &str, value: Value, mistakes: &mut Vec<String>) -> Vec<Entry> {
    match value {
        Value::Map(entries) => entries,
        Value::Null => Vec::new(),
        Value::Text(_) | Value::List(_) => {
            mistakes.push(format!("line {line}: {what} must be a map, `name: value` in each line"));
            Vec::new()
        }
    }
}

fn set_all(limits: &mut TenantLimits, entries: Vec<Entry>, mistakes: &mut Vec<String>) {
    for Entry { line, key, value } in entries {
        let outcome = match value {
            Value::Text(text) => set(limits, &key.replace('-', "_"), text.trim()),
            Value::Null => Err(format!("has no value; `{NONE}` lifts the limit")),
            Value::List(_) | Value::Map(_) => Err("must be one value".to_owned()),
        };
        if let Err(why) = outcome {
            mistakes.push(format!("line {line}: `{key}`: {why}"));
        }
    }
}

/// Sets one limit.
fn set(limits: &mut TenantLimits, name: &str, text: &str) -> Result<(), String> {
    match name {
        "spans_per_second" => limits.spans_per_second = lifted(text, count)?,
        "bytes_per_second" => limits.bytes_per_second = lifted(text, bytes)?,
        "burst" => limits.burst = burst(text)?,
        "memory" => limits.memory = lifted(text, part)?,
        "trace_spans" => limits.trace_spans = lifted(text, number)?,
        "retention" => {
            let told = |why| format!("{why}; `{NONE}` lifts the limit");
            limits.retention = Some(Retention::read(text).map_err(told)?);
        }
        "queries" => limits.queries = lifted(text, number)?,
        "query_range" => limits.query_range = lifted(text, time)?,
        "query_bytes" => limits.query_bytes = lifted(text, bytes)?,
        other => {
            let near = hint(other, NAMES.map(str::to_owned));
            let near = match near.is_empty() {
                true => format!("; there are {}", NAMES.join(", ")),
                false => near,
            };
            return Err(format!("no such limit{near}"));
        }
    }
    Ok(())
}

fn lifted<T>(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    match text {
        NONE => Ok(None),
        text => read(text).map(Some).map_err(|why| format!("{why}; `{NONE}` lifts the limit")),
    }
}

fn count(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("must be more than 0".to_owned()),
        Ok(count) => Ok(count),
        Err(_) => Err(format!("`{text}` is no number such as `5000`")),
    }
}

fn number(text: &str) -> Result<usize, String> {
    usize::try_from(count(text)?).map_err(|_| format!("`{text}` is too large"))
}

fn bytes(text: &str) -> Result<u64, String> {
    match size(text)? {
        0 => Err("must be more than 0".to_owned()),
        bytes => Ok(bytes as u64),
    }
}

fn time(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("must be more than 0".to_owned()),
        time => Ok(time),
    }
}

fn burst(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        time if BURST.contains(&time) => Ok(time),
        _ => Err(format!("`{text}` is not between 100ms and 1h")),
    }
}

fn part(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    match percent {
        Some(percent) if percent > 0.0 && percent <= 100.0 => Ok(percent / 100.0),
        _ => Err(format!("`{text}` is no part such as `25%`, above 0% and up to 100%")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_the_defaults_for_what_it_does_not_say() {
        let example = include_str!("read.rs").lines().skip_while(|l| *l != "//! ```yaml");
        let lines = example.skip(1).take_while(|l| *l != "//! ```");
        let text: String = lines.map(|l| format!("{}\n", l.trim_start_matches("//! "))).collect();
        let limits = Limits::read(&text).unwrap();
        let day = Duration::from_secs(86_400);
        let defaults = TenantLimits {
            spans_per_second: Some(20_000),
            bytes_per_second: Some(20 << 20),
            burst: Duration::from_secs(2),
            memory: Some(0.25),
            trace_spans: Some(100_000),
            retention: Some(Retention::For(14 * day)),
            queries: Some(8),
            query_range: Some(7 * day),
            query_bytes: Some(20 << 30),
        };
        let pay = TenantLimits {
            spans_per_second: Some(500),
            bytes_per_second: None,
            ..defaults.clone()
        };
        assert_eq!((limits.of("pay"), limits.of("shop")), (&pay, &defaults));
        // What comes after counts as well.
        let late = "tenants: {a: {queries: 1}}\ndefaults: {query-range: 1h}\n";
        let late = Limits::read(late).unwrap();
        assert_eq!(late.of("a").query_range, Some(Duration::from_secs(3600)));
    }

    #[test]
    fn the_page_has_every_limit() {
        let page = include_str!("../../../../docs/limits.md");
        let (_, section) = page.split_once("\n## Tenants\n").unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let mut rows: Vec<&str> = rows.collect();
        let mut names = NAMES;
        rows.sort_unstable();
        names.sort_unstable();
        assert_eq!(rows, names);
    }

    #[test]
    fn nothing_limits_nothing() {
        for text in ["", "# nothing\n", "defaults:\ntenants:\n", "{}", "tenants: {a: }"] {
            let limits = Limits::read(text).unwrap();
            assert_eq!(limits.of("a"), &TenantLimits::default(), "{text}");
        }
    }

    #[test]
    fn every_mistake_is_told_with_its_line_and_what_to_do() {
        let table: [(&str, &[&str]); 14] = [
            (
                "default: {}",
                &[
                    "line 1: `default`: unknown; the file has `defaults` and `tenants`; did you mean `defaults`?",
                ],
            ),
            (
                "defaults:\n  spans_per_secnd: 5\n",
                &["line 2: `spans_per_secnd`: no such limit; did you mean `spans_per_second`?"],
            ),
            (
                "defaults:\n  zzz: 5\n",
                &["line 2: `zzz`: no such limit; there are spans_per_second, "],
            ),
            (
                "tenants:\n  a:\n    queries: many\n",
                &["line 3: `queries`: `many` is no number such as `5000`; `none` lifts the limit"],
            ),
            ("tenants: {a: {spans_per_second: 0}}", &["must be more than 0; `none` lifts"]),
            ("tenants: {a: {bytes_per_second: 5 mib}}", &["`mib` is no unit of size"]),
            ("tenants: {a: {memory: 0.5}}", &["`0.5` is no part such as `25%`"]),
            ("tenants: {a: {memory: 101%}}", &["up to 100%"]),
            ("tenants: {a: {burst: 1d}}", &["is not between 100ms and 1h"]),
            ("tenants: {a: {retention: }}", &["`retention`: has no value; `none` lifts"]),
            ("tenants: {a: {queries: [1]}}", &["`queries`: must be one value"]),
            (
                "tenants: [a]\ndefaults: 5\n",
                &["line 1: `tenants` must be a map", "line 2: `defaults` must be a map"],
            ),
            (
                "tenants:\n  a/b: {queries: x}\n  c: {queries: y}\n",
                &[
                    "line 2: `a/b`: a tenant id has letters",
                    "line 2: `queries`",
                    "line 3: `queries`",
                ],
            ),
            ("tenants:\n  a: {}\n  a: {}\n", &["line 3: `a` is there a second time"]),
        ];
        for (text, expected) in table {
            let told = Limits::read(text).unwrap_err().0;
            assert_eq!(told.len(), expected.len(), "{text}: {told:?}");
            for (told, expected) in told.iter().zip(expected) {
                assert!(told.contains(expected), "{text}: {told}");
            }
        }
    }
}
