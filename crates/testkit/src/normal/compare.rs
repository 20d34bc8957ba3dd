//! What differs between spans that were sent and spans that came back.

use super::NormalSpan;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// Spans named in a message; the rest is counted.
const SHOWN: usize = 5;

/// Characters shown of a value that differs.
const EXCERPT: usize = 300;

/// Characters shown of what is the same before it.
const BEFORE: usize = 60;

/// Names every field in which two spans differ, with both values.
pub fn differences(expected: &NormalSpan, got: &NormalSpan) -> Vec<String> {
    let mut found = Vec::new();
    macro_rules! fields {
        ($($field:ident),+ $(,)?) => {
            // Taking the struct apart by name: a field that is added later cannot be forgotten.
            let NormalSpan { $($field: _),+ } = expected;
            $(field(&mut found, stringify!($field), &expected.$field, &got.$field);)+
        };
    }
    fields!(
        trace_id,
        span_id,
        parent_id,
        kind,
        name,
        start,
        end,
        trace_state,
        flags,
        status_code,
        status_message,
        attributes,
        dropped_attributes,
        events,
        dropped_events,
        links,
        dropped_links,
        resource,
        scope,
    );
    found
}

fn field<T: PartialEq + Debug>(found: &mut Vec<String>, name: &str, expected: &T, got: &T) {
    if expected != got {
        let (expected, got) = (format!("{expected:?}"), format!("{got:?}"));
        let same = expected.chars().zip(got.chars()).take_while(|(a, b)| a == b).count();
        let from = same.saturating_sub(BEFORE);
        let [expected, got] = [expected, got].map(|text| excerpt(&text, from));
        found.push(format!("{name}:\n    expected {expected}\n    got      {got}"));
    }
}

/// What can be read at a glance, from character `from` on.
fn excerpt(text: &str, from: usize) -> String {
    let dots = |more: bool| if more { "…" } else { "" };
    let shown: String = text.chars().skip(from).take(EXCERPT).collect();
    let more = text.chars().nth(from + EXCERPT).is_some();
    format!("{}{shown}{}", dots(from > 0), dots(more))
}

/// Compares two sets of spans, in any order, repeats counted.
///
/// # Errors
/// Names spans that are missing, that were not expected, and fields that differ.
pub fn compare<'a>(
    expected: impl IntoIterator<Item = &'a NormalSpan>,
    got: impl IntoIterator<Item = &'a NormalSpan>,
) -> Result<(), String> {
    let mut pairs: BTreeMap<_, (Vec<&NormalSpan>, Vec<&NormalSpan>)> = BTreeMap::new();
    for span in expected {
        pairs.entry(span.key()).or_default().0.push(span);
    }
    for span in got {
        pairs.entry(span.key()).or_default().1.push(span);
    }
    let mut faults = Vec::new();
    for ((trace, id, kind), (mut expected, mut got)) in pairs {
        expected.sort();
        got.sort();
        let who = format!("span {id} of trace {trace}, kind {kind}");
        if expected.len() != got.len() {
            faults.push(format!("{who}: expected {} times, got {}", expected.len(), got.len()));
        }
        for (expected, got) in expected.iter().zip(&got) {
            let fields = differences(expected, got);
            if !fields.is_empty() {
                faults.push(format!("{who}: {}\n  {}", expected.name, fields.join("\n  ")));
            }
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    let more = faults.len().saturating_sub(SHOWN);
    let shown = faults.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("\n");
    Err(format!("{} spans differ:\n{shown}\n… and {more} more", faults.len()))
}
