//! What Zipkin's spans are in OTLP, whatever they were encoded in.
//!
//! | Zipkin (v2) | OTLP |
//! |---|---|
//! | trace id of 16 digits | padded with zeros on the left |
//! | parent that is the span itself | none |
//! | kind; tag `span.kind`, when there is no kind | kind |
//! | no timestamp | the first annotation's, else 0; attribute `otel.zipkin.absentField.startTime` |
//! | local endpoint | resource `service.name`; attributes `net.host.ip`, `net.host.port` |
//! | remote endpoint | attributes `peer.service`, `net.peer.ip`, `net.peer.port` |
//! | an endpoint's IPv6 address beside an IPv4 one | attribute `net.host.ipv6`, `net.peer.ipv6` |
//! | tag `error`: "true" | status ERROR |
//! | tag `error`: other | status ERROR, message; the tag stays |
//! | tags `otel.status_code`, `otel.status_description` | status, when there is no `error` |
//! | tags `otel.scope.name`, `.version`, `otel.library.name`, `.version` | scope |
//! | tag `w3c.tracestate` | trace state |
//! | tags `otlp.link.N` | links |
//! | tags that are known to describe the process | resource |
//! | annotation | event; see [`super::text`] |
//! | shared, debug | attributes `zipkin.shared`, `zipkin.debug` |
//!
//! An attribute that a tag gave is not written a second time for an endpoint.

use super::text;
use crate::translate::{Draft, Value, attribute, kind, set, status};

/// One side of a span.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) service: Vec<u8>,
    /// Addresses as text.
    pub(super) ipv4: Vec<u8>,
    pub(super) ipv6: Vec<u8>,
    pub(super) port: u16,
}

impl Endpoint {
    pub(super) fn clear(&mut self) {
        self.service.clear();
        self.ipv4.clear();
        self.ipv6.clear();
        self.port = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.service.is_empty() && self.ipv4.is_empty() && self.ipv6.is_empty() && self.port == 0
    }

    pub(super) fn copy(&mut self, from: &Endpoint) {
        set(&mut self.service, &from.service);
        set(&mut self.ipv4, &from.ipv4);
        set(&mut self.ipv6, &from.ipv6);
        self.port = from.port;
    }
}

/// A span that is being read.
#[derive(Debug, Default)]
pub(super) struct Span {
    pub(super) draft: Draft,
    pub(super) local: Endpoint,
    pub(super) remote: Endpoint,
    /// Nanoseconds since the epoch.
    pub(super) timestamp: Option<u64>,
    pub(super) duration: Option<u64>,
    pub(super) shared: bool,
    pub(super) debug: bool,
    first_event: Option<u64>,
    error: bool,
    error_message: Vec<u8>,
    status: Option<u8>,
    description: Vec<u8>,
    kind_tag: Option<u8>,
    service_tag: Vec<u8>,
    /// Attributes of the resource that came as tags.
    process: Vec<u8>,
    /// Attributes of the resource, whole.
    resource: Vec<u8>,
    /// Which of [`ENDPOINT_KEYS`] came as tags.
    seen: u8,
}

const ENDPOINT_KEYS: [&str; 7] = [
    "net.host.ip",
    "net.host.port",
    "net.host.ipv6",
    "peer.service",
    "net.peer.ip",
    "net.peer.port",
    "net.peer.ipv6",
];

/// Tags that OpenTelemetry's exporters make of a resource: its semantic conventions for
/// processes and what they run in. Prefixes where a dot is last. Sorted.
const PROCESS_KEYS: [&str; 12] = [
    "cloud.",
    "container.",
    "deployment.",
    "device.",
    "faas.",
    "host.",
    "k8s.",
    "os.",
    "process.",
    "service.",
    "telemetry.",
    "webengine.",
];

fn of_process(key: &[u8]) -> bool {
    PROCESS_KEYS.iter().any(|prefix| key.starts_with(prefix.as_bytes()))
}

impl Span {
    /// Begins another span.
    pub(super) fn clear(&mut self) {
        self.draft.clear();
        for buffer in [
            &mut self.error_message,
            &mut self.description,
            &mut self.service_tag,
            &mut self.process,
            &mut self.resource,
        ] {
            buffer.clear();
        }
        self.local.clear();
        self.remote.clear();
        (self.timestamp, self.duration, self.first_event) = (None, None, None);
        (self.shared, self.debug, self.error) = (false, false, false);
        (self.status, self.kind_tag, self.seen) = (None, None, 0);
    }

