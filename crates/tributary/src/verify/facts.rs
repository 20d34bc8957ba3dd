//! What there is to know of a span, as texts by names, so that two can be compared one by one.
//!
//! The same facts are drawn from a span as it was written and from one that came back. The order of
//! attributes is none of them: stores have columns for some, and give those back first.

use super::case::{NOTE, SCOPE, SERVICE};
use super::plan::Protocol;
use super::span::{Attributes, Span, Value, nanos};
use std::collections::BTreeMap;
use tributary_span::Columns;
use tributary_span::columns::{Attr, ValueType};
use tributary_span::protobuf::{Fields, Malformed};

/// By what it is about: `name`, `span.KEY`, `resource.KEY`, `event 0`.
pub(crate) type Facts = BTreeMap<String, String>;

/// The facts of a span that was written by a protocol: those that it carries.
pub(crate) fn written(span: &Span, by: Protocol) -> Facts {
    let mut facts = Facts::new();
    let mut fact = |about: &str, text: String| facts.insert(about.to_owned(), text);
    fact("parent", span.parent.to_string());
    fact("name", span.name.clone());
    fact("kind", span.kind.to_string());
    fact("start", nanos(span.start).to_string());
    fact("end", nanos(span.end).to_string());
    fact("resource.service.name", text(&SERVICE.into()));
    for (key, value) in span.attributes.iter().filter(|(key, _)| !key.starts_with(NOTE)) {
        fact(&format!("span.{key}"), text(value));
    }
    if by != Protocol::Otlp {
        return facts;
    }
    fact("scope", format!("{} {}", SCOPE.0, SCOPE.1));
    fact("state", span.state.to_owned());
    fact("status", format!("{} {}", span.status.0, span.status.1));
    for (number, event) in span.events.iter().enumerate() {
        let list = listed(&event.attributes);
        fact(&format!("event {number}"), format!("{} {:?} {list}", nanos(event.time), event.name));
    }
    for (number, link) in span.links.iter().enumerate() {
        let list = listed(&link.attributes);
        fact(
            &format!("link {number}"),
            format!("{} {} {} {list}", link.trace, link.span, link.state),
        );
    }
    facts
}

/// The facts of a span that came back.
pub(crate) fn found(columns: &Columns, row: usize) -> Facts {
    let (c, s) = (columns, &columns.spans);
    let mut facts = Facts::new();
    let mut fact = |about: &str, text: String| facts.insert(about.to_owned(), text);
    let str = |texts: &[tributary_span::columns::Text], at: usize| {
        texts.get(at).map_or_else(String::new, |text| c.texts.str(*text).to_owned())
    };
    let number = |numbers: &[i32]| numbers.get(row).copied().unwrap_or_default();
    let time = |times: &[u64]| times.get(row).copied().unwrap_or_default().to_string();
    let at = |numbers: &[u32], row: usize| numbers.get(row).map_or(usize::MAX, |at| *at as usize);
    fact("parent", s.parent.get(row).copied().unwrap_or_default().to_string());
    fact("name", str(&s.name, row));
    fact("kind", number(&s.kind).to_string());
    fact("start", time(&s.start));
    fact("end", time(&s.end));
    fact("state", str(&s.trace_state, row));
    fact("status", format!("{} {}", number(&s.status_code), str(&s.status_message, row)));
    let (resource, scope) = (at(&s.resource, row), at(&s.scope, row));
    fact("scope", format!("{} {}", str(&c.scopes.name, scope), str(&c.scopes.version, scope)));
    for (prefix, attributes) in [
        ("resource", c.attrs_of_resource(resource).collect::<Vec<_>>()),
        ("span", c.attrs_of_span(row).collect()),
    ] {
        for attr in attributes {
            let key = c.texts.str(attr.key);
            if !key.starts_with(NOTE) {
                fact(&format!("{prefix}.{key}"), value(c, attr));
            }
        }
    }
    for (number, event) in c.events_of(row).enumerate() {
        let at = c.events.time.get(event).copied().unwrap_or_default();
        let list = sorted(c.attrs_of_event(event).map(|a| (c.texts.str(a.key), value(c, a))));
        fact(&format!("event {number}"), format!("{at} {:?} {list}", str(&c.events.name, event)));
    }
    for (number, link) in c.links_of(row).enumerate() {
        let list = sorted(c.attrs_of_link(link).map(|a| (c.texts.str(a.key), value(c, a))));
        let trace = c.links.trace.get(link).copied().unwrap_or_default();
        let span = c.links.span.get(link).copied().unwrap_or_default();
        let state = str(&c.links.trace_state, link);
        fact(&format!("link {number}"), format!("{trace} {span} {state} {list}"));
    }
    facts
}

fn listed(attributes: &Attributes) -> String {
    sorted(attributes.iter().map(|(key, value)| (*key, text(value))))
}

