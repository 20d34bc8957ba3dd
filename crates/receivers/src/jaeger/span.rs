//! What Jaeger's spans are in OTLP, whatever they were encoded in.
//!
//! | Jaeger | OTLP |
//! |---|---|
//! | trace id of 64 bits | padded with zeros on the left |
//! | parent, else the first `CHILD_OF` of this trace, else the first `FOLLOWS_FROM` of it | parent |
//! | other references | links with attribute `opentracing.ref_type` |
//! | `span.kind` | kind, if it is one of the five |
//! | `error`: true | status ERROR; its message from `otel.status_description`, else `http.status_message` |
//! | `otel.status_code`, when there is no such error | status |
//! | `http.status_code` (or `http.response.status_code`), when there is neither | 5xx is an ERROR, 4xx for clients too |
//! | `w3c.tracestate` | trace state |
//! | `otel.scope.name`, `.version`, `otel.library.name`, `.version` | scope |
//! | flags: sampled; debug | W3C's sampled flag; attribute `jaeger.debug` |
//! | log: its field `event`, else `message`; other fields | event: name; attributes |
//! | warning | attribute `jaeger.warning` |
//! | process: service, `hostname`, other tags | resource: `service.name`, `host.name`, as they are |
//!
//! A `CHILD_OF` reference to the parent says nothing new and is left out; a `FOLLOWS_FROM` to it
//! stays as a link. Tags that are known but hold something else than they should stay as they are.

use crate::translate::{Draft, EVENTS, LINKS, Value, attribute, kind, nanos, set, status};
use tributary_span::protobuf::put;

/// A span and what its tags told of its status.
#[derive(Debug, Default)]
pub(super) struct Span {
    pub(super) draft: Draft,
    error: bool,
    status: Option<u8>,
    description: Vec<u8>,
    http_status: Option<i64>,
    http_message: Vec<u8>,
    parent_found: Parent,
    links: Vec<u8>,
}

/// How a parent was found, better ones last.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Parent {
    #[default]
    Not,
    FollowsFrom,
    ChildOf,
    Given,
}

/// A reference to another span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) follows_from: bool,
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
}

/// A tag's value: what has come, by the number of its type, and which of them counts.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tag<'a> {
    /// Which type, by number.
    pub(super) is: usize,
    came: [Option<Value<'a>>; 5],
}

impl<'a> Tag<'a> {
    /// Takes the value of a type. Their fields stand in the types' order from 3 on, in both formats.
    #[inline]
    pub(super) fn set(&mut self, field: usize, value: Value<'a>) {
        if let Some(slot) = self.came.get_mut(field.wrapping_sub(3)) {
            *slot = Some(value);
        }
    }