    /// Takes a tag: as what it means, or as an attribute.
    pub(super) fn tag(&mut self, key: &[u8], value: Value<'_>) {
        let draft = &mut self.draft;
        match (key, value) {
            (b"error", Value::Bool(true) | Value::Str(b"true")) => {
                self.error = true;
                return;
            }
            (b"error", value) => {
                self.error = true;
                set(&mut self.error_message, value.text().unwrap_or_default());
            }
            (b"otel.status_code", Value::Str(name)) if status::named(name).is_some() => {
                self.status = status::named(name);
                return;
            }
            (b"otel.status_description", Value::Str(text)) => {
                return set(&mut self.description, text);
            }
            (b"span.kind", Value::Str(name)) if kind::named(name).is_some() => {
                self.kind_tag = kind::named(name);
                return;
            }
            (b"w3c.tracestate", Value::Str(text)) => return set(&mut draft.trace_state, text),
            (b"otel.scope.name", Value::Str(text)) => return set(&mut draft.scope_name, text),
            (b"otel.scope.version", Value::Str(text)) => {
                return set(&mut draft.scope_version, text);
            }
            // The older names of the same; exporters that write both write the same twice.
            (b"otel.library.name", Value::Str(text))
                if draft.scope_name.is_empty() || draft.scope_name == text =>
            {
                return set(&mut draft.scope_name, text);
            }
            (b"otel.library.version", Value::Str(text))
                if draft.scope_version.is_empty() || draft.scope_version == text =>
            {
                return set(&mut draft.scope_version, text);
            }
            (b"service.name", Value::Str(text)) => return set(&mut self.service_tag, text),
            (key, value) if of_process(key) => {
                return attribute(&mut self.process, 1, key, value);
            }
            (key, Value::Str(value)) if key.starts_with(b"otlp.link.") => {
                if text::link(&mut draft.fields, value) {
                    return;
                }
            }
            _ => {
                for (i, known) in ENDPOINT_KEYS.iter().enumerate() {
                    if key == known.as_bytes() {
                        self.seen |= 1 << i;
                    }
                }
            }
        }
        self.draft.attribute(key, value);
    }

    /// Takes an annotation. `time` in nanoseconds.
    pub(super) fn annotation(&mut self, time: u64, value: &[u8]) {
        self.first_event = Some(self.first_event.map_or(time, |first| first.min(time)));
        text::event(&mut self.draft, time, value);
    }

    /// The attributes of its resource, encoded, once it is finished.
    pub(super) fn resource(&self) -> &[u8] {
        &self.resource
    }

    /// Decides what could only be decided when all was known.
    pub(super) fn finish(&mut self) {
        let draft = &mut self.draft;
        if draft.parent == draft.id {
            draft.parent = [0; 8];
        }
        if let (kind::UNSPECIFIED, Some(kind)) = (draft.kind, self.kind_tag) {
            draft.kind = kind;
        }
        match self.timestamp {
            Some(start) => draft.start = start,
            None => {
                draft.start = self.first_event.unwrap_or(0);
                draft.attribute(b"otel.zipkin.absentField.startTime", Value::Bool(true));
            }
        }
        draft.end = draft.start.saturating_add(self.duration.unwrap_or(0));
        for (set, key) in [(self.shared, "zipkin.shared"), (self.debug, "zipkin.debug")] {
            if set {
                draft.attribute(key.as_bytes(), Value::Bool(true));
            }
        }
        if self.error {
            draft.status = status::ERROR;
            let empty = self.description.is_empty();
            let message = if empty { &self.error_message } else { &self.description };
            set(&mut draft.status_message, message);
        } else {
            draft.status = self.status.unwrap_or(0);
            set(&mut draft.status_message, &self.description);
        }
        self.endpoints();
        self.describe_resource();
    }

    fn endpoints(&mut self) {
        let (local, remote) = (&self.local, &self.remote);
        let port = |e: &Endpoint| (e.port != 0).then_some(Value::Int(i64::from(e.port)));
        let first = |e: &'_ Endpoint| !e.ipv4.is_empty();
        fn text(bytes: &[u8]) -> Option<Value<'_>> {
            (!bytes.is_empty()).then_some(Value::Str(bytes))
        }
        let values = [
            text(if first(local) { &local.ipv4 } else { &local.ipv6 }),
            port(local),
            text(&local.ipv6).filter(|_| first(local)),
            text(&remote.service),
            text(if first(remote) { &remote.ipv4 } else { &remote.ipv6 }),
            port(remote),
            text(&remote.ipv6).filter(|_| first(remote)),
        ];
        for (i, (key, value)) in ENDPOINT_KEYS.iter().zip(values).enumerate() {
            if let Some(value) = value
                && self.seen & 1 << i == 0
            {
                self.draft.attribute(key.as_bytes(), value);
            }
        }
    }

    fn describe_resource(&mut self) {
        let (local, tag) = (&self.local.service, &self.service_tag);
        let service = if local.is_empty() { tag } else { local };
        if !service.is_empty() {
            attribute(&mut self.resource, 1, b"service.name", Value::Str(service));
        }
        if !tag.is_empty() && tag != service {
            self.draft.attribute(b"service.name", Value::Str(tag));
        }
        self.resource.extend_from_slice(&self.process);
    }
}