fn sorted<'k>(attributes: impl Iterator<Item = (&'k str, String)>) -> String {
    let mut all: Vec<String> = attributes.map(|(key, value)| format!("{key}={value}")).collect();
    all.sort_unstable();
    format!("[{}]", all.join(", "))
}

/// A value and its type.
fn text(value: &Value) -> String {
    match value {
        Value::Str(text) => format!("{text:?}"),
        Value::Int(number) => format!("int {number}"),
        Value::Bool(bool) => format!("bool {bool}"),
        Value::Double(number) => format!("double {number}"),
        Value::Bytes(bytes) => format!("bytes {bytes:?}"),
        Value::List(values) => {
            format!("list ({})", values.iter().map(text).collect::<Vec<_>>().join(", "))
        }
        Value::Map(members) => format!("map {}", listed(members)),
    }
}

fn value(c: &Columns, attr: Attr) -> String {
    match attr.value_type {
        ValueType::Empty => "nothing".to_owned(),
        ValueType::Str => format!("{:?}", c.texts.str(attr.text())),
        ValueType::Bool => format!("bool {}", attr.value != 0),
        ValueType::Int => format!("int {}", attr.value.cast_signed()),
        ValueType::Double => format!("double {}", f64::from_bits(attr.value)),
        ValueType::Bytes => format!("bytes {:?}", c.texts.get(attr.text())),
        ValueType::Any => any(c.texts.get(attr.text()), 0)
            .unwrap_or_else(|why| format!("a value that cannot be read: {why}")),
    }
}

/// How deep values may lie in each other: those that are written lie three deep.
const DEEPEST: usize = 8;

/// An `AnyValue`: `string_value` = 1, `bool_value` = 2, `int_value` = 3, `double_value` = 4,
/// `array_value` = 5 { `values` = 1 }, `kvlist_value` = 6 { `values` = 1 { `key` = 1, `value` = 2 } },
/// `bytes_value` = 7.
fn any(bytes: &[u8], depth: usize) -> Result<String, Malformed> {
    if depth > DEEPEST {
        return Ok("…".to_owned());
    }
    let mut told = "nothing".to_owned();
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_field()? {
        told = match field.number {
            1 => format!("{:?}", field.text()?),
            2 => format!("bool {}", field.varint()? != 0),
            3 => format!("int {}", field.varint()?.cast_signed()),
            4 => format!("double {}", f64::from_bits(field.fixed64()?)),
            5 => {
                let (mut values, mut inner) = (Vec::new(), Fields::new(field.bytes()?));
                while let Some(value) = inner.next_field()? {
                    values.push(any(value.bytes()?, depth + 1)?);
                }
                format!("list ({})", values.join(", "))
            }
            6 => {
                let (mut members, mut inner) = (Vec::new(), Fields::new(field.bytes()?));
                while let Some(member) = inner.next_field()? {
                    members.push(key_value(member.bytes()?, depth)?);
                }
                format!(
                    "map {}",
                    sorted(members.iter().map(|(key, value)| (&**key, value.clone())))
                )
            }
            7 => format!("bytes {:?}", field.bytes()?),
            _ => continue,
        };
    }
    Ok(told)
}

fn key_value(bytes: &[u8], depth: usize) -> Result<(String, String), Malformed> {
    let (mut key, mut value) = (String::new(), "nothing".to_owned());
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 => key = field.text()?.to_owned(),
            2 => value = any(field.bytes()?, depth + 1)?,
            _ => {}
        }
    }
    Ok((key, value))
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::super::plan::Plan;
    use super::super::send::otlp;
    use super::*;
    use std::time::Duration;
    use tributary_span::columns::Builder;
    use tributary_span::otlp::{Limits, decode};

    #[test]
    fn a_span_has_the_facts_that_it_was_written_with() {
        let plan = Plan::new("v", Duration::from_secs(10), &[]);
        for slot in 0..4 {
            let mut case = Case::of(&plan, slot);
            case.note(vec![("verify.note.since", Value::Int(1))]);
            let mut columns = Builder::new();
            let body = otlp::request(&case.spans);
            let outcome = decode::append_all(&mut columns, &body, &Limits::default()).unwrap();
            assert_eq!(outcome.accepted, case.spans.len() as u64);
            let columns = columns.take();
            for (row, span) in case.spans.iter().enumerate() {
                assert_eq!(found(&columns, row), written(span, Protocol::Otlp), "{:?}", case.kind);
            }
        }
    }

    #[test]
    fn a_value_that_cannot_be_read_is_told_and_deep_ones_end() {
        assert!(any(&[0x0a, 9], 0).is_err());
        let mut deep = Vec::new();
        for _ in 0..40 {
            let mut list = Vec::new();
            tributary_span::protobuf::put::bytes(&mut list, 1, &deep);
            deep.clear();
            tributary_span::protobuf::put::bytes(&mut deep, 5, &list);
        }
        assert!(any(&deep, 0).unwrap().contains('…'));
    }
}