    /// The value of the type that is named; where there is none of it, the one that has come, or else
    /// the type's default: what is at it is not always written.
    #[inline]
    pub(super) fn value(&self, defaults: [Value<'static>; 5]) -> Value<'a> {
        match self.came.get(self.is) {
            Some(Some(value)) => *value,
            _ => {
                let came = self.came.iter().flatten().next().copied();
                came.or(defaults.get(self.is).copied()).unwrap_or(Value::Str(b""))
            }
        }
    }
}

impl Span {
    /// Begins another span.
    pub(super) fn clear(&mut self) {
        self.draft.clear();
        self.description.clear();
        self.http_message.clear();
        self.links.clear();
        self.error = false;
        self.status = None;
        self.http_status = None;
        self.parent_found = Parent::Not;
    }

    pub(super) fn times(&mut self, start: u64, duration: u64) {
        self.draft.start = start;
        self.draft.end = start.saturating_add(duration);
    }

    pub(super) fn flags(&mut self, flags: i64) {
        self.draft.flags = u32::from(flags & 1 != 0);
        if flags & 2 != 0 {
            self.draft.attribute(b"jaeger.debug", Value::Bool(true));
        }
    }

    /// Takes a tag: as what it means, or as an attribute.
    pub(super) fn tag(&mut self, key: &[u8], value: Value<'_>) {
        let draft = &mut self.draft;
        match (key, value) {
            (b"span.kind", Value::Str(name)) if kind::named(name).is_some() => {
                draft.kind = kind::named(name).unwrap_or_default();
                return;
            }
            (b"error", Value::Bool(true) | Value::Str(b"true")) => {
                self.error = true;
                return;
            }
            (b"otel.status_code", Value::Str(name)) if status::named(name).is_some() => {
                self.status = status::named(name);
                return;
            }
            (b"otel.status_description", Value::Str(text)) => {
                set(&mut self.description, text);
                return;
            }
            (b"w3c.tracestate", Value::Str(text)) => return set(&mut draft.trace_state, text),
            (b"otel.scope.name", Value::Str(text)) => return set(&mut draft.scope_name, text),
            (b"otel.scope.version", Value::Str(text)) => {
                return set(&mut draft.scope_version, text);
            }
            // The older names of the same; exporters that write both write the same twice.
            (b"otel.library.name", Value::Str(text)) if draft.scope_name.is_empty() => {
                return set(&mut draft.scope_name, text);
            }
            (b"otel.library.version", Value::Str(text)) if draft.scope_version.is_empty() => {
                return set(&mut draft.scope_version, text);
            }
            (b"otel.library.name", Value::Str(text)) if draft.scope_name == text => return,
            (b"otel.library.version", Value::Str(text)) if draft.scope_version == text => return,
            (b"http.status_code" | b"http.response.status_code", value) => {
                self.http_status = number(value);
            }
            (b"http.status_message", Value::Str(text)) => set(&mut self.http_message, text),
            _ => {}
        }
        self.draft.attribute(key, value);
    }

    /// Takes a reference. All that tells the span's own trace must have been taken before.
    pub(super) fn reference(&mut self, to: Reference) {
        if self.parent_found == Parent::Not && self.draft.parent != [0; 8] {
            self.parent_found = Parent::Given;
        }
        let how = if to.follows_from { Parent::FollowsFrom } else { Parent::ChildOf };
        let own = to.trace == self.draft.trace && to.span != [0; 8];
        if own && how > self.parent_found {
            if self.parent_found == Parent::FollowsFrom {
                let before =
                    Reference { follows_from: true, span: self.draft.parent, trace: to.trace };
                link(&mut self.links, &before);
            }
            self.draft.parent = to.span;
            self.parent_found = how;
            return;
        }
        if own && !to.follows_from && to.span == self.draft.parent {
            return;
        }
        link(&mut self.links, &to);
    }

    /// Decides what could only be decided when all was known.
    pub(super) fn finish(&mut self) {
        let draft = &mut self.draft;
        draft.fields.extend_from_slice(&self.links);
        if self.error {
            draft.status = status::ERROR;
            let message =
                if self.description.is_empty() { &self.http_message } else { &self.description };
            set(&mut draft.status_message, message);
        } else if let Some(code) = self.status {
            draft.status = code;
            set(&mut draft.status_message, &self.description);
        } else {
            if http_error(self.http_status, draft.kind) {
                draft.status = status::ERROR;
                set(&mut draft.status_message, &self.http_message);
            }
            if !self.description.is_empty() {
                draft.attribute(b"otel.status_description", Value::Str(&self.description));
            }
        }
    }
}

fn link(out: &mut Vec<u8>, to: &Reference) {
    let name: &[u8] = if to.follows_from { b"follows_from" } else { b"child_of" };
    put::message(out, LINKS, |out| {
        put::bytes(out, 1, &to.trace);
        put::bytes(out, 2, &to.span);
        attribute(out, 4, b"opentracing.ref_type", Value::Str(name));
    });
}

/// Clients write the code as an integer, Node's as a double, some as text.
fn number(value: Value<'_>) -> Option<i64> {
    match value {
        Value::Int(n) => Some(n),
        #[expect(clippy::cast_possible_truncation, reason = "saturates; codes have three digits")]
        Value::Double(n) => Some(n as i64),
        Value::Str(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        _ => None,
    }
}

fn http_error(code: Option<i64>, kind: u8) -> bool {
    match code {
        Some(500..600) => true,
        Some(400..500) => kind == kind::CLIENT,
        _ => false,
    }
}

/// A failure while fields are handed out, or none.
type Walked<E> = Result<(), E>;

/// Writes an event from a log's fields. `each` hands them out, and is called twice: the name is
/// known before the attributes are written.
pub(super) fn event<'a, E>(
    span: &mut Span,
    time: u64,
    mut each: impl FnMut(&mut dyn FnMut(&'a [u8], Value<'a>)) -> Walked<E>,
) -> Walked<E> {
    let mut named: Option<&[u8]> = None;
    let mut message: Option<&[u8]> = None;
    each(&mut |key, value| match (key, value) {
        (b"event", Value::Str(text)) => named = named.or(Some(text)),
        (b"message", Value::Str(text)) => message = message.or(Some(text)),
        _ => {}
    })?;
    let name = named.or(message);
    let mut name_key: Option<&[u8]> =
        name.map(|_| if named.is_some() { &b"event"[..] } else { b"message" });
    let mut walked = Ok(());
    put::message(&mut span.draft.fields, EVENTS, |out| {
        put::fixed64(out, 1, time);
        put::bytes(out, 2, name.unwrap_or_default());
        walked = each(&mut |key, value| {
            // The field that is the name, once: a second of that name is an attribute.
            if name_key == Some(key) && value.text().is_some() {
                name_key = None;
            } else {
                attribute(out, 3, key, value);
            }
        });
    });
    walked
}

/// Writes a process's service as an attribute of a resource.
pub(super) fn service(out: &mut Vec<u8>, name: &[u8]) {
    if !name.is_empty() {
        attribute(out, 1, b"service.name", Value::Str(name));
    }
}

/// Writes a process's tag as an attribute of a resource.
pub(super) fn process_tag(out: &mut Vec<u8>, service: &[u8], key: &[u8], value: Value<'_>) {
    match key {
        b"service.name" if !service.is_empty() => {}
        b"hostname" => attribute(out, 1, b"host.name", value),
        _ => attribute(out, 1, key, value),
    }
}

/// Microseconds that Jaeger says as a signed number, as nanoseconds; negative ones are none.
pub(super) fn micros(n: i64) -> u64 {
    nanos(u64::try_from(n).unwrap_or(0))
}
