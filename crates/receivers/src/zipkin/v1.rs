//! Zipkin v1's annotations turned into what v2 has fields for.
//!
//! | v1 | v2 |
//! |---|---|
//! | annotations `cs`, `cr`; `sr`, `ss`; `ms`; `mr` | kind CLIENT; SERVER; PRODUCER; CONSUMER |
//! | their times, when the span has none of its own | timestamp, duration |
//! | binary annotations `sa`, `ca`, `ma`, true | remote endpoint |
//! | binary annotation `lc` | its endpoint is the local one; a tag if it says something |
//! | endpoints of annotations, those of the core ones first | local endpoint |
//! | server without a timestamp | shared: the client has it |
//!
//! A core annotation whose time is the span's start or end says nothing new and is left out; any
//! other stays an event. Clients round the times of calls in two ways, so `cs`, `cr`, `sr` and `ss`
//! may be a microsecond off.

use super::span::{Endpoint, Span};
use crate::translate::{Value, kind};

/// A span of v1 that is being read.
#[derive(Debug, Default)]
pub(super) struct V1 {
    pub(super) span: Span,
    /// Times of the core annotations.
    core: [Option<u64>; CORE.len()],
    core_host: Endpoint,
    any_host: Endpoint,
    addresses: [Endpoint; 3],
}

const CORE: [&str; 8] = ["cs", "cr", "sr", "ss", "ms", "mr", "ws", "wr"];
const CS: usize = 0;
const CR: usize = 1;
const SR: usize = 2;
const SS: usize = 3;
const MS: usize = 4;
const MR: usize = 5;
const WS: usize = 6;
const WR: usize = 7;

/// Whose address a binary annotation tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Address {
    Server,
    Client,
    Broker,
}

impl Address {
    pub(super) fn named(key: &[u8]) -> Option<Address> {
        match key {
            b"sa" => Some(Address::Server),
            b"ca" => Some(Address::Client),
            // Node's encoder knows no name for the broker's address.
            b"ma" | b"" => Some(Address::Broker),
            _ => None,
        }
    }
}

impl V1 {
    /// Begins another span.
    pub(super) fn clear(&mut self) {
        self.span.clear();
        self.core = Default::default();
        self.core_host.clear();
        self.any_host.clear();
        self.addresses.iter_mut().for_each(Endpoint::clear);
    }

    /// Takes an annotation. `time` in nanoseconds.
    pub(super) fn annotation(&mut self, time: u64, value: &[u8], host: &Endpoint) {
        let core = CORE.iter().position(|name| value == name.as_bytes());
        match core.and_then(|core| self.core.get_mut(core)) {
            Some(slot @ None) => {
                *slot = Some(time);
                keep(&mut self.core_host, host);
            }
            _ => {
                self.span.annotation(time, value);
                keep(&mut self.any_host, host);
            }
        }
    }

    /// Takes an address of another side.
    pub(super) fn address(&mut self, whose: Address, host: &Endpoint) {
        if let Some(address) = self.addresses.get_mut(whose as usize) {
            keep(address, host);
        }
    }

    /// Takes any other binary annotation.
    pub(super) fn tag(&mut self, key: &[u8], value: Value<'_>, host: &Endpoint) {
        keep(&mut self.any_host, host);
        if key != b"lc" || !matches!(value, Value::Empty | Value::Str(b"")) {
            self.span.tag(key, value);
        }
    }

    /// Decides what could only be decided when all was known.
    pub(super) fn finish(&mut self) {
        let at = |core: usize| self.core.get(core).copied().flatten();
        // Kind, start, end, and whose address is the other side's, by preference.
        let [server, client, broker] = &self.addresses;
        let sides = [
            (kind::CLIENT, at(CS), at(CR), [server, broker, client]),
            (kind::SERVER, at(SR), at(SS), [client, broker, server]),
            (kind::PRODUCER, at(MS), at(WS), [broker, server, client]),
            (kind::CONSUMER, at(WR).or(at(MR)), at(MR), [broker, client, server]),
        ];
        let told = |kind: u8| match kind {
            kind::PRODUCER => at(MS).is_some(),
            kind::CONSUMER => at(MR).is_some(),
            kind::CLIENT => at(CS).or(at(CR)).is_some(),
            _ => at(SR).or(at(SS)).is_some(),
        };
        let none = (kind::UNSPECIFIED, None, None, [server, client, broker]);
        let side = sides.into_iter().find(|(kind, ..)| told(*kind)).unwrap_or(none);
        let (kind, first, last, others) = side;
        let span = &mut self.span;
        span.draft.kind = kind;
        span.shared = kind == kind::SERVER && span.timestamp.is_none();
        if span.timestamp.is_none() {
            span.timestamp = first.or(last);
            let between = first.zip(last).map(|(first, last)| last.saturating_sub(first));
            span.duration = span.duration.or(between);
        }
        if let Some(other) = others.into_iter().find(|other| !other.is_empty()) {
            span.remote.copy(other);
        }
        let start = span.timestamp;
        let end = start.map(|start| start.saturating_add(span.duration.unwrap_or(0)));
        for (name, time) in CORE.iter().zip(self.core) {
            // Which of the span's times it tells, and how well.
            let (told, slack) = match (kind, *name) {
                (kind::CLIENT, "cs") | (kind::SERVER, "sr") => (start, 1000),
                (kind::CLIENT, "cr") | (kind::SERVER, "ss") => (end, 1000),
                (kind::PRODUCER, "ms") | (kind::CONSUMER, "wr") => (start, 0),
                (kind::PRODUCER, "ws") | (kind::CONSUMER, "mr") => (end, 0),
                _ => (None, 0),
            };
            if let Some(time) = time
                && told.is_none_or(|told| told.abs_diff(time) > slack)
            {
                span.annotation(time, name.as_bytes());
            }
        }
        keep(&mut span.local, &self.core_host);
        keep(&mut span.local, &self.any_host);
        span.finish();
    }
}

/// The first that says something counts.
fn keep(kept: &mut Endpoint, host: &Endpoint) {
    if kept.is_empty() && !host.is_empty() {
        kept.copy(host);
    }
}
