//! Events and links that OpenTelemetry's exporters pack into Zipkin's texts, unpacked.
//!
//! | annotation | written by |
//! |---|---|
//! | `"name": {"key": value, …}` | the specification's words |
//! | `{"name": {"key": value, …}}` | OpenTelemetry for Python |
//! | `name\|{"key": value, …}\|dropped` | the Collector's exporter |
//! | anything else | its text is the event's name |
//!
//! A link is `trace\|span\|state\|{"key": value, …}\|dropped`, written by the Collector. What looks
//! packed and is broken stays a text: nothing is refused for it.

use super::id::hex;
use crate::translate::json::{Bad, Json};
use crate::translate::{Draft, EVENTS, LINKS, attribute};
use tributary_span::protobuf::put;

/// Writes an annotation as an event.
pub(super) fn event(draft: &mut Draft, time: u64, value: &[u8]) {
    let mark = draft.fields.len();
    if packed(&mut draft.fields, time, value).is_none() {
        draft.fields.truncate(mark);
        draft.event(time, value);
    }
}

fn packed(out: &mut Vec<u8>, time: u64, value: &[u8]) -> Option<()> {
    let mut name = Vec::new();
    let braced = match value.first()? {
        b'{' => true,
        b'"' => false,
        _ => return piped(out, time, value),
    };
    // What the specification says is Python's without its braces.
    let with_braces;
    let whole = if braced {
        value
    } else {
        with_braces = [b"{", value, b"}"].concat();
        &with_braces
    };
    let mut members = 0;
    let mut json = Json::new(whole);
    json.object(&mut name, |json, name| {
        members += 1;
        let mut result = Ok(());
        put::message(out, EVENTS, |out| {
            put::fixed64(out, 1, time);
            put::bytes(out, 2, name);
            result = attributes(out, 3, json);
        });
        result
    })
    .ok()?;
    (members == 1 && json.is_done()).then_some(())
}

fn piped(out: &mut Vec<u8>, time: u64, value: &[u8]) -> Option<()> {
    let (name, rest) = split(value)?;
    let (packed, dropped) = split_last(rest)?;
    let dropped = number(dropped)?;
    let mut done = None;
    put::message(out, EVENTS, |out| {
        put::fixed64(out, 1, time);
        put::bytes(out, 2, name);
        let mut json = Json::new(packed);
        done = attributes(out, 3, &mut json).ok().filter(|()| json.is_done());
        put::uint(out, 4, u64::from(dropped));
    });
    done
}

/// Writes a packed link; whether it is one.
pub(super) fn link(out: &mut Vec<u8>, value: &[u8]) -> bool {
    let mark = out.len();
    let written = packed_link(out, value).is_some();
    if !written {
        out.truncate(mark);
    }
    written
}

fn packed_link(out: &mut Vec<u8>, value: &[u8]) -> Option<()> {
    let (trace, rest) = split(value)?;
    let (span, rest) = split(rest)?;
    let (state, rest) = split(rest)?;
    let (packed, dropped) = split_last(rest)?;
    let (trace, span) = (hex::<16>(trace), hex::<8>(span));
    let dropped = number(dropped)?;
    if trace == [0; 16] || span == [0; 8] {
        return None;
    }
    let mut done = None;
    put::message(out, LINKS, |out| {
        put::bytes(out, 1, &trace);
        put::bytes(out, 2, &span);
        if !state.is_empty() {
            put::bytes(out, 3, state);
        }
        let mut json = Json::new(packed);
        done = attributes(out, 4, &mut json).ok().filter(|()| json.is_done());
        if dropped > 0 {
            put::uint(out, 5, u64::from(dropped));
        }
    });
    done
}

fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&c| c == b'|')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

fn split_last(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().rposition(|&c| c == b'|')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

fn number(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Writes an object's members as attributes; arrays and objects among them as their text.
fn attributes(out: &mut Vec<u8>, number: u32, json: &mut Json<'_>) -> Result<(), Bad> {
    let (mut key, mut buffer) = (Vec::new(), Vec::new());
    json.object(&mut key, |json, key| {
        attribute(out, number, key, json.given(&mut buffer)?.nearest());
        Ok(())
    })
}
